import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, open, stat } from 'node:fs/promises';
import { BakeryError, isErrno } from '../../core/errors.ts';
import { exists, removeFile } from '../../core/host/files.ts';
import type { UploadId } from '../../core/ids.ts';
import type { Pool } from '../volumes/pool.ts';
import { ROOM_AHEAD, toUploadFault, untilAborted } from './receive.ts';

/** A piece of an upload. */
export interface Piece {
  readonly id: UploadId;
  /** Where in the upload it begins. */
  readonly offset: number;
  /** How many bytes the upload has when it is whole. */
  readonly bytes: number;
  readonly body: AsyncIterable<Uint8Array>;
  /** Asked when nobody can delete the upload unseen any more. @throws BakeryError `upload-unknown` (not-found). */
  ensureKnown(): Promise<unknown>;
}

/** Files of uploads that come in pieces. */
export interface Uploads {
  /** How many bytes of it are there. */
  offset(id: UploadId): Promise<number>;
  /**
   * Puts a piece behind what is there. Whatever came of a piece that breaks off stays, so its sender can go on from there; who sends
   * anew ends an older piece that still hangs.
   * @returns how many bytes are there now.
   * @throws BakeryError `upload-unknown` (not-found), `upload-offset` (conflict), `upload-too-long` (too-large), `upload-cut-off`
   *   (invalid), `pool-full` (no-space).
   */
  append(piece: Piece): Promise<number>;
  /** True while a piece comes. */
  isComing(id: UploadId): boolean;
  /** Deletes it, and then has it forgotten; fine when there is none. No piece of it is taken in between, and none after. */
  remove(id: UploadId, forget: () => Promise<void>): Promise<void>;
}

/** Where it lies. */
export const uploadFile = (pool: Pool, id: string) => pool.path('incoming', `upload-${id}`);

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 0;
    throw error;
  }
}

const tooLong = (bytes: number) =>
  new BakeryError('too-large', 'upload-too-long', `the upload was to have ${bytes} bytes, and more came`);

/** Builds it. */
export function createUploads(pool: Pool): Uploads {
  const coming = new Map<UploadId, { readonly cut: AbortController; readonly ended: Promise<unknown> }>();
  const going = new Map<UploadId, Promise<void>>();

  async function endPiece(old: { readonly cut: AbortController; readonly ended: Promise<unknown> }): Promise<void> {
    old.cut.abort(new BakeryError('conflict', 'upload-offset', 'the upload goes on in another call'));
    await old.ended.catch(() => undefined);
  }

  async function write(piece: Piece, signal: AbortSignal): Promise<number> {
    const { id, offset, bytes, body } = piece;
    const file = uploadFile(pool, id);
    await piece.ensureKnown();
    const there = await sizeOf(file);
    if (there !== offset) {
      throw new BakeryError('conflict', 'upload-offset', `${there} bytes are there: the next piece begins at ${there}`);
    }
    const handle = await open(file, 'a', 0o600);
    let [at, granted] = [there, there];
    try {
      for await (const chunk of untilAborted(body, signal)) {
        if (at + chunk.length > bytes) throw tooLong(bytes);
        if (at + chunk.length > granted) {
          await pool.ensureFree(ROOM_AHEAD + chunk.length);
          granted = at + chunk.length + ROOM_AHEAD;
        }
        await handle.writeFile(chunk);
        at += chunk.length;
      }
    } catch (error) {
      throw toUploadFault(error);
    } finally {
      // What a sender is told is there must be there after a crash.
      await handle.sync().finally(() => handle.close());
    }
    return at;
  }

  async function end(id: UploadId, forget: () => Promise<void>): Promise<void> {
    for (let old = coming.get(id); old; old = coming.get(id)) await endPiece(old);
    // The file first: what a crash leaves is known then.
    await removeFile(uploadFile(pool, id));
    await forget();
  }

  return {
    offset: (id) => sizeOf(uploadFile(pool, id)),
    async append(piece) {
      // Of two that come at once the second ends the first: nothing is waited for between the last look and its own entry.
      for (let old = coming.get(piece.id); old; old = coming.get(piece.id)) await endPiece(old);
      if (going.has(piece.id)) throw new BakeryError('not-found', 'upload-unknown', 'the upload is being deleted');
      const cut = new AbortController();
      const ended = write(piece, cut.signal);
      const entry = { cut, ended };
      coming.set(piece.id, entry);
      try {
        return await ended;
      } finally {
        if (coming.get(piece.id) === entry) coming.delete(piece.id);
      }
    },
    isComing: (id) => coming.has(id),
    remove(id, forget) {
      const gone = going.get(id) ?? end(id, forget).finally(() => going.delete(id));
      going.set(id, gone);
      return gone;
    },
  };
}

/**
 * Takes an upload that is whole for an image, without a copy: both are one file until it is unpacked. May be repeated.
 * @throws BakeryError `upload-unknown` (not-found), `upload-incomplete` (conflict).
 */
export async function adoptUpload(
  pool: Pool,
  upload: { id: string; bytes: number; to: string; signal: AbortSignal; onBytes?(done: number): void },
): Promise<{ bytes: number; sha256: string }> {
  const { id, bytes, to, signal } = upload;
  if (!(await exists(to))) {
    const from = uploadFile(pool, id);
    const there = await sizeOf(from);
    if (there !== bytes) {
      const message = `${there} of ${bytes} bytes of the upload are there`;
      throw new BakeryError('conflict', 'upload-incomplete', message);
    }
    await link(from, to);
  }
  const hash = createHash('sha256');
  let done = 0;
  for await (const chunk of createReadStream(to, { highWaterMark: 1024 ** 2, signal }) as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    done += chunk.length;
    upload.onBytes?.(done);
  }
  return { bytes: done, sha256: hash.digest('hex') };
}
