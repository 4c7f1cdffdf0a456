import { truncate } from 'node:fs/promises';
import { BakeryError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { readSuperblock, writeUuid } from './superblock.ts';

/** The UUID of the ext4 file system that begins at `offset` of `file`; undefined when there is none. */
export async function readExt4Uuid(file: string, offset = 0): Promise<string | undefined> {
  return (await readSuperblock(file, offset))?.uuid;
}

/** Checks and repairs an unmounted ext4 (e2fsck(8): 0 clean, 1 repaired). @throws BakeryError `filesystem-broken` (invalid). */
export async function checkExt4(exec: Exec, file: string, signal?: AbortSignal): Promise<void> {
  const { code, stdout } = await exec('e2fsck', ['-f', '-y', file], {
    okCodes: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    timeoutMs: 30 * 60_000,
    ...(signal ? { signal } : {}),
  });
  if (code > 1) {
    throw new BakeryError('invalid', 'filesystem-broken', 'the ext4 file system is broken beyond repair', {
      detail: `e2fsck exit ${code}: ${stdout.slice(-500)}`,
    });
  }
}

/**
 * Repairs an unmounted ext4 after an error: what is safe without asking, else everything.
 * @returns true when the careful repair was not enough. @throws BakeryError `filesystem-broken` (invalid).
 */
export async function repairExt4(exec: Exec, file: string): Promise<boolean> {
  // -f: an error that the kernel has noted is not always in the superblock.
  const { code } = await exec('e2fsck', ['-f', '-p', file], {
    okCodes: [0, 1, 2, 3, 4, 8, 12],
    timeoutMs: 30 * 60_000,
  });
  if (code <= 1) return false;
  await checkExt4(exec, file);
  return true;
}

/** The features of an unmounted ext4 (`metadata_csum`, …). */
export async function ext4Features(exec: Exec, file: string): Promise<readonly string[]> {
  const { stdout } = await exec('dumpe2fs', ['-h', file]);
  return /^Filesystem features:\s+(.*)$/m.exec(stdout)?.[1]?.split(/\s+/) ?? [];
}

/**
 * Gives an unmounted ext4 another UUID. With metadata_csum_seed this is a superblock write; without, all checksums are
 * made anew, for which tune2fs wants a checked file system.
 */
export async function setExt4Uuid(exec: Exec, file: string, uuid: string): Promise<void> {
  if (await writeUuid(file, uuid)) return;
  if ((await readSuperblock(file))?.uuidInChecksums) await checkExt4(exec, file);
  await exec('tune2fs', ['-U', uuid, file], { timeoutMs: 10 * 60_000, input: 'y\n' });
}

/** Grows an unmounted ext4 in a file. resize2fs wants one that was checked since it was last mounted. */
export async function growExt4(exec: Exec, file: string, bytes: number): Promise<void> {
  await truncate(file, bytes);
  await checkExt4(exec, file);
  await exec('resize2fs', [file], { timeoutMs: 10 * 60_000 });
}

/** Ends what a copy of a mounted ext4 may have left open: its journal is played back. Nearly nothing to do when it was frozen. */
export async function settleExt4(exec: Exec, file: string): Promise<void> {
  const { code } = await exec('e2fsck', ['-p', file], { okCodes: [0, 1, 2, 3, 4, 8, 12], timeoutMs: 30 * 60_000 });
  if (code > 1) await checkExt4(exec, file);
}
