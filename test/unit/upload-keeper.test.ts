import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../core/host/clock.ts';
import type { UploadId } from '../../core/ids.ts';
import { openDatabase } from '../../db/open.ts';
import { addUpload, listUploads, touchUpload } from '../../db/uploads.ts';
import { createUploadKeeper } from '../../server/reconcile/uploads.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const HOUR = 3_600_000;
const IDS = ['left', 'coming', 'touched'] as UploadId[];

test('an upload that nobody goes on with for a day is deleted, by a clock that nobody can set, and no other', async () => {
  const db = await openDatabase(':memory:');
  let now = 0;
  // What people set says nothing.
  const clock: Clock = { now: () => -1e12 + now * 50, monotonic: () => now, sleep: async () => undefined };
  const removed: string[] = [];
  const uploads = {
    isComing: (id: UploadId) => id === 'coming',
    remove: async (id: UploadId, forget: () => Promise<void>) => {
      removed.push(id);
      await forget();
    },
  };
  const keeper = createUploadKeeper({ db, uploads, clock, log });
  for (const id of IDS) await addUpload(db, { id, bytes: 1, createdAt: 0 }, 3);
  for (let hour = 1; hour < 24; hour++) {
    now += HOUR;
    await keeper.tidy();
  }
  assert.deepEqual(removed, []);
  await touchUpload(db, 'touched' as UploadId);
  now += HOUR;
  await keeper.tidy();
  assert.deepEqual(removed, ['left']);
  assert.deepEqual((await listUploads(db)).map(({ id, idleMs }) => [id, idleMs]).toSorted(), [
    ['coming', 0],
    ['touched', HOUR],
  ]);
  await db.destroy();
});
