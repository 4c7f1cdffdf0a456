import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import type { DiskId, PiId } from '../../core/ids.ts';
import { addDisk } from '../../db/disks.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi } from '../../db/pis.ts';
import type { Engine } from '../../server/operations/engine.ts';
import { createHealer } from '../../server/reconcile/heal.ts';

const PI = '5564247d' as PiId;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A Pi whose root is broken, and how many times its healing was begun. */
async function setUp() {
  const db = await openDatabase(':memory:');
  await addPi(db, { id: PI, quarantine: false, confirmed: true, now: 1 });
  await addDisk(db, {
    id: '00000000-0000-4000-8000-000000000001' as DiskId,
    role: 'root',
    state: 'ready',
    sizeMiB: 0,
    pi: PI,
    position: 0,
    fsUuid: 'u',
    exportId: 1,
    now: 1,
  });
  const world = { now: 0, begun: 0, hasRoom: true, broken: ['/nfs/5564247d'], end: async () => undefined as undefined };
  const engine = {
    async start() {
      world.begun++;
      return { id: 'x', done: world.end() };
    },
  };
  const healer = createHealer({
    db,
    engine: engine as unknown as Engine,
    broken: async () => new Set(world.broken),
    hasRoom: () => world.hasRoom,
    places: { root: (pi) => `/nfs/${pi}`, disk: (id) => `/nfs/${id}`, bakeform: (id) => id },
    clock: { now: () => 0, monotonic: () => world.now, sleep: async () => undefined },
    log: quiet,
  });
  return { world, healer };
}

test('a broken volume is healed, one that is whole is left alone', async () => {
  const { world, healer } = await setUp();
  assert.equal(await healer.round(), 1);
  world.broken = [];
  assert.equal(await healer.round(), 0);
  assert.equal(world.begun, 1);
});

test('a broken volume is left alone while the pool has no room: it would only break again', async () => {
  const { world, healer } = await setUp();
  world.hasRoom = false;
  assert.equal(await healer.round(), 0);
  assert.equal(world.begun, 0);
  world.hasRoom = true;
  assert.equal(await healer.round(), 1);
});

test('what could not be healed is tried again after a minute, then after two', async () => {
  const { world, healer } = await setUp();
  world.end = async () => {
    throw new Error('beyond repair');
  };
  const begun: number[] = [];
  for (const now of [0, 59_999, 60_000, 179_999, 180_000]) {
    world.now = now;
    await healer.round();
    begun.push(world.begun);
  }
  assert.deepEqual(begun, [1, 1, 2, 2, 3]);
});

test('a broken volume that an operation holds is looked at again in the next round', async () => {
  const { world, healer } = await setUp();
  world.end = async () => {
    throw new BakeryError('conflict', 'busy', 'an unbake has it');
  };
  await healer.round();
  await healer.round();
  assert.equal(world.begun, 2);
});
