import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTick } from 'node:timers/promises';
import { BakeryError } from '../../core/errors.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import { listFeed } from '../../db/events.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi, movePi, patchPi, requirePi, setFault } from '../../db/pis.ts';
import type { Engine } from '../../server/operations/engine.ts';
import { createBootRetries, type NewestBoot } from '../../server/reconcile/boot-retries.ts';

const PI = '5564247d' as PiId;
const [MAC, OTHER_MAC] = ['b8:27:eb:64:24:7d', 'dc:a6:32:b0:23:c3'] as [Mac, Mac];
const ADDRESS = '10.0.0.13' as Ipv4;
const boot = (id: string, state: NewestBoot['state'], hasFirmware = false): NewestBoot => ({ id, state, hasFirmware });
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A baked Pi that is wished on and whose boot has stopped, and an engine that begins whatever is asked. */
async function setUp() {
  const db = await openDatabase(':memory:');
  await addPi(db, { id: PI, quarantine: false, confirmed: true, now: 1 });
  await movePi(db, PI, 'bake');
  await movePi(db, PI, 'baked');
  await patchPi(db, PI, { desiredPower: 'on' });
  const world = {
    ms: 1_000_000,
    begun: [] as unknown[],
    ends: [] as (() => void)[],
    refuses: undefined as string | undefined,
    isControlled: true,
    cycleWaitMs: 0,
    boot: boot('a', 'stopped'),
    answers: new Map<Ipv4, Mac>(),
  };
  const engine = {
    async start(_kind: string, params: (trx: typeof db) => Promise<unknown>) {
      if (world.refuses) throw new BakeryError('conflict', world.refuses, 'no');
      world.begun.push(await params(db));
      return { id: 'x', done: new Promise<void>((resolve) => world.ends.push(resolve)) };
    },
  };
  const retries = createBootRetries({
    db,
    engine: engine as unknown as Engine,
    power: {
      controls: () => world.isControlled,
      reach: () => 'port',
      whyNone: () => undefined,
      cycleWaitMs: () => world.cycleWaitMs,
    },
    newestBoot: () => world.boot,
    answering: async (addresses) => new Map([...world.answers].filter(([address]) => addresses.includes(address))),
    limits: { tries: 2, pauseMs: 60_000 },
    clock: { now: () => world.ms, monotonic: () => world.ms, sleep: async () => undefined },
    log: quiet,
  });
  /** The operation ends, and time passes. */
  async function later(ms: number): Promise<void> {
    for (const end of world.ends.splice(0)) end();
    await nextTick();
    world.ms += ms;
  }
  const told = async () => (await listFeed(db, { after: 0, limit: 100 })).map(({ type, data }) => [type, data]);
  return { db, world, retries, later, told, pi: () => requirePi(db, PI) };
}

test('a Pi that gave up booting is cycled, with limits; then it has a fault, which goes when it is up', async () => {
  const { world, retries, later, told, pi } = await setUp();
  await retries.round();
  assert.deepEqual(world.begun, [{ pi: PI, action: 'cycle' }]);
  await retries.round();
  assert.equal(world.begun.length, 1, 'that one has not ended');
  await later(59_999);
  await retries.round();
  assert.equal(world.begun.length, 1, 'its pause is not over');
  await later(1);
  world.boot = boot('b', 'stopped');
  await retries.round();
  assert.equal(world.begun.length, 2);
  await later(3_600_000);
  world.boot = boot('c', 'stopped');
  for (let i = 0; i < 3; i++) await retries.round();
  assert.equal(world.begun.length, 2);
  const fault = 'it does not boot: given up after 2 power-cycles';
  assert.equal((await pi()).fault, fault);
  world.boot = boot('c', 'up');
  await retries.round();
  assert.equal((await pi()).fault, undefined);
  assert.deepEqual(await told(), [
    ['boot.retried', { boot: 'a', try: 1, of: 2 }],
    ['boot.retried', { boot: 'b', try: 2, of: 2 }],
    ['boot.given-up', { boot: 'c', tries: 2 }],
    ['pi.fault', { fault }],
    ['pi.fault-cleared', { fault }],
  ]);
  world.boot = boot('d', 'stopped');
  await retries.round();
  assert.equal(world.begun.length, 3, 'it was up: it has all its tries again');
});

test('a pause begins when the Pi was switched on, not when it began to wait for its turn', async () => {
  const { world, retries, later } = await setUp();
  await retries.round();
  world.ms += 1_800_000;
  await later(59_999);
  await retries.round();
  assert.equal(world.begun.length, 1);
  await later(1);
  await retries.round();
  assert.equal(world.begun.length, 2);
});

test('nobody cycles a Pi that a person has, that is held or free, that should be off, or has no switch', async () => {
  const { db, world, retries } = await setUp();
  const never = async (patch: Parameters<typeof patchPi>[2], back: Parameters<typeof patchPi>[2]) => {
    await patchPi(db, PI, patch);
    await retries.round();
    assert.deepEqual(world.begun, [], JSON.stringify(patch));
    await patchPi(db, PI, back);
  };
  await never({ maintenance: true }, { maintenance: false });
  await never({ awaitOff: true }, { awaitOff: false });
  await never({ desiredPower: 'off' }, { desiredPower: 'on' });
  world.isControlled = false;
  await never({}, {});
  world.isControlled = true;
  await movePi(db, PI, 'unbake');
  await never({}, {});
  await movePi(db, PI, 'stuck');
  await never({}, {});
  await movePi(db, PI, 'release');
  await never({}, {});
});

test('a Pi that runs is never cycled, whatever was not heard of it: one that answers, or that cannot be asked', async () => {
  const { db, world, retries } = await setUp();
  await patchPi(db, PI, { address: ADDRESS, mac: MAC });
  world.answers.set(ADDRESS, MAC);
  await retries.round();
  await patchPi(db, PI, { address: null });
  world.boot = boot('a', 'stopped', true);
  await retries.round();
  assert.deepEqual(world.begun, []);
  await patchPi(db, PI, { address: ADDRESS });
  world.answers.set(ADDRESS, OTHER_MAC);
  await retries.round();
  assert.equal(world.begun.length, 1, 'another board has its address');
});

test('what another operation holds is no try, and a fault of another kind stays', async () => {
  const { db, world, retries, pi } = await setUp();
  world.refuses = 'busy';
  for (let i = 0; i < 5; i++) await retries.round();
  world.refuses = undefined;
  await retries.round();
  assert.equal(world.begun.length, 1);
  await setFault(db, PI, 'its disk is broken', 1);
  world.boot = boot('b', 'up');
  await retries.round();
  assert.equal((await pi()).fault, 'its disk is broken');
});

test('a Pi that was cycled too often waits, which is no try', async () => {
  const { world, retries } = await setUp();
  world.cycleWaitMs = 60_000;
  await retries.round();
  assert.deepEqual(world.begun, []);
  world.cycleWaitMs = 0;
  for (let i = 0; i < 2; i++) await retries.round();
  assert.deepEqual(world.begun.length, 1);
});
