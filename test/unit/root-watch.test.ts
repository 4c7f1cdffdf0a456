import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Boot, stageOf } from '../../core/boot.ts';
import { systemClock } from '../../core/host/clock.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi, movePi, patchPi } from '../../db/pis.ts';
import { hasMounted } from '../../netboot/boots/root.ts';
import { createBootRecorder } from '../../server/boot/recorder.ts';
import { createRootWatch } from '../../server/boot/root-watch.ts';

const ME = '91cdf03d' as PiId;
const MAC = 'e4:5f:01:09:02:f7' as Mac;
const HERE = '10.0.0.5' as Ipv4;
const THERE = '10.0.0.6' as Ipv4;

/** A recorder and its watch; the NFS server and the wire are told apart by what they were asked. */
async function setUp() {
  const db = await openDatabase(':memory:');
  await addPi(db, { id: ME, quarantine: false, confirmed: true, now: 1 });
  await patchPi(db, ME, { mac: MAC, address: HERE });
  await movePi(db, ME, 'bake');
  await movePi(db, ME, 'baked');
  const time = { ms: 1_000_000 };
  const wire = new Map<Ipv4, Mac>([[THERE, MAC]]);
  const neighbour = async (address: Ipv4) => wire.get(address);
  const up: PiId[] = [];
  const boots = createBootRecorder({
    db,
    neighbour,
    facts: () => ({ dhcp: 'listen' }),
    onUp: (pi) => void up.push(pi),
    clock: { ...systemClock, now: () => time.ms },
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const heard = new Map<Ipv4, number>();
  const operations = { v3: 900, v4: 0, v4Failed: 0 };
  const calls: string[] = [];
  const watch = createRootWatch({
    db,
    boots,
    neighbour,
    nfs: {
      async clients() {
        calls.push('clients');
        return [...heard].map(([address, heardAt]) => ({ address, heardAt }));
      },
      async operations(client) {
        calls.push(`operations ${client}`);
        return { ...operations };
      },
    },
  });
  const round = async () => {
    await boots.round();
    await watch.round();
    await boots.round();
    return boots.newest(ME) as Boot;
  };
  const fetchAll = () => {
    for (const path of ['start4.elf', 'cmdline.txt', 'kernel8.img']) {
      boots.note(ME, { kind: 'file', at: time.ms, path, outcome: 'sent', bytes: 10 });
    }
  };
  return { time, wire, boots, heard, operations, calls, round, fetchAll, up };
}

test('a mount from the Pi’s address after its kernel was sent is its root, what was asked before is not', async () => {
  const { time, heard, operations, calls, round, fetchAll, up } = await setUp();
  await round();
  assert.deepEqual(calls, [], 'nobody is asked while no Pi boots');
  heard.set(HERE, time.ms - 5_000);
  fetchAll();
  const before = await round();
  assert.deepEqual([stageOf(before), before.facts.nfsAskedAt], ['kernel', undefined], 'what the system before it did');
  time.ms += 3_000;
  heard.set(HERE, time.ms);
  operations.v3 += 4;
  const boot = await round();
  assert.deepEqual([stageOf(boot), boot.stages['root-mounted'], up], ['root-mounted', time.ms, [ME]]);
  calls.length = 0;
  await round();
  assert.deepEqual(calls, []);
});

test('a mount that is refused is a sign, each time anew, and no root', async () => {
  const { time, heard, operations, round, fetchAll } = await setUp();
  fetchAll();
  await round();
  for (const _ of [1, 2]) {
    time.ms += 3_000;
    heard.set(HERE, time.ms);
    operations.v4 += 15;
    operations.v4Failed += 1;
    const boot = await round();
    assert.deepEqual([stageOf(boot), boot.facts.nfsAskedAt, boot.heardAt], ['kernel', time.ms, time.ms]);
  }
});

test('a kernel that asks from another address than its firmware is known by its MAC, another board is not', async () => {
  const { time, wire, heard, round, fetchAll } = await setUp();
  fetchAll();
  await round();
  time.ms += 1_000;
  heard.set('10.0.0.7' as Ipv4, time.ms);
  wire.set('10.0.0.7' as Ipv4, 'e4:5f:01:00:00:01' as Mac);
  assert.equal((await round()).facts.nfsAskedAt, undefined);
  heard.set(THERE, time.ms);
  const { nfsAskedAt, nfsAskedFrom } = (await round()).facts;
  assert.deepEqual([nfsAskedAt, nfsAskedFrom], [time.ms, THERE]);
});

test('with NFSv4 it takes far more operations than fail, as each try that is refused makes some', () => {
  const none = { v3: 0, v4: 0, v4Failed: 0 };
  assert.equal(hasMounted(none, { v3: 0, v4: 9, v4Failed: 2 }), false);
  assert.equal(hasMounted(none, { v3: 0, v4: 1_500, v4Failed: 100 }), false);
  assert.equal(hasMounted(none, { v3: 0, v4: 20, v4Failed: 0 }), true);
  assert.equal(hasMounted(none, { v3: 1, v4: 0, v4Failed: 0 }), true);
});
