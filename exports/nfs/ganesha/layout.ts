import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isErrno } from '../../../core/errors.ts';
import { writeFileAtomic } from '../../../core/host/files.ts';
import { PLAIN_SOCKET } from './config.ts';

/** Where the unit keeps what it has: everything below `$root/nfs-server`, but the bus's socket when that path is too long. */
export interface UnitLayout {
  readonly folder: string;
  readonly exports: string;
  readonly recovery: string;
  readonly serverConf: string;
  readonly serverLog: string;
  readonly serverPid: string;
  readonly busConf: string;
  readonly busLog: string;
  readonly rpcbindLog: string;
  readonly unitRecord: string;
  /** What libblkid is told of devices. */
  readonly devices: string;
  /** Record file of a part. */
  readonly records: { readonly ganesha: string; readonly bus: string; readonly rpcbind: string };
}

/** The layout below `root`, an absolute path. */
export function unitLayout(root: string): UnitLayout {
  const folder = join(root, 'nfs-server');
  return {
    folder,
    exports: join(folder, 'exports'),
    recovery: join(folder, 'recovery'),
    serverConf: join(folder, 'ganesha.conf'),
    serverLog: join(folder, 'ganesha.log'),
    serverPid: join(folder, 'ganesha.pid'),
    busConf: join(folder, 'bus.conf'),
    busLog: join(folder, 'bus.log'),
    rpcbindLog: join(folder, 'rpcbind.log'),
    unitRecord: join(folder, 'unit.json'),
    devices: join(folder, 'blkid.tab'),
    records: {
      ganesha: join(folder, 'ganesha.process.json'),
      bus: join(folder, 'bus.process.json'),
      rpcbind: join(folder, 'rpcbind.process.json'),
    },
  };
}

/** What a later Bakery has to know of a unit beside its processes; written before the first of them starts. */
export interface UnitRecord {
  readonly socket: string;
  /** `own`: rpcbind is part of the unit; `host`: it was there before and is never touched. */
  readonly rpcbind: 'own' | 'host';
  /** Hash of the server's configuration: a unit with another one is not adopted. */
  readonly config: string;
}

/** The hash that goes into a UnitRecord. */
export function configHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The recorded unit, or undefined. */
export async function readUnitRecord(layout: UnitLayout): Promise<UnitRecord | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(layout.unitRecord, 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { socket, rpcbind, config } = value as Readonly<Record<string, unknown>>;
    if (typeof socket !== 'string' || !PLAIN_SOCKET.test(socket) || typeof config !== 'string') return undefined;
    return rpcbind === 'own' || rpcbind === 'host' ? { socket, rpcbind, config } : undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Writes the unit's record. */
export async function writeUnitRecord(layout: UnitLayout, record: UnitRecord): Promise<void> {
  await writeFileAtomic(layout.unitRecord, `${JSON.stringify(record)}\n`, 0o600);
}

const SHORT_PREFIX = 'bakery-nfs-';

/**
 * A path for the bus's socket. sun_path ends at 107 bytes (unix(7)) and D-Bus addresses need escaping beyond plain
 * characters; a root with a longer or stranger path gets a private folder (0700, mkdtemp) in /run, or in the temporary folder.
 */
export async function chooseSocket(layout: UnitLayout): Promise<string> {
  const usual = join(layout.folder, 'bus.sock');
  if (PLAIN_SOCKET.test(usual)) return usual;
  const folder = await mkdtemp(join('/run', SHORT_PREFIX)).catch(() => mkdtemp(join(tmpdir(), SHORT_PREFIX)));
  return join(folder, 'bus.sock');
}

/** Removes the socket, and its folder when `chooseSocket` made one for it. */
export async function removeSocket(socket: string): Promise<void> {
  await rm(socket, { force: true });
  const folder = dirname(socket);
  if (basename(folder).startsWith(SHORT_PREFIX)) await rm(folder, { recursive: true, force: true });
}
