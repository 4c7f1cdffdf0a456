import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi, findPi, patchPi } from '../../db/pis.ts';
import { createFollower } from '../../server/boot/follow.ts';
import { createAddressWatch } from '../../server/reconcile/addresses.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const ME = '91cdf03d' as PiId;
const OTHER = 'e09200d8' as PiId;
const MAC = 'e4:5f:01:09:02:f7' as Mac;
const OTHER_MAC = 'dc:a6:32:b0:23:c3' as Mac;
const HERE = '10.0.0.5' as Ipv4;
const THERE = '10.0.0.6' as Ipv4;
const NOW = 1_000_000;

/** A Pi at HERE, a boot of it expected or not, and a wire on which `wire` says who is where; `pause` is what a pause between two looks does. */
async function setUp({ isExpected = true, pause = async () => undefined as undefined } = {}) {
  const db = await openDatabase(':memory:');
  await addPi(db, { id: ME, quarantine: false, confirmed: true, now: 1 });
  const bootExpectedUntil = isExpected ? NOW + 1_000 : null;
  await patchPi(db, ME, { mac: MAC, address: HERE, addressSeenAt: NOW, bootExpectedUntil });
  const wire = new Map<Ipv4, Mac>();
  const nudged: Ipv4[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let looks = 0;
  const clock = {
    ...systemClock,
    now: () => NOW,
    async sleep(_ms: number, signal?: AbortSignal) {
      looks++;
      await pause();
      signal?.throwIfAborted();
    },
  };
  const follower = createFollower({
    db,
    exports: { converge: async () => resolve() },
    isNear: (address) => address.startsWith('10.'),
    nudge: async (address) => void nudged.push(address),
    neighbour: async (address) => wire.get(address),
    clock,
    log: quiet,
  });
  return {
    db,
    wire,
    nudged,
    follower,
    ended,
    looks: () => looks,
    clock,
    address: async () => (await findPi(db, ME))?.address,
  };
}
/** Until nothing is done any more: each look of a test without pauses is some turns of the event loop. */
async function quietly(looks: () => number): Promise<void> {
  for (let last = -1; last !== looks(); ) {
    last = looks();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a Pi is followed to an address once its board is there, and not before', async () => {
  const appears = Promise.withResolvers<undefined>();
  const waits = Promise.withResolvers<void>();
  const { follower, wire, ended, nudged, address } = await setUp({
    pause() {
      waits.resolve();
      return appears.promise;
    },
  });
  follower.follow(ME, MAC, THERE);
  await Promise.race([waits.promise, ended]);
  assert.equal(await address(), HERE);
  wire.set(THERE, MAC);
  appears.resolve(undefined);
  await ended;
  assert.equal(await address(), THERE);
  assert.deepEqual(nudged, [THERE]);
});

test('another board that is there moves nothing, and neither does one of a running Pi', async () => {
  for (const [mac, isExpected] of [
    [OTHER_MAC, true],
    [MAC, false],
  ] as const) {
    const { follower, wire, looks, address } = await setUp({ isExpected });
    wire.set(THERE, mac);
    follower.follow(ME, MAC, THERE);
    await quietly(looks);
    assert.equal(await address(), HERE);
  }
});

test('it is looked for no longer than 120 times, on our wires only, and no more once it is stopped', async () => {
  const { follower, nudged, looks } = await setUp();
  follower.follow(ME, MAC, '192.0.2.1' as Ipv4);
  await quietly(looks);
  assert.deepEqual(nudged, []);
  follower.follow(ME, MAC, THERE);
  await quietly(looks);
  assert.equal(nudged.length, 120);
  follower.follow(ME, MAC, THERE);
  follower.stop();
  await quietly(looks);
  assert.ok(nudged.length < 240);
});

test('the address watch has a Pi followed whose board answers at another address, and not one that is off', async () => {
  const { db, clock } = await setUp({ isExpected: false });
  const followed: string[] = [];
  const reachable = new Map<Ipv4, Mac>([[THERE, MAC]]);
  const connected = new Set<Ipv4>();
  const watch = createAddressWatch({
    db,
    exports: { converge: async () => undefined },
    reachable: async () => reachable,
    connected: async () => connected,
    follow: (...to) => void followed.push(to.join(' ')),
    clock,
    log: quiet,
  });
  await watch.round();
  assert.deepEqual(followed.splice(0), [`${ME} ${MAC} ${THERE}`]);
  await patchPi(db, ME, { previousAddress: THERE });
  await watch.round();
  assert.deepEqual(followed, [], 'it has just come from there');
  await patchPi(db, ME, { previousAddress: null });
  connected.add(HERE);
  await watch.round();
  assert.deepEqual(followed, [], 'it has mounted from its own');
  connected.clear();
  reachable.set(HERE, MAC);
  await watch.round();
  assert.deepEqual(followed, [], 'a second address of a Pi that is at its own');
  reachable.delete(HERE);
  await patchPi(db, ME, { address: null, desiredPower: 'off' });
  await watch.round();
  assert.deepEqual(followed, [], 'it was switched off; its board may answer for some seconds more');
  await patchPi(db, ME, { desiredPower: 'on' });
  await watch.round();
  assert.deepEqual(followed.splice(0), [`${ME} ${MAC} ${THERE}`], 'it was silent for a day');
  await addPi(db, { id: OTHER, quarantine: false, confirmed: true, now: 1 });
  await patchPi(db, OTHER, { mac: OTHER_MAC, address: THERE });
  await watch.round();
  assert.deepEqual(followed, [], 'two boards at one address would take it from each other for ever');
  await patchPi(db, ME, { bootExpectedUntil: NOW + 1 });
  await watch.round();
  assert.deepEqual(followed, [`${ME} ${MAC} ${THERE}`]);
});
