import { mkdir, open, rm, stat } from 'node:fs/promises';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { syncFile } from '../../core/host/files.ts';
import { toDiskFault } from '../volumes/faults.ts';
import type { Pool } from '../volumes/pool.ts';
import { entriesBelow } from './tree.ts';

const MIB = 1024 ** 2;
const EXTRACT_MS = 60 * 60_000;

/**
 * Makes an empty ext4 for a root that comes as a tar of `tarBytes`: of `rootBytes`, or more when the tar needs more. With a seed of its
 * checksums a clone gets a UUID at once; what would be set up later is set up now, once for all clones.
 */
export async function makeTreeVolume(
  { exec, pool }: { exec: Exec; pool: Pool },
  { file, tarBytes, rootBytes }: { file: string; tarBytes: number; rootBytes: number },
): Promise<void> {
  await pool.ensureFree(Math.ceil(tarBytes * 1.1) + 128 * MIB);
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.truncate(Math.ceil(Math.max(rootBytes, tarBytes * 1.25 + 128 * MIB) / MIB) * MIB);
  } finally {
    await handle.close();
  }
  const features = ['-O', 'metadata_csum,metadata_csum_seed', '-m', '1'];
  const now = ['-E', 'nodiscard,lazy_itable_init=0,lazy_journal_init=0'];
  await exec('mkfs.ext4', ['-q', '-F', ...features, ...now, file], { timeoutMs: 5 * 60_000 });
  await syncFile(file);
}

/**
 * Unpacks a tar into a mounted volume or an empty folder, with owners, modes, extended attributes, ACLs, capabilities, hard links, holes
 * and device nodes. GNU tar takes the `/` and the `..` out of names, and makes links that lead elsewhere last, so that nothing is
 * written through them (its manual, "Absolute File Names" and "Security").
 * @throws BakeryError `archive-unfit` (invalid) where its contents do not fit or cannot be made.
 */
export async function extractTar(
  exec: Exec,
  { tar, folder, signal }: { tar: string; folder: string; signal: AbortSignal },
): Promise<void> {
  const keep = ['--same-owner', '--numeric-owner', '--same-permissions', '--acls', '--xattrs', '--xattrs-include=*'];
  const args = ['--force-local', '--extract', ...keep, '--file', tar, '--directory', folder];
  try {
    await exec('tar', args, { timeoutMs: EXTRACT_MS, signal });
  } catch (error) {
    const isTheirs = error instanceof BakeryError && error.code === 'tool-failed' && toDiskFault(error) === error;
    const isFull = error instanceof BakeryError && /No space left on device/.test(error.detail ?? '');
    if (!isTheirs && !isFull) throw error;
    throw new BakeryError('invalid', 'archive-unfit', 'the archive cannot be unpacked into a root', {
      cause: error,
      detail: describeError(error),
    });
  }
}

/** What a boot partition may have. Raspberry Pi OS has some 400 files of 80 MB. */
const MOST_BOOT = { entries: 10_000, bytes: 1024 * MIB } as const;

/** Unpacks the files of a boot partition into a folder of their own. @throws BakeryError `archive-unfit` (invalid). */
export async function extractBootFiles(
  { exec, pool }: { exec: Exec; pool: Pool },
  { tar, folder, signal }: { tar: string; folder: string; signal: AbortSignal },
): Promise<void> {
  const { size } = await stat(tar);
  if (size > MOST_BOOT.bytes) throw new BakeryError('invalid', 'archive-unfit', 'the boot files are too large');
  await pool.ensureFree(size);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await extractTar(exec, { tar, folder, signal });
  if ((await entriesBelow(folder)).length > MOST_BOOT.entries) {
    throw new BakeryError('invalid', 'archive-unfit', 'there are too many boot files');
  }
}
