import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import type { DiskId } from '../../core/ids.ts';
import { addOperation, releaseClaims, takeClaim } from '../../db/journal.ts';
import { piecesOf } from '../../exports/volumes/trim.ts';
import { planCreateDisk } from '../../server/operations/disks.ts';
import { createTrimmer, makeRoom } from '../../server/reconcile/trim.ts';
import { makeWorld } from '../operations/world.ts';

const HOUR = 3_600_000;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** So many disks, and a trimmer whose trims give what `gives` says. */
async function setUp(count: number, everyMs = 24 * HOUR) {
  const world = await makeWorld();
  const engine = world.restart();
  const ids: DiskId[] = [];
  for (let n = 0; n < count; n++) {
    const plan = await world.db.transaction().execute((trx) => planCreateDisk(trx, { sizeMiB: 1 }));
    await (await engine.start('create-disk', plan)).done;
    ids.push(plan.disk);
  }
  const time = { now: 0 };
  const trimmed: DiskId[] = [];
  const told: string[] = [];
  const gives = new Map<DiskId, number | Error>();
  const trimmer = createTrimmer({
    db: world.db,
    async trim({ id, mayGoOn }) {
      assert.equal(await mayGoOn(), true);
      trimmed.push(id);
      const given = gives.get(id) ?? 0;
      if (given instanceof Error) throw given;
      return given;
    },
    places: { root: (pi) => `/nfs/${pi}`, disk: (id) => `/nfs/${id}`, bakeform: () => '' },
    everyMs,
    onTrim: ({ outcome, bytes }) => void told.push(`${outcome} ${bytes}`),
    clock: { ...systemClock, monotonic: () => time.now },
    log: quiet,
  });
  return { world, ids: ids.toSorted(), time, trimmed, told, gives, trimmer };
}

test('each volume is trimmed once in its period, one in a round, the one that has waited the longest first', async () => {
  const { ids, time, trimmed, trimmer } = await setUp(3);
  for (let n = 0; n < 3; n++) {
    time.now += HOUR;
    assert.equal(await trimmer.round(), true);
    assert.equal(trimmed.length, n + 1);
  }
  const first = [...trimmed];
  assert.deepEqual(first.toSorted(), ids);
  assert.equal(await trimmer.round(), false);
  time.now += 22 * HOUR;
  assert.equal(await trimmer.round(), true);
  assert.equal(await trimmer.round(), false, 'the others are not due yet');
  assert.deepEqual(trimmed.slice(3), first.slice(0, 1));
});

test('a disk that an operation holds is left to it, and one whose trim fails does not keep the others waiting', async () => {
  const { world, ids, trimmed, told, gives, trimmer } = await setUp(3);
  const [held = '' as DiskId, failing = '' as DiskId, other = '' as DiskId] = ids;
  const operation = '00000000-0000-4000-8000-000000000009' as never;
  await addOperation(world.db, {
    id: operation,
    kind: 'heal',
    version: 1,
    params: {},
    claims: [],
    by: undefined,
    now: 1,
  });
  await takeClaim(world.db, operation, { resource: `disk:${held}`, purpose: 'heal' });
  gives.set(failing, new Error('EROFS'));
  gives.set(other, 7);
  for (let n = 0; n < 4; n++) await trimmer.round();
  assert.deepEqual(trimmed.toSorted(), [failing, other].toSorted());
  assert.deepEqual(told.toSorted(), ['done 7', 'failed 0']);
  await releaseClaims(world.db, operation);
  assert.equal(await trimmer.round(), true);
  assert.equal(trimmed.at(-1), held);
});

test('where room is short, volumes are trimmed until one gives something back, none twice in an hour; with 0 only then', async () => {
  const { ids, time, trimmed, gives, trimmer } = await setUp(3, 0);
  assert.equal(await trimmer.round(), false);
  const [giving = '' as DiskId] = ids;
  gives.set(giving, 4096);
  assert.equal(await trimmer.makeRoom(), true);
  assert.equal(trimmed.at(-1), giving);
  assert.equal(await trimmer.makeRoom(), false, 'the others have nothing');
  assert.deepEqual(trimmed.toSorted(), ids);
  time.now += HOUR;
  assert.equal(await trimmer.makeRoom(), true);
});

test('the trash is emptied when trims give nothing, and first when Pis may not write', async () => {
  const order: string[] = [];
  const from = (name: string, gives: boolean) => ({
    async makeRoom() {
      order.push(name);
      return gives;
    },
  });
  const [trimmer, trash] = [from('trim', true), from('trash', true)];
  for (const level of ['low', 'refuse', 'readonly'] as const)
    assert.equal(await makeRoom({ level, trimmer, trash }), true);
  assert.deepEqual(order.splice(0), ['trim', 'trim', 'trash']);
  await makeRoom({ level: 'low', trimmer: from('trim', false), trash });
  assert.deepEqual(order.splice(0), ['trim', 'trash']);
  assert.equal(await makeRoom({ level: 'high', trimmer: from('trim', false), trash: from('trash', false) }), false);
});

test('a trim is done in pieces that cover the volume, the last to its end', () => {
  assert.deepEqual(piecesOf(10, 4), [{ offset: 0, length: 4 }, { offset: 4 }]);
  assert.deepEqual(piecesOf(3, 4), [{ offset: 0 }]);
  assert.deepEqual(piecesOf(8, 4), [{ offset: 0, length: 4 }, { offset: 4 }]);
});
