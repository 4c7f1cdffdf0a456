import { access, readFile } from 'node:fs/promises';
import { BakeryError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/host/clock.ts';
import type { Exec } from '../../../core/host/exec.ts';
import type { NfsPorts } from '../backend.ts';
import {
  listeningPorts,
  MOUNT_PROGRAM,
  NFS_PROGRAM,
  parseRpcinfo,
  type Registration,
  RPCBIND_PORT,
} from '../rpcbind.ts';

const CAP_DAC_READ_SEARCH = 2n;

/**
 * How long ports may still be in use by a server of ours that was killed: its first thread is a zombie at once, and the last of the others
 * closes the sockets.
 */
const LETS_GO_MS = 1_000;
const PAUSE_MS = 50;

/**
 * The registrations that make an NFS server of someone else's. A TCP registration nobody listens behind was left by a
 * server that was killed; it harms nobody to take its place. A program registered with UDP alone is taken as living.
 */
export function foreignRegistrations(
  registrations: readonly Registration[],
  listening: ReadonlySet<number>,
): readonly Registration[] {
  const nfs = registrations.filter(({ program }) => program === NFS_PROGRAM || program === MOUNT_PROGRAM);
  const tcp = nfs.filter(({ protocol }) => protocol === 'tcp');
  return tcp.length > 0 ? tcp.filter(({ port }) => listening.has(port)) : nfs;
}

/**
 * Refuses to start beside an NFS server that is not ours; call it when nothing of ours runs. Other ports do not
 * help: ganesha 4.3 unsets NFS and mountd in rpcbind at its start and at its end, NFSv4-only too (measured), which would
 * take the other server from its clients; and it does not start for NFSv3 without rpcbind.
 * @throws BakeryError `foreign-nfs-server` (unavailable).
 */
export async function refuseForeignServer(
  { exec, clock }: { readonly exec: Exec; readonly clock: Clock },
  ports: NfsPorts,
): Promise<{ readonly rpcbindRuns: boolean }> {
  const takenOf = (listening: ReadonlySet<number>) => [ports.nfs, ports.mountd].filter((port) => listening.has(port));
  let listening = await listeningPorts();
  for (let waited = 0; takenOf(listening).length > 0 && waited < LETS_GO_MS; waited += PAUSE_MS) {
    await clock.sleep(PAUSE_MS);
    listening = await listeningPorts();
  }
  const taken = takenOf(listening);
  if (taken.length > 0) throw foreign(`TCP port ${taken.join(', ')} is in use`);
  if (!listening.has(RPCBIND_PORT)) return { rpcbindRuns: false };
  const { stdout } = await exec('rpcinfo', ['-p', '127.0.0.1'], { timeoutMs: 10_000 });
  const others = foreignRegistrations(parseRpcinfo(stdout), listening);
  if (others.length > 0) {
    const list = others.map((entry) => `${entry.program} v${entry.version} ${entry.protocol} ${entry.port}`);
    throw foreign(`rpcbind names ${list.join(', ')}`);
  }
  return { rpcbindRuns: true };
}

function foreign(detail: string): BakeryError {
  return new BakeryError('unavailable', 'foreign-nfs-server', 'another NFS server runs on this host', {
    detail: `${detail}; stop it, or give Bakery a network namespace (container) of its own`,
  });
}

/** True when the CapEff line of a /proc/<pid>/status holds CAP_DAC_READ_SEARCH. */
export function canReadByHandle(status: string): boolean {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return hex !== undefined && ((BigInt(`0x${hex}`) >> CAP_DAC_READ_SEARCH) & 1n) === 1n;
}

/**
 * Without CAP_DAC_READ_SEARCH (open_by_handle_at) ganesha starts, mounts succeed and every lookup is EPERM.
 * @throws BakeryError `capability-missing` (unavailable).
 */
export async function requireCapability(): Promise<void> {
  if (canReadByHandle(await readFile('/proc/self/status', 'utf8'))) return;
  throw new BakeryError('unavailable', 'capability-missing', 'the NFS server needs CAP_DAC_READ_SEARCH', {
    detail: 'run as root; in a container add the capability DAC_READ_SEARCH',
  });
}

/**
 * ganesha's VFS looks up file systems in /etc/mtab, which a bare chroot or container may lack; each export would be refused
 * with nothing but "validation errors".
 * @throws BakeryError `mtab-missing` (unavailable).
 */
export async function requireMtab(file = '/etc/mtab'): Promise<void> {
  try {
    await access(file);
  } catch {
    throw new BakeryError('unavailable', 'mtab-missing', 'the NFS server needs /etc/mtab', {
      detail: 'make it: ln -s ../proc/self/mounts /etc/mtab',
    });
  }
}
