import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OperationId, PiId, PiName } from '../../core/ids.ts';
import { addBulkItems, type BulkItem, listBulkItems, skipBulkItems } from '../../db/bulk.ts';
import { addOperation, findOperation, listOperations } from '../../db/journal.ts';
import { addPi, patchPi } from '../../db/pis.ts';
import { type BulkTargets, planBulk } from '../../server/operations/bulk.ts';
import type { BulkWish } from '../../server/operations/bulk-actions.ts';
import type { Engine, Started } from '../../server/operations/engine.ts';
import { makeWorld, PI, type World } from '../operations/world.ts';
import { size } from '../sizes.ts';

const ON: BulkWish = { action: 'power', power: 'on' };

/** A world of so many Pis in maintenance: all may be switched on. */
async function worldOf(count: number): Promise<{ world: World; engine: Engine; pis: PiId[] }> {
  const world = await makeWorld();
  const pis = [PI];
  while (pis.length < count) pis.push((0xca5e0000 + pis.length).toString(16) as PiId);
  for (const id of pis) {
    await addPi(world.db, { id, quarantine: false, confirmed: true, now: 1 });
    await patchPi(world.db, id, { maintenance: true });
  }
  return { world, engine: world.restart(), pis };
}
interface Wish {
  readonly wish?: BulkWish;
  readonly targets: BulkTargets;
  readonly atATime?: number;
  readonly stopAtFirstFailure?: boolean;
}
const bulk = (
  engine: Engine,
  { wish = ON, targets, atATime = 1, stopAtFirstFailure = false }: Wish,
): Promise<Started> =>
  engine.start('bulk', (trx) => planBulk(trx, { wish, targets, atATime, stopAtFirstFailure }), {
    by: { actor: 'ann', request: 'r' },
  });
const items = (world: World, { id }: Started) => listBulkItems(world.db, id);
const statesOf = (found: readonly BulkItem[]) =>
  found.map(({ state, error }) => (error ? `${state} ${error.code}` : state));
const children = async (world: World) =>
  (await listOperations(world.db, { filter: {}, before: undefined, limit: 5_000 })).filter(
    ({ kind }) => kind !== 'bulk',
  );
async function until(probe: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await probe())) await new Promise((resolve) => setImmediate(resolve));
}
/** Calls of ports stand still from now on, until they are let go. */
function hold(world: World): { letGo(): void } {
  const gate = Promise.withResolvers<void>();
  world.wait = gate.promise;
  return {
    letGo() {
      world.wait = undefined;
      gate.resolve();
    },
  };
}

test('each Pi gets one operation of its own, begun by whom the bulk was asked by, and never more at once than asked for', async () => {
  const { world, engine, pis } = await worldOf(7);
  const held = hold(world);
  const started = await bulk(engine, { targets: { pis }, atATime: 3 });
  await until(() => world.calls.length >= 3);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(world.calls.length, 3);
  assert.deepEqual(statesOf(await items(world, started)), [
    ...Array.from({ length: 3 }, () => 'running'),
    ...Array.from({ length: 4 }, () => 'waiting'),
  ]);
  assert.deepEqual(engine.progress(started.id), { done: 0, total: 7, unit: 'pis' });
  held.letGo();
  await started.done;
  const done = await items(world, started);
  assert.deepEqual(
    statesOf(done),
    Array.from({ length: 7 }, () => 'done'),
  );
  const own = await children(world);
  assert.deepEqual(own.map(({ id }) => id).toSorted(), done.map(({ operation }) => operation).toSorted());
  assert.deepEqual(own.map(({ pi }) => pi).toSorted(), pis.toSorted());
  assert.ok(own.every(({ by, state }) => by?.actor === 'ann' && state === 'done'));
});

test('what fails or is refused is told with its Pi and its reason, and the others are done all the same', async () => {
  const { world, engine, pis } = await worldOf(4);
  await patchPi(world.db, pis[1] as PiId, { maintenance: false });
  world.mishap = { call: 1, how: 'before' };
  const started = await bulk(engine, { targets: { pis } });
  await assert.rejects(started.done, { code: 'bulk-incomplete', message: '2 of 4 Pis failed' });
  const found = await items(world, started);
  assert.deepEqual(statesOf(found), ['done', 'failed power-on-unbaked', 'failed internal', 'done']);
  assert.deepEqual(
    found.map(({ isBegun }) => isBegun),
    [true, false, true, true],
  );
  assert.equal((await findOperation(world.db, started.id))?.state, 'failed');
});

