import { createReadStream } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { removeFile } from '../../core/host/files.ts';
import { toDiskFault } from '../volumes/faults.ts';
import type { Pool } from '../volumes/pool.ts';
import { MAGIC_BYTES, type Packing, packingOf } from './packing.ts';
import { type SparseFile, writeSparse } from './sparse-file.ts';
import { readZippedImage } from './zip.ts';

/** What unpacking needs. */
export interface UnpackPorts {
  readonly exec: Exec;
  readonly pool: Pool;
  /** The most that an unpacked image may have. */
  readonly limitBytes: number;
}

/** An upload to be unpacked in its place. */
export interface PackedImage {
  readonly file: string;
  readonly signal: AbortSignal;
  /** Told how far the packed bytes are read. */
  onBytes?(done: number, total: number): void;
}

/**
 * Images are packed with dictionaries of up to 64 MiB (`xz -9`) or windows of 128 (`zstd --ultra -22`); what asks for more memory than
 * that is not unpacked. Node's own zstd ends after the first of several frames, without a word.
 */
const PROGRAMS = {
  xz: ['xz', '--decompress', '--stdout', '--memlimit-decompress=256MiB'],
  zstd: ['zstd', '--decompress', '--stdout', '--quiet', '--memory=256MiB'],
} as const;
/** 64 GiB at some 10 MB/s. */
const UNPACK_MS = 2 * 3_600_000;
/** What zlib says of bytes that it cannot take (zlib.h). */
const BROKEN = /^(Z_DATA_ERROR|Z_BUF_ERROR|Z_NEED_DICT)$/;

/** How the file is packed. */
export async function readPacking(file: string): Promise<Packing | undefined> {
  const handle = await open(file, 'r');
  try {
    const head = Buffer.alloc(MAGIC_BYTES);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    return packingOf(head.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

function broken(cause: unknown): BakeryError {
  return new BakeryError('invalid', 'image-unpack-failed', 'the packed image is damaged, or not whole', {
    cause,
    detail: describeError(cause),
  });
}

/** What was packed wrongly, or what else went wrong. */
export function blameUnpacking(error: unknown): unknown {
  if (error instanceof BakeryError) {
    const isTheirs = error.code === 'tool-failed' && toDiskFault(error) === error;
    return isTheirs ? broken(error) : error;
  }
  return error instanceof Error && 'code' in error && BROKEN.test(String(error.code)) ? broken(error) : error;
}

/** The file's bytes, with how far they are read. */
async function* packedBytes({ file, onBytes }: PackedImage, total: number): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 ** 2 }) as AsyncIterable<Uint8Array>) {
    yield chunk;
    done += chunk.length;
    onBytes?.(done, total);
  }
}

async function unpackInto(
  out: SparseFile,
  packing: Packing,
  { exec, image, total }: { exec: Exec; image: PackedImage; total: number },
): Promise<void> {
  const { signal } = image;
  if (packing === 'zip') {
    for await (const chunk of readZippedImage(image.file, image.onBytes)) {
      signal.throwIfAborted();
      await out.write(chunk);
    }
    return;
  }
  const input = packedBytes(image, total);
  if (packing !== 'gzip') {
    const [program, ...args] = PROGRAMS[packing];
    await exec(program, args, { input, onOutput: (chunk) => out.write(chunk), timeoutMs: UNPACK_MS, signal });
    return;
  }
  await pipeline(
    input,
    createGunzip(),
    async (unpacked: AsyncIterable<Uint8Array>) => {
      for await (const chunk of unpacked) await out.write(chunk);
    },
    { signal },
  );
}

/**
 * Unpacks a packed image in its place; any other file stays as it is. May be repeated.
 * @returns how it was packed, and how many bytes it has now; undefined when it was not.
 * @throws BakeryError `image-packed`, `image-unpack-failed`, `image-too-large` (invalid), `pool-full` (no-space).
 */
export async function unpackImage(
  { exec, pool, limitBytes }: UnpackPorts,
  image: PackedImage,
): Promise<{ packing: Packing; bytes: number } | undefined> {
  const { file, signal } = image;
  const packing = await readPacking(file);
  if (!packing) return undefined;
  const target = `${file}.unpacked`;
  const handle = await open(target, 'w', 0o600);
  let bytes: number;
  try {
    const out = writeSparse(handle, { pool, limitBytes });
    await unpackInto(out, packing, { exec, image, total: (await stat(file)).size });
    bytes = await out.end();
  } catch (error) {
    await handle.close();
    await removeFile(target);
    signal.throwIfAborted();
    throw blameUnpacking(error);
  }
  await handle.close();
  if (await readPacking(target)) {
    await removeFile(target);
    throw new BakeryError('invalid', 'image-packed', 'the image is packed more than once');
  }
  await rename(target, file);
  return { packing, bytes };
}
