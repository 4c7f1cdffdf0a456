import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BakeryError, describeError, isErrno } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { exists, removeFile } from '../../core/host/files.ts';
import type { Log } from '../../core/log.ts';
import { oneByOne } from '../../core/one-by-one.ts';
import { mountAt, readMounts } from './mountinfo.ts';
import { choosePoolKind, type PoolKind } from './pool-kind.ts';
import { growXfs, kernelHasXfs, makeXfs, mountXfs, settleXfs, unreservedBytes, type XfsPlace } from './pool-xfs.ts';
import { availableOf, maySpend, type Room, reserveOf, type SpaceReading } from './space.ts';

/** Room on the pool, in bytes; the reserve is left out. */
export interface PoolSpace {
  /** What can be written now. */
  readonly availableBytes: number;
  readonly totalBytes: number;
  /** What the pool can still take from the host. */
  readonly growableBytes: number;
}

/** Where volumes are kept; never exported. */
export interface Pool {
  readonly kind: PoolKind;
  /** `$BAKERY_ROOT/pool` */
  readonly folder: string;
  /** A path in one of its folders. */
  path(folder: PoolFolder, name: string): string;
  /** Copies a file: sharing its blocks where the pool can, else leaving holes out. Not durable by itself. */
  clone(from: string, to: string): Promise<void>;
  free(): Promise<PoolSpace>;
  /** The same as it is measured, reserve and all. Cheap: it may be asked several times a second. */
  read(): Promise<SpaceReading>;
  /**
   * Sees to it that `bytes` of something new can be written, growing the pool when it must.
   * @throws BakeryError `pool-full` (no-space), also when the pool would be too full for anything new after that.
   */
  ensureFree(bytes: number): Promise<void>;
  /** Grows the pool ahead of what running volumes write, where the host has room for it. @returns true when it did. */
  growAhead(bytes: number): Promise<boolean>;
  /** Unmounts a loop-backed pool, which may be done again; a running server never does. */
  close(): Promise<void>;
}

const FOLDERS = ['volumes', 'golden', 'incoming', 'trash', 'work', 'snapshots'] as const;
export type PoolFolder = (typeof FOLDERS)[number];

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const GROW_STEP = GIB;
/** What mkfs.xfs (6.1) makes without complaint, with room for something. */
const SMALLEST_XFS = 512 * MIB;
/** What the host's file system keeps when the pool grows. */
const RESERVE = 0.05;
/** What a growth adds at least: most of it becomes room, less goes to the reserve. */
const GAIN = 0.75;

async function spaceOf(folder: string): Promise<Room> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { available: bavail * bsize, total: blocks * bsize };
}

async function canReflink(folder: string): Promise<boolean> {
  const [from, to] = [join(folder, '.reflink-probe'), join(folder, '.reflink-probe-clone')];
  await writeFile(from, Buffer.alloc(64 * 1024, 1));
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    return false;
  } finally {
    await removeFile(from);
    await removeFile(to);
  }
}

async function hasVolumes(folder: string): Promise<boolean> {
  for (const name of ['volumes', 'golden', 'trash'] satisfies PoolFolder[]) {
    const found = await readdir(join(folder, name)).catch((error) => {
      if (isErrno(error, 'ENOENT')) return [];
      throw error;
    });
    if (found.length > 0) return true;
  }
  return false;
}

/** What the host can give for the pool: whole steps, and never its last 5 %. */
async function hostSpare(root: string): Promise<number> {
  const { available, total } = await spaceOf(root);
  return Math.max(0, available - total * RESERVE);
}

/** Makes and mounts the xfs; false where this machine cannot (no tools, or a kernel without xfs). */
async function openXfs(exec: Exec, place: XfsPlace, wish: { root: string; bytes: number; log: Log }): Promise<boolean> {
  const isNew = !(await exists(place.file));
  try {
    if (isNew) {
      const bytes = Math.min(wish.bytes, Math.floor((await hostSpare(wish.root)) / MIB) * MIB);
      if (bytes < SMALLEST_XFS) throw full(`${bytes} bytes to spare on the host for a first pool`);
      await makeXfs(exec, place.file, bytes);
    }
    await mountXfs(exec, place);
  } catch (error) {
    const isToolMissing = error instanceof BakeryError && error.code === 'tool-missing';
    if (!isNew || !(isToolMissing || !(await kernelHasXfs()))) throw error;
    await removeFile(place.file);
    wish.log.warn(
      { error: describeError(error) },
      'no xfs on this machine: clones are copies, which take time and room',
    );
    return false;
  }
  await settleXfs(exec, place, wish.log);
  return true;
}

const within = (path: string, folder: string) => path.startsWith(`${folder}/`);

function full(detail: string): BakeryError {
  return new BakeryError('no-space', 'pool-full', 'the pool has no room for that', { detail });
}