test('a bulk that stops at the first failure begins none after it, and ends those under way', async () => {
  const { world, engine, pis } = await worldOf(6);
  world.mishap = { call: 1, how: 'before' };
  const started = await bulk(engine, { targets: { pis }, atATime: 2, stopAtFirstFailure: true });
  await assert.rejects(started.done, { code: 'bulk-incomplete' });
  const states = statesOf(await items(world, started));
  assert.equal(states[1], 'failed internal');
  assert.equal(states.filter((state) => state === 'skipped').length, 6 - world.calls.length);
  assert.ok(world.calls.length <= 3, 'none was begun once it was known');
  assert.equal(states.filter((state) => state === 'done').length, world.calls.length - 1);
});

test('a cancel begins no more, lets those under way end, and what is done stays', async () => {
  const { world, engine, pis } = await worldOf(5);
  const held = hold(world);
  const started = await bulk(engine, { targets: { pis }, atATime: 2 });
  await until(() => world.calls.length >= 2);
  assert.equal(await engine.cancel(started.id), true);
  held.letGo();
  await assert.rejects(started.done, { code: 'cancelled' });
  assert.deepEqual(statesOf(await items(world, started)), ['done', 'done', 'skipped', 'skipped', 'skipped']);
  assert.equal(world.calls.length, 2);
  assert.deepEqual(
    (await children(world)).map(({ state }) => state),
    ['done', 'done'],
  );
});

test('a cancel that a crash interrupted waits for what was under way, and begins no more', async () => {
  const { world, engine, pis } = await worldOf(5);
  hold(world);
  const started = await bulk(engine, { targets: { pis }, atATime: 2 });
  await until(() => world.calls.length >= 2);
  assert.equal(await engine.cancel(started.id), true);
  // The calls of the first process never come back.
  world.wait = undefined;
  await world.restart().recover();
  assert.deepEqual(statesOf(await items(world, started)), ['done', 'done', 'skipped', 'skipped', 'skipped']);
  const { state, error } = (await findOperation(world.db, started.id)) ?? {};
  assert.deepEqual([state, error?.code, world.calls.length], ['failed', 'cancelled', 4]);
});

test('after a crash each Pi that was begun is waited for, each that was not is begun, and none twice', async () => {
  for (const how of ['hang-before', 'hang-after'] as const) {
    const { world, engine, pis } = await worldOf(6);
    world.mishap = { call: 3, how };
    const started = await bulk(engine, { targets: { pis }, atATime: 2 });
    await until(async () => (await items(world, started)).filter(({ state }) => state === 'done').length === 5);
    world.mishap = { call: world.calls.length, how };
    const hung = world.restart();
    void hung.recover();
    await until(() => world.calls.length === 7);
    world.mishap = undefined;
    await world.restart().recover();
    const done = await items(world, started);
    assert.deepEqual(
      statesOf(done),
      Array.from({ length: 6 }, () => 'done'),
      how,
    );
    const own = await children(world);
    assert.deepEqual(own.map(({ id }) => id).toSorted(), done.map(({ operation }) => operation).toSorted());
    assert.equal((await findOperation(world.db, started.id))?.state, 'done');
  }
});

test('an item is begun at most once, also by two that go through the same bulk at a time', async () => {
  const { world, engine, pis } = await worldOf(30);
  const held = hold(world);
  const started = await bulk(engine, { targets: { pis }, atATime: 30 });
  // Another process on the same journal: it would begin what the first is about to begin.
  const other = world.restart().recover();
  held.letGo();
  await Promise.allSettled([started.done, other]);
  assert.equal((await children(world)).length, 30);
  assert.deepEqual(
    statesOf(await items(world, started)),
    Array.from({ length: 30 }, () => 'done'),
  );
});

/** Something short holds a Pi, until it is let go. */
async function holdPi(world: World, pi: PiId): Promise<() => Promise<unknown>> {
  const id = '8c0e0000-0000-4000-8000-000000000000' as OperationId;
  await addOperation(world.db, { id, kind: 'attach', version: 1, params: {}, claims: [], by: undefined, now: 1 });
  await world.db
    .insertInto('claims')
    .values({ resource: `pi:${pi}`, operation: id, purpose: 'attach' })
    .execute();
  return () => world.db.deleteFrom('claims').where('operation', '=', id).execute();
}

test('a Pi that something short holds is waited for', async () => {
  const { world, engine, pis } = await worldOf(2);
  const letGo = await holdPi(world, PI);
  const started = await bulk(engine, { targets: { pis }, atATime: 2 });
  await until(async () => (await items(world, started))[1]?.state === 'done');
  assert.equal((await items(world, started))[0]?.state, 'waiting');
  await letGo();
  await started.done;
  assert.deepEqual(statesOf(await items(world, started)), ['done', 'done']);
});

