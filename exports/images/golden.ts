import { type FileHandle, mkdir, open, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { openBeneath, renameDurably, syncFile } from '../../core/host/files.ts';
import { replaceBeneath } from '../../core/host/replace.ts';
import { checkExt4, ext4Features } from '../volumes/ext4.ts';
import type { Pool } from '../volumes/pool.ts';
import { blamingFileSystem, blamingRoot } from './faults.ts';
import type { Extent, ImageLayout } from './layout.ts';
import { entriesBelow } from './tree.ts';

const CHUNK = 4 * 1024 ** 2;
const MIB = 1024 ** 2;

/** One write may take less than it is given (write(2)). */
async function writeAll(target: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await target.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

/** Copies a part of a file into a new one, leaving holes where the source is zero. */
async function copyExtent(
  from: string,
  extent: Extent,
  to: string,
  { signal, onBytes }: { signal: AbortSignal; onBytes?(done: number, total: number): void },
): Promise<void> {
  const [source, target] = [await open(from, 'r'), await open(to, 'w', 0o600)];
  try {
    await target.truncate(extent.length);
    const buffer = Buffer.allocUnsafe(CHUNK);
    const zero = Buffer.alloc(CHUNK);
    for (let at = 0; at < extent.length; ) {
      signal.throwIfAborted();
      const { bytesRead } = await source.read(buffer, 0, Math.min(CHUNK, extent.length - at), extent.offset + at);
      if (bytesRead === 0)
        throw new BakeryError('invalid', 'image-truncated', 'the image ends before its last partition does');
      const part = buffer.subarray(0, bytesRead);
      if (!part.equals(zero.subarray(0, bytesRead))) await writeAll(target, part, at);
      at += bytesRead;
      onBytes?.(at, extent.length);
    }
  } finally {
    await source.close();
    await target.close();
  }
}

/**
 * Makes `golden/<id>.ext4.partial`: the image's own ext4, checked, with a checksum seed of its own so that a clone gets a new
 * UUID at once, grown to `rootBytes` (or what it needs with its boot files, when that is more).
 */
export async function makeGoldenVolume(
  ports: { exec: Exec; pool: Pool },
  golden: {
    image: string;
    layout: ImageLayout;
    file: string;
    rootBytes: number;
    signal: AbortSignal;
    onBytes?(done: number, total: number): void;
  },
): Promise<void> {
  const { exec, pool } = ports;
  const { layout, file, signal } = golden;
  await pool.ensureFree(layout.root.length + layout.boot.length);
  await copyExtent(golden.image, layout.root, file, golden);
  await checkExt4(exec, file, signal);
  const size = Math.max(golden.rootBytes, layout.root.length + layout.boot.length + 64 * MIB);
  await truncate(file, size);
  await blamingFileSystem(async () => {
    const features = await ext4Features(exec, file);
    if (features.includes('metadata_csum') && !features.includes('metadata_csum_seed')) {
      await exec('tune2fs', ['-O', 'metadata_csum_seed', file]);
    }
    await exec('resize2fs', [file], { timeoutMs: 10 * 60_000, signal });
  });
  await syncFile(file);
}

/** What a FAT says it holds. */
export interface FatListing {
  readonly files: number;
  readonly bytes: number;
}

/**
 * How many files a FAT says it has, and how many bytes they have, from the end of what `mdir -/` prints; undefined when it does not
 * say. The last counts are of all folders together, or of the only one. Digits are grouped by blanks.
 */
export function listedFiles(mdir: string): FatListing | undefined {
  const [, files, bytes] = /\n\s*(\d[\d ]*?) files? +([\d ]+?) bytes?\s*\n[\d ]+ bytes free\s*$/.exec(mdir) ?? [];
  if (files === undefined || bytes === undefined) return undefined;
  return { files: Number(files.replaceAll(' ', '')), bytes: Number(bytes.replaceAll(' ', '')) };
}

/** Each is written durably, one by one. Raspberry Pi OS has some 400. */
const MOST_BOOT_FILES = 10_000;

/**
 * Takes every file of the image's FAT into a folder. A FAT can be forged so that many names share the same clusters, or a
 * folder contains itself: what it lists must fit into the partition, else nothing is unpacked.
 * @throws BakeryError `image-boot-unreadable` (invalid).
 */
export async function readBootFiles(
  exec: Exec,
  boot: { image: string; extent: Extent; folder: string; signal: AbortSignal },
): Promise<void> {
  await rm(boot.folder, { recursive: true, force: true });
  await mkdir(boot.folder, { recursive: true, mode: 0o700 });
  const at = `${boot.image}@@${boot.extent.offset}`;
  try {
    // mtools' own plausibility checks refuse some sizes that firmware reads well.
    const env = { MTOOLS_SKIP_CHECK: '1' };
    const { stdout } = await exec('mdir', ['-/', '-a', '-i', at, '::'], {
      env,
      timeoutMs: 60_000,
      signal: boot.signal,
    });
    const listed = listedFiles(stdout);
    if (!listed || listed.bytes > boot.extent.length || listed.files > MOST_BOOT_FILES) {
      throw unreadable(listed ? `mdir lists ${listed.files} files of ${listed.bytes} bytes` : 'mdir lists nothing');
    }
    await exec('mcopy', ['-s', '-n', '-m', '-i', at, '::*', boot.folder], {
      env,
      timeoutMs: 10 * 60_000,
      signal: boot.signal,
    });
  } catch (cause) {
    if (cause instanceof BakeryError && ['tool-missing', 'image-boot-unreadable'].includes(cause.code)) throw cause;
    throw unreadable(describeError(cause), cause);
  }
}

function unreadable(detail: string, cause?: unknown): BakeryError {
  const message = 'the boot partition of the image cannot be read';
  return new BakeryError('invalid', 'image-boot-unreadable', message, { detail, cause });
}

/**
 * Puts the files below `from` into `folder` of a mounted root, one by one, following no link there.
 * @throws BakeryError `root-unfit` (invalid), `path-refused` (forbidden).
 */
export function placeBootFiles(from: string, mountPoint: string, folder: string): Promise<number> {
  return blamingRoot(() => place(from, mountPoint, folder));
}

async function place(from: string, mountPoint: string, folder: string): Promise<number> {
  let placed = 0;
  for (const entry of await entriesBelow(from)) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const handle = await openBeneath(from, path.slice(from.length + 1));
    try {
      await replaceBeneath(
        mountPoint,
        `${folder}/${path.slice(from.length + 1)}`,
        handle.createReadStream({ autoClose: false }),
      );
    } finally {
      await handle.close();
    }
    placed++;
  }
  return placed;
}

/** Gives a finished golden volume its name. */
export async function finishGolden(partial: string, file: string): Promise<void> {
  await syncFile(partial);
  await renameDurably(partial, file);
}
