import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi, findPi, listPis, patchPi } from '../../db/pis.ts';
import { createRateBound } from '../../netboot/dhcp/rate.ts';
import type { Sighting } from '../../netboot/dhcp/server.ts';
import { createSightings, decideSighting } from '../../server/boot/sightings.ts';

const ME = '91cdf03d' as PiId;
const MAC = 'e4:5f:01:09:02:f7' as Mac;
const OTHER_MAC = 'dc:a6:32:b0:23:c3' as Mac;
const NOW = 1_000_000;
const heard: Sighting = {
  mac: MAC,
  sender: 'pi4',
  messageType: 'discover',
  serial: ME,
  revision: 0xd03114,
  address: undefined,
  at: NOW,
};

async function setUp() {
  const db = await openDatabase(':memory:');
  await addPi(db, { id: ME, quarantine: false, confirmed: true, now: 1 });
  const warned: unknown[] = [];
  const failed: unknown[] = [];
  const time = { ms: NOW };
  const followed: string[] = [];
  const sightings = createSightings({
    db,
    follow: (...to) => void followed.push(to.join(' ')),
    clock: { ...systemClock, now: () => time.ms, monotonic: () => time.ms },
    log: {
      debug() {},
      info() {},
      warn: (fields) => void warned.push((fields as { event: string }).event),
      error: (fields) => void failed.push(fields),
    },
  });
  /** What the database has once all that was noted is written: the next transaction comes after those. */
  async function after(sighting: Sighting) {
    sightings.note(sighting);
    await db.transaction().execute(async () => undefined);
    assert.deepEqual(failed, []);
    return findPi(db, ME);
  }
  return { db, sightings, warned, after, time, followed };
}

test('a DISCOVER binds the MAC of a Pi that has none, tells its revision, and makes a boot expected for two minutes', async () => {
  const { after } = await setUp();
  const pi = await after(heard);
  assert.deepEqual([pi?.mac, pi?.revision, pi?.bootExpectedUntil], [MAC, 0xd03114, NOW + 120_000]);
  assert.equal(pi?.address, undefined, 'no packet moves an address');
});

test('a Pi is found by its MAC when it tells no serial; a REQUEST and a known revision change nothing', async () => {
  const { db, after } = await setUp();
  await patchPi(db, ME, { mac: MAC, revision: 0xc03111 });
  const asked = { ...heard, messageType: 'request', address: '10.0.0.9' as Ipv4 } as const;
  assert.equal((await after(asked))?.bootExpectedUntil, undefined);
  const kernel = { ...heard, sender: 'os', serial: undefined, revision: undefined } as const;
  const pi = await after(kernel);
  assert.deepEqual([pi?.bootExpectedUntil, pi?.revision], [NOW + 120_000, 0xc03111]);
});

test('a Pi that asks for another address than its own is followed there, one that has it already or is a stranger is not', async () => {
  const { db, after, followed } = await setUp();
  await patchPi(db, ME, { mac: MAC, address: '10.0.0.5' as Ipv4 });
  const asks = (address: string) => ({ ...heard, messageType: 'request', address: address as Ipv4 }) as const;
  await after(asks('10.0.0.5'));
  await after({ ...asks('10.0.0.6'), mac: OTHER_MAC });
  await after({ ...asks('10.0.0.7'), messageType: 'discover' });
  assert.deepEqual(followed, []);
  const kernel = { ...asks('10.0.0.9'), sender: 'os', serial: undefined } as const;
  const pi = await after(kernel);
  assert.deepEqual(followed, [`${ME} ${MAC} 10.0.0.9`]);
  assert.equal(pi?.address, '10.0.0.5', 'no packet moves an address');
});

test('an unknown Pi does not enter by DHCP alone; what it told is remembered for two minutes', async () => {
  const { db, after, sightings, time } = await setUp();
  const unknown = { ...heard, serial: 'e09200d8' as PiId, mac: OTHER_MAC };
  await after(unknown);
  assert.deepEqual(
    (await listPis(db)).map(({ id }) => id),
    [ME],
  );
  assert.equal(sightings.toldBy(OTHER_MAC)?.serial, 'e09200d8');
  time.ms += 120_000;
  assert.equal(sightings.toldBy(OTHER_MAC), undefined);
});

test('another board that tells a Pi’s serial, and a Pi’s board that tells another serial, change nothing and are told', async () => {
  const { db, after, warned } = await setUp();
  await patchPi(db, ME, { mac: MAC });
  await after({ ...heard, mac: OTHER_MAC });
  const pi = await after({ ...heard, serial: 'e09200d8' as PiId });
  assert.deepEqual([pi?.mac, pi?.revision, pi?.bootExpectedUntil], [MAC, undefined, undefined]);
  assert.deepEqual(warned, ['stranger-seen', 'stranger-seen']);
  const old = await findPi(db, ME);
  assert.ok(old);
  const board3 = { ...heard, mac: 'b8:27:eb:00:00:01' as Mac };
  assert.equal(decideSighting({ ...old, mac: undefined }, board3).kind, 'stranger', 'no Pi 3 has that serial');
});

test('a DISCOVER that is sent again is written at most every 30 s, and a clock that was set back stops nothing', async () => {
  const { db } = await setUp();
  await patchPi(db, ME, { mac: MAC, revision: 1, bootExpectedUntil: NOW + 120_000 });
  const pi = await findPi(db, ME);
  assert.ok(pi);
  const patched = (at: number) => decideSighting(pi, { ...heard, at });
  assert.deepEqual(patched(NOW + 29_999), { kind: 'patch', patch: {} });
  assert.deepEqual(patched(NOW + 30_000), { kind: 'patch', patch: { bootExpectedUntil: NOW + 150_000 } });
  assert.deepEqual(patched(NOW - 1), { kind: 'patch', patch: { bootExpectedUntil: NOW + 119_999 } });
});

test('of one MAC eight packets are heeded in 10 s, and of no more than 1024 MACs any', () => {
  let now = 0;
  const isHeeded = createRateBound(() => now);
  const count = (macs: number, packets: number) => {
    let heeded = 0;
    for (let mac = 0; mac < macs; mac++) {
      for (let i = 0; i < packets; i++) if (isHeeded(`mac ${mac}` as Mac)) heeded++;
    }
    return heeded;
  };
  assert.equal(count(1, 100), 8);
  assert.equal(count(3_000, 2), 1_023 * 2);
  now += 10_000;
  assert.equal(count(1, 100), 8);
});