test('what was skipped is begun by nobody, whoever was about to', async () => {
  const { world, engine, pis } = await worldOf(2);
  const letGo = await holdPi(world, PI);
  const started = await bulk(engine, { targets: { pis }, atATime: 2 });
  await until(async () => (await items(world, started))[1]?.state === 'done');
  await skipBulkItems(world.db, started.id);
  await letGo();
  await started.done;
  assert.deepEqual(statesOf(await items(world, started)), ['skipped', 'done']);
  assert.deepEqual(
    (await children(world)).filter(({ kind }) => kind === 'power').map(({ pi }) => pi),
    [pis[1]],
  );
});

test('where there is nothing to do that is done, without an operation; tags and maintenance are changed so too', async () => {
  const { world, engine, pis } = await worldOf(2);
  const unbaked = await bulk(engine, { wish: { action: 'unbake' }, targets: { pis } });
  await unbaked.done;
  await patchPi(world.db, PI, { tags: ['old', 'kept'] });
  const wish: BulkWish = { action: 'patch', addTags: ['new'], removeTags: ['old'], maintenance: false };
  const patched = await bulk(engine, { wish, targets: { pis } });
  await patched.done;
  for (const started of [unbaked, patched]) {
    const found = await items(world, started);
    assert.deepEqual(
      found.map(({ state, isBegun }) => [state, isBegun]),
      [
        ['done', false],
        ['done', false],
      ],
    );
  }
  assert.deepEqual(await children(world), []);
  const rows = await world.db.selectFrom('pis').select(['id', 'tags', 'maintenance']).orderBy('id').execute();
  assert.deepEqual(
    rows.map(({ tags, maintenance }) => [tags, maintenance]),
    [
      ['["kept","new"]', 0],
      ['["new"]', 0],
    ],
  );
});

test('the Pis that are meant are fixed when the bulk is admitted; those in quarantine only when that is asked for', async () => {
  const { world, pis } = await worldOf(4);
  const { db } = world;
  await patchPi(db, pis[1] as PiId, { name: 'spare' as PiName, tags: ['ci'] });
  await db
    .updateTable('pis')
    .set({ quarantine: 1, tags: '["ci"]' })
    .where('id', '=', pis[2] as string)
    .execute();
  const meant = async (targets: BulkTargets) =>
    (await planBulk(db, { wish: ON, targets, atATime: 1, stopAtFirstFailure: false })).pis;
  assert.deepEqual(await meant({ pis: ['spare', PI, pis[1] ?? '', PI] }), [pis[1], PI]);
  assert.deepEqual(await meant({ select: { tags: ['ci'] } }), [pis[1]]);
  assert.deepEqual(await meant({ select: { tags: ['ci'], quarantine: true } }), [pis[2]]);
  await assert.rejects(meant({ pis: [PI, 'nobody'] }), { code: 'pi-unknown' });
  await assert.rejects(meant({ pis: ['no name'] }), { code: 'bad-pi-id' });
  await assert.rejects(meant({ select: { state: 'baked' } }), { code: 'no-pi-meant' });
});

test('a bulk of many Pis ends with each of them done once, and one of more than a thousand is refused', async () => {
  const count = size('bulkPis');
  const { world, engine } = await worldOf(count);
  const started = await bulk(engine, { targets: { select: { state: 'fridge' } }, atATime: 100 });
  await started.done;
  assert.deepEqual(
    statesOf(await items(world, started)),
    Array.from({ length: count }, () => 'done'),
  );
  assert.equal(world.calls.length, count);
  const many = await worldOf(1_001);
  await assert.rejects(bulk(many.engine, { targets: { select: { state: 'fridge' } } }), { code: 'too-many-pis' });
  const some = await planBulk(many.world.db, {
    wish: ON,
    targets: { pis: many.pis.slice(1) },
    atATime: 1,
    stopAtFirstFailure: false,
  });
  assert.equal(some.pis.length, 1_000);
});

test('a bulk is pruned with its items', async () => {
  const { world } = await worldOf(1);
  const id = '8c0e0000-0000-4000-8000-000000000001' as OperationId;
  await addOperation(world.db, { id, kind: 'bulk', version: 1, params: {}, claims: [], by: undefined, now: 1 });
  await addBulkItems(world.db, id, [{ pi: PI, operation: id }]);
  await world.db.deleteFrom('operations').execute();
  assert.deepEqual(await listBulkItems(world.db, id), []);
});
