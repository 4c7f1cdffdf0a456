import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, rename, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BakeryError, isErrno } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { removeFile, syncFile, syncFolder } from '../../core/host/files.ts';
import type { Log } from '../../core/log.ts';
import { loopsOf } from './loops.ts';
import { mountAt } from './mountinfo.ts';

/** How clones are made on a pool. */
export type PoolKind = 'reflink' | 'loop-xfs' | 'plain';

/** Where volumes are kept; never exported. */
export interface Pool {
  readonly kind: PoolKind;
  /** `$BAKERY_ROOT/pool` */
  readonly folder: string;
  /** A path in one of its folders. */
  path(folder: PoolFolder, name: string): string;
  /** Copies a file: sharing its blocks where the pool can, else leaving holes out. */
  clone(from: string, to: string): Promise<void>;
  /** Bytes that could be written, growth included, and the reserve left out. */
  available(): Promise<number>;
  /** Sees to it that `bytes` can be written. @throws BakeryError `pool-full` (no-space). */
  ensureFree(bytes: number): Promise<void>;
  /** Unmounts a loop-backed pool; a running server never does. */
  close(): Promise<void>;
}

const FOLDERS = ['volumes', 'golden', 'incoming', 'trash', 'work'] as const;
export type PoolFolder = (typeof FOLDERS)[number];

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const GROW_STEP = GIB;
/** What the host's file system keeps for itself. */
const HOST_RESERVE = 0.05;

async function free(folder: string): Promise<{ available: number; total: number }> {
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

/** Mounts `file` (an xfs) at `folder`, or adopts that mount. */
async function mountXfs(exec: Exec, file: string, folder: string): Promise<void> {
  const loops = await loopsOf(exec, file);
  const mounted = await mountAt(folder);
  if (mounted && loops.some((loop) => loop.name === mounted.source)) return;
  if (mounted) {
    throw new BakeryError('conflict', 'pool-foreign', 'something else is mounted where the pool belongs', {
      detail: `${mounted.source} at ${folder}`,
    });
  }
  for (const loop of loops) await exec('losetup', ['--detach', loop.name], { okCodes: [0, 1] });
  await exec('mount', ['-t', 'xfs', '-o', 'loop,discard', file, folder]);
  const source = (await mountAt(folder))?.source;
  // Without direct I/O every block would be cached twice. Some file systems below cannot; then it stays as it was.
  if (source) await exec('losetup', ['--direct-io=on', source], { okCodes: [0, 1] });
}

/** Makes the pool's xfs once. Its blocks are reserved (fallocate), so a full host never aborts the file systems on it. */
async function makeXfs(exec: Exec, root: string, file: string, bytes: number): Promise<void> {
  const partial = `${file}.partial`;
  await removeFile(partial);
  await exec('fallocate', ['--length', String(bytes), partial], { timeoutMs: 120_000 });
  await exec('mkfs.xfs', ['-q', '-m', 'reflink=1', partial], { timeoutMs: 120_000 });
  await syncFile(partial);
  await rename(partial, file);
  await syncFolder(root);
}

/**
 * Opens (makes, mounts, adopts) the pool below `root`. Where the file system can share blocks it is a folder; else, with mode
 * `auto`, a loop-backed xfs that grows on demand; with mode `plain` clones are copies.
 */
export async function openPool(options: {
  root: string;
  mode: 'auto' | 'plain';
  exec: Exec;
  log: Log;
  initialBytes?: number;
}): Promise<Pool> {
  const { root, exec, log } = options;
  const folder = join(root, 'pool');
  const file = join(root, 'pool.xfs');
  await mkdir(folder, { recursive: true, mode: 0o700 });

  const hasFile = await stat(file).then(
    () => true,
    (error) => {
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    },
  );
  let kind: PoolKind = 'plain';
  if (!hasFile && (await canReflink(folder))) kind = 'reflink';
  else if (hasFile || options.mode === 'auto') {
    kind = 'loop-xfs';
    if (!hasFile) await makeXfs(exec, root, file, options.initialBytes ?? 4 * GIB);
    await mountXfs(exec, file, folder);
  }
  await chmod(folder, 0o700);
  for (const name of FOLDERS) await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
  log.info({ kind, folder }, 'pool ready');

  const reserveOf = (total: number) => Math.max(128 * MIB, total * 0.05);
  async function hostSpare(): Promise<number> {
    if (kind !== 'loop-xfs') return 0;
    const host = await free(root);
    return Math.max(0, Math.floor((host.available - host.total * HOST_RESERVE) / GROW_STEP) * GROW_STEP);
  }

  async function growBy(bytes: number): Promise<void> {
    const { size } = await stat(file);
    await exec('fallocate', ['--length', String(size + bytes), file], { timeoutMs: 120_000 });
    for (const loop of await loopsOf(exec, file)) await exec('losetup', ['--set-capacity', loop.name]);
    await exec('xfs_growfs', [folder], { timeoutMs: 120_000 });
    log.info({ bytes: size + bytes }, 'the pool was grown');
  }

  let last: Promise<unknown> = Promise.resolve();
  async function ensure(bytes: number): Promise<void> {
    const { available, total } = await free(folder);
    const missing = bytes + reserveOf(total) - available;
    if (missing <= 0) return;
    const step = Math.ceil(missing / GROW_STEP) * GROW_STEP;
    if (kind !== 'loop-xfs' || step > (await hostSpare())) {
      throw new BakeryError('no-space', 'pool-full', 'the pool has no room for that', {
        detail: `${bytes} bytes wanted, ${available} free in the pool`,
      });
    }
    await growBy(step);
  }

  return {
    kind,
    folder,
    path: (where, name) => join(folder, where, name),
    async clone(from, to) {
      if (kind === 'plain') {
        await exec('cp', ['--sparse=always', '--reflink=auto', from, to], { timeoutMs: 30 * 60_000 });
      } else await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE);
    },
    async available() {
      const { available, total } = await free(folder);
      return Math.max(0, available - reserveOf(total)) + (await hostSpare());
    },
    ensureFree(bytes) {
      const mine = last.then(() => ensure(bytes));
      last = mine.catch(() => undefined);
      return mine;
    },
    async close() {
      if (kind === 'loop-xfs' && (await mountAt(folder))) await exec('umount', [folder]);
    },
  };
}
