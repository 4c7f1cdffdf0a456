import type { FileHandle } from 'node:fs/promises';
import { BakeryError } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import type { Pool } from '../volumes/pool.ts';

/** Bytes are put together to so many before they are written: what is zero in all of them is a hole. */
const BLOCK = 128 * 1024;
/** How much room is asked of the pool ahead of what is written. */
const AHEAD = 64 * 1024 ** 2;

/** A file that is written from its beginning to its end. */
export interface SparseFile {
  /** Takes bytes; they are copied. @throws BakeryError `image-too-large` (invalid), `pool-full` (no-space). */
  write(chunk: Uint8Array): Promise<void>;
  /** Writes what is left, and gives the file its size, durably. @returns its size in bytes. */
  end(): Promise<number>;
}

/** Writes into an empty file, with holes where there are only zeros, so that a bomb of zeros costs no room. */
export function writeSparse(handle: FileHandle, { pool, limitBytes }: { pool: Pool; limitBytes: number }): SparseFile {
  const block = Buffer.allocUnsafe(BLOCK);
  const zero = Buffer.alloc(BLOCK);
  let [flushed, filled, granted] = [0, 0, 0];

  async function flush(): Promise<void> {
    const part = block.subarray(0, filled);
    if (!part.equals(zero.subarray(0, filled))) {
      if (granted < filled) {
        await pool.ensureFree(AHEAD);
        granted = AHEAD;
      }
      granted -= filled;
      for (let at = 0; at < filled; ) at += (await handle.write(part, at, filled - at, flushed + at)).bytesWritten;
    }
    flushed += filled;
    filled = 0;
  }

  return {
    async write(chunk) {
      if (flushed + filled + chunk.length > limitBytes) {
        const message = `unpacked, the image has more than ${formatSize(limitBytes)}`;
        throw new BakeryError('invalid', 'image-too-large', message);
      }
      for (let at = 0; at < chunk.length; ) {
        const count = Math.min(BLOCK - filled, chunk.length - at);
        block.set(chunk.subarray(at, at + count), filled);
        filled += count;
        at += count;
        if (filled === BLOCK) await flush();
      }
    },
    async end() {
      await flush();
      await handle.truncate(flushed);
      await handle.sync();
      return flushed;
    },
  };
}
