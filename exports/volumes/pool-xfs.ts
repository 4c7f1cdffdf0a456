import { readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { removeFile, syncFile, syncFolder } from '../../core/host/files.ts';
import type { Log } from '../../core/log.ts';
import { liftDirtyLimits } from './dirty.ts';
import { detachLoop, loopsOf } from './loops.ts';
import { mountAt } from './mountinfo.ts';

/** The file that holds the pool's xfs, and where that is mounted. */
export interface XfsPlace {
  readonly file: string;
  readonly folder: string;
}

const SLOW_MS = 120_000;

/**
 * Makes the file, once. Its blocks are reserved (fallocate), so a full host never aborts the file systems on it. A crash
 * leaves a `.partial` behind, which the next call replaces.
 */
export async function makeXfs(exec: Exec, file: string, bytes: number): Promise<void> {
  const partial = `${file}.partial`;
  await removeFile(partial);
  try {
    await exec('fallocate', ['--length', String(bytes), partial], { timeoutMs: SLOW_MS });
    // -K: no discard, it would give the reserved blocks back.
    await exec('mkfs.xfs', ['-q', '-K', '-m', 'reflink=1', partial], { timeoutMs: SLOW_MS });
    await syncFile(partial);
    await rename(partial, file);
  } catch (error) {
    await removeFile(partial);
    throw error;
  }
  await syncFolder(dirname(file));
}

/**
 * Mounts the file, or adopts that mount. Without `discard`: it would punch holes into the file, and what is a hole is not
 * reserved. (The loop device must keep its ability to discard: its limits in sysfs outlive the mount, and the next one that gets
 * this device may be a volume, whose freed blocks do go back to the pool.)
 * @throws BakeryError `pool-foreign`, `pool-in-use` (conflict).
 */
export async function mountXfs(exec: Exec, { file, folder }: XfsPlace): Promise<void> {
  const mounted = await mountAt(folder);
  const loops = await loopsOf(exec, file);
  if (mounted && loops.some((loop) => loop.name === mounted.source)) return;
  if (mounted) {
    throw new BakeryError('conflict', 'pool-foreign', 'something else is mounted where the pool belongs', {
      detail: `${mounted.source} at ${folder}`,
    });
  }
  for (const loop of loops) await detachLoop(exec, loop.name);
  const [held] = await loopsOf(exec, file);
  if (held) {
    throw new BakeryError('conflict', 'pool-in-use', 'the pool is mounted elsewhere on this machine', {
      detail: `${file} is behind ${held.name}; look for it in other mount namespaces (lsns -t mnt)`,
    });
  }
  await exec('mount', ['-t', 'xfs', '-o', 'loop', file, folder], { timeoutMs: SLOW_MS });
  const { source, device } = (await mountAt(folder)) ?? {};
  // A volume may have had this device, and left its limit there when it was unmounted by another hand.
  if (device) liftDirtyLimits(device);
  // Without direct I/O every block would be cached twice. Some file systems below cannot; then it stays as it was.
  if (source) await exec('losetup', ['--direct-io=on', source], { okCodes: [0, 1] });
}

/** Bytes of the file that the host has not reserved: its holes. */
export async function unreservedBytes(file: string): Promise<number> {
  const { size, blocks } = await stat(file);
  return Math.max(0, size - blocks * 512);
}

/**
 * Brings the mounted xfs to the size of its file, and fills the file's holes. That ends a growth which a crash cut off and
 * reserves again what somebody's fstrim(8) gave away (512 MiB became 137 MiB), and does nothing otherwise.
 */
export async function settleXfs(exec: Exec, { file, folder }: XfsPlace, log: Log): Promise<void> {
  const { size } = await stat(file);
  if ((await unreservedBytes(file)) > 0) {
    await exec('fallocate', ['--length', String(size), file], { timeoutMs: SLOW_MS }).catch((error: unknown) => {
      log.warn({ error: describeError(error) }, 'the host has no room for all of the pool: it can run full too early');
    });
  }
  for (const loop of await loopsOf(exec, file)) await exec('losetup', ['--set-capacity', loop.name]);
  await exec('xfs_growfs', ['-d', folder], { timeoutMs: SLOW_MS });
}

/** Grows file and file system. May be repeated after a crash at any point. */
export async function growXfs(exec: Exec, place: XfsPlace, bytes: number, log: Log): Promise<void> {
  const { size } = await stat(place.file);
  await exec('fallocate', ['--length', String(size + bytes), place.file], { timeoutMs: SLOW_MS });
  await settleXfs(exec, place, log);
  log.info({ bytes: size + bytes }, 'the pool was grown');
}

/** True when the kernel knows xfs; to be asked after a mount was tried, which loads the module. */
export async function kernelHasXfs(): Promise<boolean> {
  return /^\s*xfs$/m.test(await readFile('/proc/filesystems', 'utf8'));
}
