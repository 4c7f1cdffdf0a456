import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OperationId } from '../../core/ids.ts';
import { findOperation, listClaims } from '../../db/journal.ts';
import { findPi } from '../../db/pis.ts';
import { planBake } from '../../server/operations/bake.ts';
import { planUpload } from '../../server/operations/bakeforms.ts';
import { planCreateDisk } from '../../server/operations/disks.ts';
import { planRelease } from '../../server/operations/release.ts';
import { FACTS, FORM, makeWorld, PI, snapshot, type World } from '../operations/world.ts';

/** A world in which a server died while it was cloning. */
async function diedBaking(): Promise<{ world: World; id: OperationId }> {
  const world = await makeWorld();
  const engine = world.restart();
  const attachment = { body: (async function* () {})() };
  await (await engine.start('upload-bakeform', (trx) => planUpload(trx, FORM), { attachment })).done;
  world.calls.length = 0;
  world.mishap = { call: 0, how: 'hang-after' };
  const { id } = await engine.start('bake', (trx) => planBake(trx, { bakeform: FORM }, FACTS));
  while (world.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  world.mishap = undefined;
  return { world, id };
}

test('a Pi whose operation another version began is held, with its claims, and only a release frees it', async () => {
  const { world, id } = await diedBaking();
  await world.db.updateTable('operations').set({ version: 99 }).where('id', '=', id).execute();
  const before = [...world.things];
  const engine = world.restart();
  await engine.recover();
  assert.deepEqual([...world.things], before, 'nothing is touched');
  assert.equal((await findPi(world.db, PI))?.state, 'held');
  assert.equal((await findOperation(world.db, id))?.error?.code, 'operation-version');
  assert.equal((await listClaims(world.db, id)).length, 2);
  await assert.rejects(engine.retry(id), { code: 'operation-version' });
  await assert.rejects(
    engine.start('bake', (trx) => planBake(trx, { bakeform: FORM }, FACTS)),
    {
      code: 'no-free-pi',
    },
  );

  await (await engine.start('release', (trx) => planRelease(trx, { pi: PI, isOff: true, now: 9 }))).done;
  assert.equal((await findPi(world.db, PI))?.state, 'fridge');
  assert.equal((await findOperation(world.db, id))?.state, 'failed');
  assert.ok((await snapshot(world)).every((line) => !line.startsWith('claims') && !line.startsWith('volume')));
});

test('after a restored database nothing is continued and nothing undone: all that was open is held', async () => {
  const { world, id } = await diedBaking();
  const before = [...world.things];
  world.calls.length = 0;
  const engine = world.restart();
  await engine.recover('restore');
  assert.deepEqual(world.calls, []);
  assert.deepEqual([...world.things], before);
  assert.equal((await findPi(world.db, PI))?.state, 'held');
  assert.equal((await findOperation(world.db, id))?.error?.code, 'journal-restored');
  // A person who has looked may let it be undone.
  await assert.rejects((await engine.retry(id)).done, { code: 'journal-restored' });
  assert.equal((await findPi(world.db, PI))?.state, 'fridge');
});

test('two persons who retry at once set it going once', async () => {
  const world = await makeWorld();
  world.mishap = { call: 0, how: 'hang-after' };
  const { id } = await world.restart().start('create-disk', (trx) => planCreateDisk(trx, { sizeMiB: 1 }));
  while (world.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  world.mishap = undefined;
  const engine = world.restart();
  await engine.recover('restore');
  const tries = await Promise.allSettled([engine.retry(id), engine.retry(id)]);
  assert.deepEqual(tries.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
});

test('the same key at eight requests at once starts one operation, and is bound to what it was for', async () => {
  const world = await makeWorld();
  const engine = world.restart();
  const key = { actor: 'admin', key: 'k', fingerprint: 'f' };
  const body = () => ({ attachment: { body: (async function* () {})() }, key });
  const started = await Promise.all(
    Array.from({ length: 8 }, () => engine.start('upload-bakeform', (trx) => planUpload(trx, FORM), body())),
  );
  assert.equal(new Set(started.map(({ id }) => id)).size, 1);
  await Promise.all(started.map(({ done }) => done));
  const other = { ...key, fingerprint: 'other' };
  await assert.rejects(
    engine.start('upload-bakeform', (trx) => planUpload(trx, FORM), { key: other }),
    {
      code: 'idempotency-mismatch',
    },
  );
  const later = await world.restart().start('upload-bakeform', (trx) => planUpload(trx, FORM), { key });
  assert.equal(later.id, started[0]?.id, 'a new process knows it');
});

// A limit: a bake that does not mount again would be waited for for ever.
test('a bake that goes on after a reboot of the machine mounts its root again before it writes to it', {
  timeout: 20_000,
}, async () => {
  const { world } = await diedBaking();
  const { calls } = world;
  world.mishap = { call: calls.length + 2, how: 'hang-before' };
  void world.restart().recover();
  while (calls.at(-1) !== 'mount' || calls.filter((name) => name === 'mount').length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  world.mishap = undefined;
  for (const thing of [...world.things]) if (thing.startsWith('mount ')) world.things.delete(thing);
  calls.length = 0;
  await world.restart().recover();
  assert.deepEqual(calls, ['mount', 'giveIdentity', 'mount', 'converge']);
  assert.ok([...world.things].some((thing) => thing.startsWith('mount ')));
});
