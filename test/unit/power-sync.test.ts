import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTick } from 'node:timers/promises';
import type { OperationId, PiId } from '../../core/ids.ts';
import { listFeed } from '../../db/events.ts';
import { addOperation, releaseClaims, takeClaim } from '../../db/journal.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi, patchPi, requirePi, setFault } from '../../db/pis.ts';
import { createPowerSync, decideSync, type PowerRound } from '../../server/reconcile/power-sync.ts';
import { fakeClock } from '../lab/fake-clock.ts';

const PI = '5564247d' as PiId;
const OPERATION = '11111111-1111-4111-8111-111111111111' as OperationId;
const FAULT = 'its power is not as wished: it should be on, and its switch says off';
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A Pi that is wished on, and a switch that says what a test wants. */
async function setUp() {
  const db = await openDatabase(':memory:');
  await addPi(db, { id: PI, quarantine: false, confirmed: true, now: 1 });
  await patchPi(db, PI, { desiredPower: 'on' });
  const world = {
    says: 'off' as 'on' | 'off' | 'unknown' | undefined,
    reach: 'port' as 'port' | 'by-hand' | 'none',
    isSwitching: false,
    whileAsked: async (): Promise<void> => undefined,
    asked: [] as PiId[],
    rounds: [] as PowerRound[],
  };
  const sync = createPowerSync({
    db,
    power: {
      reach: () => world.reach,
      isSwitching: () => world.isSwitching,
      async observe(pi, signal) {
        world.asked.push(pi);
        await world.whileAsked();
        signal?.throwIfAborted();
        return world.says;
      },
    },
    workers: 4,
    onRound: (round) => world.rounds.push(round),
    clock: fakeClock(),
    log: quiet,
  });
  const rounds = async (count: number) => {
    for (let i = 0; i < count; i += 1) await sync.round();
  };
  const fault = async () => (await requirePi(db, PI)).fault;
  return { db, world, sync, rounds, fault };
}

test('what differs twice in a row is a fault, told once, and cleared when they agree again', async () => {
  const { db, world, rounds, fault } = await setUp();
  await rounds(1);
  assert.equal(await fault(), undefined);
  await rounds(3);
  assert.equal(await fault(), FAULT);
  world.says = 'on';
  await rounds(2);
  assert.equal(await fault(), undefined);
  const told = (await listFeed(db, { after: 0, limit: 100 })).map(({ type, data }) => [type, data]);
  assert.deepEqual(told, [
    ['pi.fault', { fault: FAULT }],
    ['pi.fault-cleared', { fault: FAULT }],
  ]);
  assert.deepEqual(world.rounds.slice(2, 5), [
    { agree: 0, differ: 1, unknown: 0 },
    { agree: 0, differ: 1, unknown: 0 },
    { agree: 1, differ: 0, unknown: 0 },
  ]);
});

test('once is no fault: what agrees between begins anew, and so does another wish', async () => {
  const { db, world, rounds, fault } = await setUp();
  await rounds(1);
  world.says = 'on';
  await rounds(1);
  await patchPi(db, PI, { desiredPower: 'off' });
  await rounds(1);
  await patchPi(db, PI, { desiredPower: 'on' });
  world.says = 'off';
  await rounds(1);
  assert.equal(await fault(), undefined);
});

test('unknown raises no fault and clears none', async () => {
  const { world, rounds, fault } = await setUp();
  world.says = 'unknown';
  await rounds(3);
  assert.equal(await fault(), undefined);
  world.says = 'off';
  await rounds(2);
  world.says = 'unknown';
  await rounds(3);
  assert.equal(await fault(), FAULT);
  assert.deepEqual(world.rounds.at(-1), { agree: 0, differ: 0, unknown: 1 });
});

test('a fault of others is neither covered nor cleared', async () => {
  const { db, world, rounds, fault } = await setUp();
  await setFault(db, PI, 'it does not boot', 1);
  await rounds(3);
  assert.equal(await fault(), 'it does not boot');
  world.says = 'on';
  await rounds(2);
  assert.equal(await fault(), 'it does not boot');
});

test('a Pi that a person has, that is not admitted, not known to be off, or being switched is not asked for', async () => {
  const { db, world, rounds } = await setUp();
  await patchPi(db, PI, { maintenance: true });
  await rounds(2);
  await patchPi(db, PI, { maintenance: false, awaitOff: true });
  await rounds(2);
  await patchPi(db, PI, { awaitOff: false });
  world.isSwitching = true;
  await rounds(2);
  world.isSwitching = false;
  const operation = { id: OPERATION, kind: 'power', version: 1, params: {}, claims: [], by: undefined, now: 1 };
  await addOperation(db, operation);
  await takeClaim(db, OPERATION, { resource: `pi:${PI}`, purpose: 'power on' });
  await rounds(2);
  await releaseClaims(db, OPERATION);
  await db.updateTable('pis').set({ quarantine: 1 }).execute();
  await rounds(2);
  await db.updateTable('pis').set({ quarantine: 0, desired_power: null }).execute();
  await rounds(2);
  assert.deepEqual(world.asked, []);
});

test('what begins while the switch is asked is no fault', async () => {
  const { db, world, rounds, fault } = await setUp();
  await rounds(1);
  world.whileAsked = () => patchPi(db, PI, { desiredPower: 'off' });
  await rounds(1);
  await patchPi(db, PI, { desiredPower: 'on' });
  world.whileAsked = async () => {
    world.isSwitching = true;
  };
  await rounds(1);
  assert.equal(await fault(), undefined);
});

test('a Pi that hangs on no port any more loses the fault that nobody can look after', async () => {
  const { world, rounds, fault } = await setUp();
  await rounds(2);
  assert.equal(await fault(), FAULT);
  world.reach = 'by-hand';
  await rounds(1);
  assert.equal(await fault(), undefined);
});

test('few are asked at a time, a switch that fails keeps no other from its turn, and a stop ends the round', async () => {
  const { db, world, sync } = await setUp();
  const pis = Array.from({ length: 12 }, (_, i) => `000000${(i + 16).toString(16)}` as PiId);
  for (const id of pis) {
    await addPi(db, { id, quarantine: false, confirmed: true, now: 1 });
    await patchPi(db, id, { desiredPower: 'on' });
  }
  let [now, most, all] = [0, 0, 0];
  world.whileAsked = async () => {
    all += 1;
    most = Math.max(most, ++now);
    await nextTick();
    now -= 1;
    if (all === 3) throw new Error('no route to host');
  };
  await sync.round();
  assert.deepEqual([all, most], [13, 4]);
  world.whileAsked = async () => sync.stop();
  await sync.round();
  assert.ok(world.asked.length <= 13 + 4);
  assert.equal(world.rounds.length, 1);
});

test('the wish and not the switch is what a fault speaks of', () => {
  const facts = { wish: 'off', observed: 'on', suspected: 'on', fault: undefined } as const;
  assert.equal(decideSync(facts), 'suspect');
  assert.equal(decideSync({ ...facts, suspected: 'off' }), 'fault');
  assert.equal(decideSync({ ...facts, observed: 'off' }), 'clear');
  assert.equal(decideSync({ ...facts, observed: undefined }), 'leave');
});
