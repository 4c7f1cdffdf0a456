import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { BakeryError, describeError, isErrno } from '../../core/errors.ts';
import { removeFile } from '../../core/host/files.ts';
import type { Pool } from '../volumes/pool.ts';

/** How much room is asked of the pool ahead of the bytes that come. */
export const ROOM_AHEAD = 64 * 1024 ** 2;

/**
 * Streams an upload into `file`, hashing it. Its length need not be known: room is asked for as it grows.
 * @throws BakeryError `upload-cut-off`, `image-empty` (invalid), `pool-full` (no-space). Nothing is left after a throw.
 */
export async function receiveImage(
  body: AsyncIterable<Uint8Array>,
  target: { file: string; pool: Pool; signal: AbortSignal; onBytes?(done: number): void },
): Promise<{ bytes: number; sha256: string }> {
  const { file, pool, signal } = target;
  const hash = createHash('sha256');
  let bytes = 0;
  let granted = 0;
  const handle = await open(file, 'w', 0o600);
  try {
    for await (const chunk of untilAborted(body, signal)) {
      if (bytes + chunk.length > granted) {
        await pool.ensureFree(ROOM_AHEAD + chunk.length);
        granted = bytes + chunk.length + ROOM_AHEAD;
      }
      hash.update(chunk);
      await handle.writeFile(chunk);
      bytes += chunk.length;
      target.onBytes?.(bytes);
    }
    if (bytes === 0) throw new BakeryError('invalid', 'image-empty', 'the upload is empty');
    await handle.sync();
  } catch (error) {
    await handle.close();
    await removeFile(file);
    throw toUploadFault(error);
  }
  await handle.close();
  return { bytes, sha256: hash.digest('hex') };
}

/** A stalled upload must end when its operation is cancelled; the iterator alone would wait for ever. */
export async function* untilAborted(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  for (;;) {
    signal.throwIfAborted();
    const next = await nextOrAbort(iterator, signal);
    if (next.done) return;
    yield next.value;
  }
}

/**
 * A promise of its own for each chunk: raced against one that lasts as long as the upload, every chunk would be kept by that
 * one until the end.
 */
function nextOrAbort(iterator: AsyncIterator<Uint8Array>, signal: AbortSignal): Promise<IteratorResult<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    iterator
      .next()
      .catch(cutOff)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** What the system's ENOSPC is to who sends. */
export function toUploadFault(error: unknown): unknown {
  if (error instanceof BakeryError) return error;
  if (isErrno(error, 'ENOSPC')) {
    return new BakeryError('no-space', 'pool-full', 'the pool has no room for that', { cause: error });
  }
  return error;
}

/** Whatever the sender's side fails with: the bytes end before the upload does. */
function cutOff(cause: unknown): never {
  if (cause instanceof BakeryError) throw cause;
  throw new BakeryError('invalid', 'upload-cut-off', 'the upload ended before it was whole', {
    cause,
    detail: describeError(cause),
  });
}
