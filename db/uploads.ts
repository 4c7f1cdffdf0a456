import type { Selectable } from 'kysely';
import { BakeryError } from '../core/errors.ts';
import type { UploadId } from '../core/ids.ts';
import type { Executor } from './open.ts';
import type { Schema } from './schema.ts';

/** For how long an upload is kept that nobody goes on with, in ms. */
export const UPLOAD_KEPT_MS = 24 * 3_600_000;

/** An upload that comes in pieces. How many of its bytes are there is what its file has. */
export interface Upload {
  readonly id: UploadId;
  /** How many it will have. */
  readonly bytes: number;
  /** For how long servers that were running have heard nothing of it, in ms. */
  readonly idleMs: number;
  /** ms since the epoch. */
  readonly createdAt: number;
}

function toUpload(row: Selectable<Schema['uploads']>): Upload {
  return { id: row.id as UploadId, bytes: row.bytes, idleMs: row.idle_ms, createdAt: row.created_at };
}

/** All uploads, oldest first. */
export async function listUploads(ex: Executor): Promise<Upload[]> {
  return (await ex.selectFrom('uploads').selectAll().orderBy('created_at').orderBy('id').execute()).map(toUpload);
}

/** The upload with that id. @throws BakeryError `upload-unknown` (not-found). */
export async function requireUpload(ex: Executor, id: UploadId): Promise<Upload> {
  const row = await ex.selectFrom('uploads').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw new BakeryError('not-found', 'upload-unknown', 'there is no such upload; one is kept for a day');
  return toUpload(row);
}

/** Notes that one begins, unless there are `most` already. @throws BakeryError `uploads-too-many` (conflict). */
export async function addUpload(ex: Executor, upload: Omit<Upload, 'idleMs'>, most: number): Promise<void> {
  if ((await listUploads(ex)).length >= most) {
    throw new BakeryError('conflict', 'uploads-too-many', `there are ${most} uploads already: delete one`);
  }
  const { id, bytes, createdAt } = upload;
  await ex.insertInto('uploads').values({ id, bytes, created_at: createdAt }).execute();
}

/** Notes that something was heard of it; it is fine when there is none. */
export async function touchUpload(ex: Executor, id: UploadId): Promise<void> {
  await ex.updateTable('uploads').set({ idle_ms: 0 }).where('id', '=', id).execute();
}

/** Counts that nothing was heard of any of them for `ms` more. */
export async function ageUploads(ex: Executor, ms: number): Promise<void> {
  await ex
    .updateTable('uploads')
    .set((eb) => ({ idle_ms: eb('idle_ms', '+', Math.round(ms)) }))
    .execute();
}

/** Forgets it; it is fine when there is none. */
export async function removeUpload(ex: Executor, id: UploadId): Promise<void> {
  await ex.deleteFrom('uploads').where('id', '=', id).execute();
}
