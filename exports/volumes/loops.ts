import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { isErrno } from '../../core/errors.ts';
import type { Exec, ExecResult } from '../../core/host/exec.ts';
import { exists } from '../../core/host/files.ts';
import { deviceName, readMounts } from './mountinfo.ts';

const Listing = z.object({
  loopdevices: z.array(
    z.object({
      name: z.string(),
      'back-ino': z.coerce.number().nullable(),
      'back-maj:min': z.string().nullable(),
      'back-file': z.string().nullable(),
    }),
  ),
});

/** A loop device with a file behind it. */
export interface Loop {
  readonly name: string;
  /**
   * Inode and device (`major:minor`) of the file: its name may have changed since. Undefined while somebody, perhaps somebody
   * else's program, sets the loop up or takes it down: losetup reads them by ioctl, after the name.
   */
  readonly inode: number | undefined;
  readonly device: string | undefined;
  readonly file: string;
}

/** Reads what `losetup --json` says; any program on the machine may be changing the list meanwhile. */
export function parseLoops(text: string): Loop[] {
  if (text.trim() === '') return [];
  return Listing.parse(JSON.parse(text)).loopdevices.map((loop) => ({
    name: loop.name,
    inode: loop['back-ino'] ?? undefined,
    device: loop['back-maj:min']?.trim(),
    file: loop['back-file'] ?? '',
  }));
}

const LIST = ['--json', '--list', '--output', 'NAME,BACK-INO,BACK-MAJ:MIN,BACK-FILE'] as const;

/** All loop devices of this machine that are in use. */
export async function listLoops(exec: Exec): Promise<Loop[]> {
  return parseLoops((await exec('losetup', LIST)).stdout);
}

/**
 * The same, but who asks for the list of loop devices while one is being made shares the next one with all others who ask meanwhile: it is begun after
 * they asked. Twenty bakes at once ask 60 times, and each list takes as long as there are devices.
 */
export function sharingLists(exec: Exec): Exec {
  let running: Promise<ExecResult> | undefined;
  let next: Promise<ExecResult> | undefined;
  function begin(): Promise<ExecResult> {
    running = exec('losetup', LIST).finally(() => {
      running = undefined;
    });
    return running;
  }
  function list(): Promise<ExecResult> {
    if (!running) return begin();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return list();
      });
    return next;
  }
  return (program, args, options) => (args === LIST ? list() : exec(program, args, options));
}

/** True when `loop` has that file behind it; told by its name while nothing better is known. */
export function isBehind(loop: Loop, file: { inode: number; device: string; name: string }): boolean {
  if (loop.inode === undefined || loop.device === undefined) return loop.file === file.name;
  return loop.inode === file.inode && loop.device === file.device;
}

/** The loop devices in /proc/partitions (proc(5)): it leaves out those without a file, which have no size. */
export function sizedLoops(partitions: string): string[] {
  return [...partitions.matchAll(/ (loop\d+)$/gm)].map(([, name = '']) => name);
}

/**
 * False when no loop device has a file of that name behind it, in any folder: sysfs tells the name that the file has now (the kernel's
 * loop_attr_backing_file_show), wherever it was opened from. It costs no child process, and names of volumes are unique. Devices stay
 * when their files are gone: to ask each of a thousand took 10 ms.
 */
function mayBeBehind(file: string): boolean {
  const name = basename(file);
  try {
    return sizedLoops(readFileSync('/proc/partitions', 'utf8')).some((device) => {
      try {
        const path = readFileSync(`/sys/block/${device}/loop/backing_file`, 'utf8').replace(/\n$/, '');
        return basename(path.replace(/ \(deleted\)$/, '')) === name;
      } catch (error) {
        // Free; anything else is being set up or taken down: that takes a closer look.
        return !isErrno(error, 'ENOENT');
      }
    });
  } catch {
    return true;
  }
}

/** The loop devices that have `file` behind them, whatever name it had then; none when there is no such file. */
export async function loopsOf(exec: Exec, file: string): Promise<Loop[]> {
  let facts: { ino: number; dev: number };
  try {
    facts = await stat(file);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
  if (!mayBeBehind(file)) return [];
  const wanted = { inode: facts.ino, device: deviceName(facts.dev), name: file };
  return (await listLoops(exec)).filter((loop) => isBehind(loop, wanted));
}

/**
 * True when sysfs names `file` behind the loop device `source` (the kernel's loop_attr_backing_file_show: the path that the file has now, marked when it was
 * deleted). It costs no child process and no look at all other devices; what it does not find may be there all the same.
 */
async function isNamedBehind(source: string, file: string): Promise<boolean> {
  const [, name] = /^\/dev\/(loop\d+)$/.exec(source) ?? [];
  if (name === undefined) return false;
  try {
    // The kernel's own word: to have it read by another thread takes longer than to read it.
    if (readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8').trimEnd() !== file) return false;
  } catch {
    return false;
  }
  return exists(file);
}

/** True when the block device `source` is a loop with `file` behind it, which may have been deleted meanwhile. */
export async function hasBehind(exec: Exec, source: string, file: string): Promise<boolean> {
  if (await isNamedBehind(source, file)) return true;
  if ((await loopsOf(exec, file)).some((loop) => loop.name === source)) return true;
  // losetup(8) marks a deleted file like this.
  return (await listLoops(exec)).some((loop) => loop.name === source && loop.file === `${file} (deleted)`);
}

/** Detaches one loop device; it is fine when it is free. */
export async function detachLoop(exec: Exec, name: string): Promise<void> {
  await exec('losetup', ['--detach', name], { okCodes: [0, 1] });
}

/**
 * Detaches the loop devices whose file is below `folder` and that no mount uses: what a crash between losetup and mount,
 * or between umount and release, leaves behind.
 * @returns the files that were behind them.
 */
export async function detachOrphans(exec: Exec, folder: string): Promise<string[]> {
  const mounted = new Set((await readMounts()).map((mount) => mount.source));
  const detached: string[] = [];
  for (const loop of await listLoops(exec)) {
    if (!loop.file.startsWith(`${folder}/`) || mounted.has(loop.name)) continue;
    await detachLoop(exec, loop.name);
    detached.push(loop.file);
  }
  return detached;
}