/**
 * Opens (makes, mounts, adopts, repairs) the pool below `root`, an absolute path without links in it. Where the file system
 * can share blocks it is a folder; else, with mode `auto`, a loop-backed xfs that grows on demand; with mode `plain` clones
 * are copies. `initialBytes` is the size of a new xfs, at least 512 MiB.
 * @throws BakeryError `pool-full` (no-space), `pool-foreign`, `pool-in-use` (conflict).
 */
export async function openPool(options: {
  root: string;
  mode: 'auto' | 'plain';
  exec: Exec;
  log: Log;
  initialBytes?: number;
  /** What so many mounted volumes may have dirty in memory; 64 MiB each where it is not given. */
  dirtyAllowed?: (volumes: number) => number;
}): Promise<Pool> {
  const { root, exec, log, dirtyAllowed = (volumes) => volumes * 64 * MIB } = options;
  const folder = join(root, 'pool');
  const place: XfsPlace = { file: join(root, 'pool.xfs'), folder };
  await mkdir(folder, { recursive: true, mode: 0o700 });

  const hasXfs = await exists(place.file);
  let kind = choosePoolKind({
    mode: options.mode,
    hasXfs,
    canReflink: !hasXfs && (await canReflink(folder)),
    hasVolumes: !hasXfs && (await hasVolumes(folder)),
  });
  if (kind === 'loop-xfs') {
    const isOpen = await openXfs(exec, place, { root, bytes: options.initialBytes ?? 4 * GIB, log });
    if (!isOpen) kind = 'plain';
  }
  await chmod(folder, 0o700);
  for (const name of FOLDERS) await mkdir(join(folder, name), { recursive: true, mode: 0o700 });

  async function read(): Promise<SpaceReading> {
    const [pool, host, mounts] = await Promise.all([spaceOf(folder), spaceOf(root), readMounts()]);
    const isLoop = kind === 'loop-xfs';
    const spare = Math.max(0, host.available - host.total * RESERVE);
    const mounted = mounts.filter((mount) => mount.type === 'ext4' && within(mount.mountPoint, root));
    return {
      kind,
      pool,
      host,
      growable: isLoop ? Math.floor(spare / GROW_STEP) * GROW_STEP : 0,
      unreserved: isLoop ? await unreservedBytes(place.file) : 0,
      dirty: dirtyAllowed(mounted.length),
    };
  }

  async function free(): Promise<PoolSpace> {
    const reading = await read();
    const reserve = reserveOf({ total: reading.pool.total, dirty: reading.dirty });
    return {
      availableBytes: Math.max(0, availableOf(reading) - reserve),
      totalBytes: reading.pool.total,
      growableBytes: reading.growable,
    };
  }

  /** Grows until `bytes` can be written above the reserve. @throws BakeryError `pool-full`. */
  async function grow(bytes: number): Promise<{ hasGrown: boolean; reading: SpaceReading }> {
    // More than one round only where xfs keeps more of what is added than thought.
    for (let round = 0; ; round++) {
      const reading = await read();
      const [available, total] = [availableOf(reading), reading.pool.total];
      const missing = bytes + reserveOf({ total, dirty: reading.dirty }) - available;
      if (missing <= 0) return { hasGrown: round > 0, reading };
      const step = Math.ceil(missing / GAIN / GROW_STEP) * GROW_STEP;
      if (round >= 3 || step > reading.growable) {
        throw full(`${bytes} bytes wanted, ${available} of ${total} free in the pool`);
      }
      await growXfs(exec, place, step, log);
    }
  }

  // Two that grow at once would both grow for the same bytes.
  const inTurn = oneByOne();

  log.info({ kind, folder, ...(await free()) }, 'pool ready');
  return {
    kind,
    folder,
    path: (where, name) => join(folder, where, name),
    async clone(from, to) {
      if (kind === 'plain') {
        await exec('cp', ['--sparse=always', '--reflink=auto', from, to], { timeoutMs: 30 * 60_000 });
      } else await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE);
    },
    free,
    read,
    ensureFree: (bytes) =>
      inTurn(async () => {
        const { reading } = await grow(bytes);
        if (!maySpend(reading, bytes)) throw full(`${bytes} bytes wanted, the pool is kept from running full`);
      }),
    growAhead: (bytes) =>
      inTurn(async () => {
        if ((await read()).unreserved > 0) await settleXfs(exec, place, log);
        const { hasGrown } = await grow(bytes).catch((error: unknown) => {
          if (error instanceof BakeryError && error.code === 'pool-full') return { hasGrown: false };
          throw error;
        });
        return hasGrown;
      }),
    async close() {
      if (kind === 'loop-xfs' && (await mountAt(folder))) await exec('umount', [folder]);
    },
  };
}
