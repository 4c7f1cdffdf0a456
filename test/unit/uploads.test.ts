import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import type { UploadId } from '../../core/ids.ts';
import { createUploads, type Uploads } from '../../exports/images/uploads.ts';
import type { Pool } from '../../exports/volumes/pool.ts';

const ID = 'one' as UploadId;
let folder: string;
let uploads: Uploads;
/** Whether it has its row. */
let isKnown: boolean;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bakery-uploads-'));
  const pool: Pick<Pool, 'path' | 'ensureFree'> = { path: (_, name) => join(folder, name), ensureFree: async () => {} };
  uploads = createUploads(pool as Pool);
  isKnown = true;
});
afterEach(() => rmSync(folder, { recursive: true }));

async function ensureKnown(): Promise<void> {
  if (!isKnown) throw new BakeryError('not-found', 'upload-unknown', 'there is none');
}
async function forget(): Promise<void> {
  isKnown = false;
}
async function* body() {
  yield Buffer.from('piece');
}
const piece = (isThere: () => Promise<void> = ensureKnown) => ({
  id: ID,
  offset: 0,
  bytes: 5,
  body: body(),
  ensureKnown: isThere,
});
const files = () => readdirSync(folder);
const unknown = { code: 'upload-unknown' };

test('a piece leaves no file of an upload that is deleted while the piece begins', async () => {
  const gate = Promise.withResolvers<void>();
  // It saw the row, and has not made its file yet.
  const sent = uploads.append(piece(async () => gate.promise));
  const gone = uploads.remove(ID, forget);
  gate.resolve();
  await assert.rejects(sent, { code: 'upload-offset' });
  await gone;
  assert.deepEqual([files(), isKnown], [[], false]);
});

test('a piece leaves no file of an upload that is being deleted', async () => {
  const gate = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const gone = uploads.remove(ID, async () => {
    reached.resolve();
    await gate.promise;
    await forget();
  });
  await reached.promise;
  await assert.rejects(uploads.append(piece()), unknown);
  const again = uploads.remove(ID, forget);
  gate.resolve();
  await Promise.all([gone, again]);
  assert.deepEqual(files(), []);
});

test('a piece leaves no file of an upload that was deleted since its sender was let in', async () => {
  assert.equal(await uploads.append(piece()), 5);
  assert.deepEqual(files(), [`upload-${ID}`]);
  await uploads.remove(ID, forget);
  await assert.rejects(uploads.append(piece()), unknown);
  assert.deepEqual(files(), []);
});

test('an upload that could not be forgotten can be deleted again', async () => {
  const fault = new Error('the database is busy');
  await assert.rejects(
    uploads.remove(ID, async () => {
      throw fault;
    }),
    fault,
  );
  await uploads.remove(ID, forget);
  assert.equal(isKnown, false);
});
