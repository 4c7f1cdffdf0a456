import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import type { DiskId } from '../../core/ids.ts';
import { addOperation, takeClaim } from '../../db/journal.ts';
import { listTrash } from '../../db/trash.ts';
import { planCreateDisk } from '../../server/operations/disks.ts';
import { createTrashKeeper } from '../../server/reconcile/trash.ts';
import { makeWorld } from '../operations/world.ts';

const HOUR = 3_600_000;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A trash with `count` disks, the first thrown away first, an hour between. */
async function setUp(count: number) {
  const world = await makeWorld();
  const engine = world.restart();
  const time = { monotonic: 0, wall: 1_000_000 };
  const clock = { ...systemClock, now: () => time.wall, monotonic: () => time.monotonic };
  const keeper = createTrashKeeper({ db: world.db, engine, keepMs: 24 * HOUR, clock, log: quiet });
  const ids: DiskId[] = [];
  for (let n = 0; n < count; n++) {
    const plan = await world.db.transaction().execute((trx) => planCreateDisk(trx, { sizeMiB: 1 }));
    await (await engine.start('create-disk', plan)).done;
    await (await engine.start('delete-disk', { disk: plan.disk })).done;
    ids.push(plan.disk);
    time.monotonic += HOUR;
    await keeper.tidy();
  }
  const left = async () => (await listTrash(world.db)).map(({ id }) => id);
  return { world, engine, time, clock, keeper, ids, left };
}

test('what has been kept for long enough is deleted, and nothing before', async () => {
  const { world, time, keeper, ids, left } = await setUp(3);
  time.monotonic += 21 * HOUR;
  assert.equal(await keeper.tidy(), 1, 'the first is 24 hours old now');
  assert.deepEqual(await left(), ids.slice(1));
  assert.equal(world.things.has(`trash ${ids[0]}`), false);
  time.monotonic += 2 * HOUR;
  assert.equal(await keeper.tidy(), 2);
  assert.deepEqual(await left(), []);
});

test('a clock that jumps ten years ahead deletes nothing, nor does the time that a server was down', async () => {
  const { world, engine, time, clock, keeper, ids, left } = await setUp(2);
  time.wall += 10 * 365 * 24 * HOUR;
  assert.equal(await keeper.tidy(), 0);
  time.monotonic = 5 * 365 * 24 * HOUR;
  const next = createTrashKeeper({ db: world.db, engine, keepMs: 24 * HOUR, clock, log: quiet });
  assert.equal(await next.tidy(), 0);
  assert.deepEqual(await left(), ids);
});

test('where room is needed the oldest goes first, and one that is being restored is left alone', async () => {
  const { world, keeper, ids, left } = await setUp(3);
  const [first = '' as DiskId] = ids;
  const operation = '00000000-0000-4000-8000-000000000009' as never;
  await addOperation(world.db, {
    id: operation,
    kind: 'restore',
    version: 1,
    params: {},
    claims: [],
    by: undefined,
    now: 1,
  });
  await takeClaim(world.db, operation, { resource: `disk:${first}`, purpose: 'restore' });
  assert.equal(await keeper.makeRoom(), true);
  assert.deepEqual(await left(), [first, ids[2]]);
  await world.db.deleteFrom('claims').execute();
  assert.equal(await keeper.makeRoom(), true);
  assert.equal(await keeper.makeRoom(), true);
  assert.equal(await keeper.makeRoom(), false, 'it is empty');
});
