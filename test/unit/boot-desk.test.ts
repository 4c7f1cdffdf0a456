import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import { parseConnected, parseDefaultRoute, parseNeighbours, parseReachable } from '../../core/host/network.ts';
import type { DiskId, Ipv4, Mac, PiId } from '../../core/ids.ts';
import { addDisk, listDisks } from '../../db/disks.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi, findPi, listPis, movePi, patchPi } from '../../db/pis.ts';
import { createBootDesk, type DiscoveryPolicy } from '../../server/boot/desk.ts';
import type { Told } from '../../server/boot/sightings.ts';
import { desiredExports } from '../../server/operations/exports.ts';
import { createAddressWatch, sortAddresses } from '../../server/reconcile/addresses.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const ME = '5564247d' as PiId;
const MAC = 'b8:27:eb:64:24:7d' as Mac;
const HERE = '10.0.0.5' as Ipv4;
const THERE = '10.0.0.6' as Ipv4;
const RELAY = '127.0.0.1' as Ipv4;

/** A desk over a real inventory; the wire, the switch and the NFS server are told apart by what they were asked. */
async function setUp(options: { policy?: DiscoveryPolicy; onPort?: boolean; told?: Told } = {}) {
  const db = await openDatabase(':memory:');
  const wire = new Map<Ipv4, Mac>([[HERE, MAC]]);
  const log: string[] = [];
  let now = 1_000_000;
  const desk = createBootDesk({
    db,
    power: {
      controls: () => options.onPort ?? false,
      off: async (pi) => {
        log.push(`off ${pi}`);
        return 'off';
      },
    },
    exports: { converge: async () => void log.push('converge') },
    clock: { ...systemClock, now: () => now, monotonic: () => now },
    log: quiet,
    policy: options.policy ?? 'accept',
    neighbour: async (address) => wire.get(address),
    toldBy: () => options.told,
    bootFile: async (pi, path) => ({ kind: 'bytes', bytes: Buffer.from(`${pi.id}:${path}`) }),
    firmware: async (path) => (path === 'bootcode.bin' ? { kind: 'bytes', bytes: Buffer.from('firmware') } : undefined),
  });
  const ask = async (filename: string, client = HERE) => {
    const answer = await desk.answer({ client, filename, relay: client === RELAY });
    return answer.kind === 'bytes'
      ? Buffer.from(answer.bytes).toString()
      : answer.kind === 'error'
        ? answer.code
        : answer;
  };
  const bake = async () => {
    await movePi(db, ME, 'bake');
    await movePi(db, ME, 'baked');
  };
  return { db, wire, log, ask, bake, pass: (ms: number) => (now += ms) };
}

test('an unknown Pi gets the first stage, tells its serial, and is in the fridge with its MAC and address', async () => {
  const { db, ask, log } = await setUp();
  assert.equal(await ask('bootcode.bin'), 'firmware');
  assert.deepEqual(await listPis(db), []);
  assert.equal(await ask(`${ME}/start.elf`), 1);
  const pi = await findPi(db, ME);
  assert.deepEqual([pi?.state, pi?.mac, pi?.address], ['fridge', MAC, HERE]);
  assert.deepEqual(log, ['converge']);
  assert.equal(await ask('bootcode.bin'), 'firmware', 'also when it is known');
  assert.equal(await ask('start.elf'), 1, 'but nothing else');
});

test('an unknown Pi enters as the board that it said it is, when it said so of this serial', async () => {
  for (const [serial, revision] of [
    [ME, 0xd03114],
    [ME, 1],
    ['0060cd37', 0xd03114],
  ] as const) {
    const { db, ask } = await setUp({ told: { serial: serial as PiId, revision } });
    await ask(`${ME}/start4.elf`);
    const pi = await findPi(db, ME);
    assert.equal(pi?.revision, serial === ME && revision === 0xd03114 ? revision : undefined);
    assert.equal(pi === undefined, serial !== ME);
  }
});

test('a stranger does not enter: no board at its address, or one whose MAC is not that serial’s', async () => {
  const { db, ask, wire } = await setUp();
  assert.equal(await ask(`${ME}/start.elf`, THERE), 1);
  wire.set(THERE, 'b8:27:eb:00:00:01' as Mac);
  assert.equal(await ask(`${ME}/start.elf`, THERE), 1);
  assert.deepEqual(await listPis(db), []);
});

test('a Pi in the fridge that hangs on a port is switched off when it asks, not again at once, and not in maintenance', async () => {
  const { db, ask, log, pass } = await setUp({ onPort: true });
  await ask(`${ME}/start.elf`);
  await ask(`${ME}/config.txt`);
  assert.deepEqual(
    log.filter((line) => line.startsWith('off')),
    [`off ${ME}`],
  );
  pass(20_000);
  await ask(`${ME}/start.elf`);
  assert.equal(log.filter((line) => line.startsWith('off')).length, 2);
  await db.updateTable('pis').set({ maintenance: 1 }).execute();
  pass(20_000);
  await ask(`${ME}/start.elf`);
  assert.equal(log.filter((line) => line.startsWith('off')).length, 2);
});

test('a baked Pi gets its files under its serial, by its MAC and by a bare name, a baking one does not', async () => {
  const { db, ask, bake, log } = await setUp({ onPort: true });
  await ask(`${ME}/start.elf`);
  log.length = 0;
  await movePi(db, ME, 'bake');
  assert.equal(await ask(`${ME}/start.elf`), 1);
  assert.deepEqual(log, [], 'a Pi that is being baked is not switched off');
  await movePi(db, ME, 'undone');
  await bake();
  assert.equal(await ask(`${ME}//config.txt`), `${ME}:config.txt`);
  assert.equal(await ask('b8-27-eb-64-24-7d/config.txt'), `${ME}:config.txt`);
  assert.equal(await ask('config.txt'), `${ME}:config.txt`);
});

test('a stranger that asks for a running Pi’s files gets nothing and moves nothing', async () => {
  const { db, ask, bake, wire } = await setUp();
  await ask(`${ME}/start.elf`);
  await bake();
  wire.set(THERE, MAC);
  assert.equal(await ask(`${ME}/config.txt`, THERE), 1, 'its own MAC, but the old address is in use');
  assert.equal((await findPi(db, ME))?.address, HERE);
});

test('when a boot is expected the address moves, and the export is ready before the answer', async () => {
  const { db, ask, bake, wire, log } = await setUp();
  await ask(`${ME}/start.elf`);
  await bake();
  await patchPi(db, ME, { bootExpectedUntil: 2_000_000 });
  wire.set(THERE, MAC);
  log.length = 0;
  assert.equal(await ask(`${ME}/config.txt`, THERE), `${ME}:config.txt`);
  assert.deepEqual([(await findPi(db, ME))?.address, log], [THERE, ['converge']]);
});

test('a relay may ask for any Pi, and enters one by its serial alone', async () => {
  const { db, ask, bake } = await setUp();
  assert.equal(await ask('0060cd37/start.elf', RELAY), 1);
  assert.deepEqual(
    (await listPis(db)).map((pi) => [pi.id, pi.mac, pi.address]),
    [['0060cd37', undefined, undefined]],
  );
  await ask(`${ME}/start.elf`, RELAY);
  await bake();
  assert.equal(await ask(`${ME}/config.txt`, RELAY), `${ME}:config.txt`);
});

test('the policies quarantine and ignore hold', async () => {
  const quarantine = await setUp({ policy: 'quarantine', onPort: true });
  await quarantine.ask(`${ME}/start.elf`);
  assert.equal((await findPi(quarantine.db, ME))?.quarantine, true);
  assert.ok(!quarantine.log.includes(`off ${ME}`), 'never powered');
  const ignore = await setUp({ policy: 'ignore' });
  await ignore.ask(`${ME}/start.elf`);
  assert.deepEqual(await listPis(ignore.db), []);
});

test('of unknown Pis 256 are kept, the oldest dropped first, and one that was baked never', async () => {
  const { db, ask, bake } = await setUp();
  await ask(`${ME}/start.elf`, RELAY);
  await bake();
  for (let i = 1; i <= 260; i++) {
    await addPi(db, { id: i.toString(16).padStart(8, '0') as PiId, quarantine: false, confirmed: false, now: i });
  }
  await ask('ffffffff/start.elf', RELAY);
  const ids = (await listPis(db)).map((pi) => pi.id as string);
  assert.equal(ids.length, 257);
  assert.ok(ids.includes(ME) && ids.includes('ffffffff') && !ids.includes('00000001'));
});

test('a Pi that nobody could switch off is picked again once it is seen to boot', async () => {
  const { db, ask } = await setUp();
  await ask(`${ME}/start.elf`);
  await patchPi(db, ME, { awaitOff: true });
  await ask(`${ME}/start.elf`);
  assert.equal((await findPi(db, ME))?.awaitOff, false);
});

test('an address in use is seen, one that was silent for a day has expired', async () => {
  const { db, ask } = await setUp();
  await ask(`${ME}/start.elf`);
  const pis = await listPis(db);
  const day = 24 * 3_600_000;
  const at = (reachable: [Ipv4, Mac][], ms: number) => {
    const { seen, expired } = sortAddresses(pis, new Map(reachable), () => ms);
    return [seen.length, expired.length];
  };
  assert.deepEqual(at([[HERE, MAC]], day * 2), [1, 0]);
  assert.deepEqual(at([], day - 1), [0, 0]);
  assert.deepEqual(at([], day + 1), [0, 1]);
  assert.deepEqual(at([[HERE, 'b8:27:eb:00:00:01' as Mac]], day + 1), [0, 1], 'another board there is not it');
});

test('an address expires by a day of silence, not by a clock that jumps, and not by a restart', async () => {
  const { db, ask } = await setUp();
  await ask(`${ME}/start.elf`);
  const time = { wall: 1_000_000, monotonic: 0 };
  const clock = { ...systemClock, now: () => time.wall, monotonic: () => time.monotonic };
  const reachable = new Map<Ipv4, Mac>([[HERE, MAC]]);
  const begin = () =>
    createAddressWatch({
      db,
      exports: { converge: async () => undefined },
      reachable: async () => reachable,
      connected: async () => new Set<Ipv4>(),
      follow: () => undefined,
      clock,
      log: quiet,
    });
  const address = async () => (await findPi(db, ME))?.address;
  const day = 24 * 3_600_000;
  const first = begin();
  await first.round();
  reachable.clear();
  time.wall += 56 * 365 * day;
  await first.round();
  assert.equal(await address(), HERE, 'the date came from the network');
  time.monotonic += day - 1;
  await first.round();
  const second = begin();
  time.monotonic += 2;
  await second.round();
  assert.equal(await address(), HERE, 'the server was started again: it has not seen a day of silence');
  time.monotonic += day + 1;
  await second.round();
  assert.equal(await address(), undefined);
});

/** A baked Pi with a disk that has moved from HERE to THERE, and the watch over it. */
async function setUpMoved() {
  const { db, ask, bake, wire } = await setUp();
  await ask(`${ME}/start.elf`);
  await bake();
  const disk = {
    id: 'root1' as DiskId,
    role: 'root',
    sizeMiB: 8,
    pi: ME,
    position: 0,
    fsUuid: 'uuid',
    exportId: 7,
  } as const;
  await addDisk(db, { ...disk, state: 'ready', isWithheld: false, now: 1 });
  await patchPi(db, ME, { bootExpectedUntil: 2_000_000 });
  wire.set(THERE, MAC);
  assert.equal(await ask(`${ME}/config.txt`, THERE), `${ME}:config.txt`);
  const time = { monotonic: 0 };
  const reachable = new Map<Ipv4, Mac>();
  const connected = new Set<Ipv4>();
  const begin = () =>
    createAddressWatch({
      db,
      exports: { converge: async () => undefined },
      reachable: async () => reachable,
      connected: async () => connected,
      follow: () => undefined,
      clock: { ...systemClock, monotonic: () => time.monotonic },
      log: quiet,
    });
  const addresses = async () => {
    const pi = await findPi(db, ME);
    return [pi?.address, pi?.previousAddress];
  };
  const clients = async () => {
    const [served] = desiredExports({
      disks: await listDisks(db),
      pis: await listPis(db),
      policy: { kind: 'pi' },
      places: { root: String, disk: String, bakeform: String },
      access: 'rw',
    });
    return served?.client;
  };
  return { db, ask, wire, time, reachable, connected, begin, addresses, clients };
}

test('the old address keeps its access until the new one has mounted, also over a restart', async () => {
  const { begin, addresses, clients, connected, time } = await setUpMoved();
  assert.deepEqual(await addresses(), [THERE, HERE]);
  assert.deepEqual(await clients(), { kind: 'address', address: THERE, also: HERE });
  const first = begin();
  await first.round();
  time.monotonic += 599_000;
  await first.round();
  await begin().round();
  assert.deepEqual(await addresses(), [THERE, HERE]);
  connected.add(THERE);
  await first.round();
  assert.deepEqual(await addresses(), [THERE, undefined]);
  assert.deepEqual(await clients(), { kind: 'address', address: THERE });
});

test('it keeps it for ten minutes at most, and not when another board is there', async () => {
  for (const [reach, ms] of [
    [new Map<Ipv4, Mac>(), 600_000],
    [new Map([[HERE, 'dc:a6:32:01:36:c2' as Mac]]), 0],
  ] as const) {
    const { begin, addresses, reachable, time } = await setUpMoved();
    const watch = begin();
    await watch.round();
    for (const [address, mac] of reach) reachable.set(address, mac);
    time.monotonic += ms;
    await watch.round();
    assert.deepEqual(await addresses(), [THERE, undefined]);
  }
});

test('a Pi that goes on at its old address and never came at the new one has the old one back', async () => {
  const { begin, addresses, reachable, time } = await setUpMoved();
  const watch = begin();
  reachable.set(HERE, MAC);
  await watch.round();
  assert.deepEqual(await addresses(), [THERE, HERE]);
  time.monotonic += 600_000;
  await watch.round();
  assert.deepEqual(await addresses(), [HERE, undefined]);
});

test('another Pi that comes at an address that is being left has it alone', async () => {
  const { ask, wire, addresses, db } = await setUpMoved();
  const other = '0060cd37';
  wire.set(HERE, 'dc:a6:32:01:36:c2' as Mac);
  assert.equal(await ask(`${other}/start4.elf`, HERE), 1);
  assert.deepEqual(await addresses(), [THERE, undefined]);
  assert.equal((await findPi(db, other as PiId))?.address, HERE);
});

test('an address that expires takes the one before with it', async () => {
  const { db, addresses } = await setUpMoved();
  await patchPi(db, ME, { address: null });
  assert.deepEqual(await addresses(), [undefined, undefined]);
});

test('the kernel’s tables are read as it writes them', () => {
  const arp = [
    'IP address       HW type     Flags       HW address            Mask     Device',
    '10.0.0.5         0x1         0x2         b8:27:eb:64:24:7d     *        br0',
    '10.0.0.6         0x1         0x0         00:00:00:00:00:00     *        br0',
    '',
  ].join('\n');
  assert.deepEqual([...parseNeighbours(arp)], [[HERE, MAC]]);
  const tcp = [
    '  sl  local_address rem_address   st tx_queue rx_queue',
    '   0: 0100000A:0801 0500000A:0309 01 00000000:00000000',
    '   1: 0100000A:0801 0600000A:0309 06 00000000:00000000',
    '   2: 0100000A:0016 0700000A:0309 01 00000000:00000000',
    '   3: 00000000:0801 00000000:0000 0A 00000000:00000000',
  ].join('\n');
  assert.deepEqual([...parseConnected(tcp, 2049)], [HERE]);
  const tcp6 = [
    '  sl  local_address                         remote_address                        st tx_queue',
    '   0: 0000000000000000FFFF00000100000A:0801 0000000000000000FFFF00000600000A:0309 01 00000000:00000000',
    '   1: 0000000000000000FFFF00000100000A:0801 000080FE00000000FFFF00000600000A:0309 01 00000000:00000000',
  ].join('\n');
  assert.deepEqual([...parseConnected(tcp6, 2049)], [THERE]);
  const neigh = JSON.stringify([
    { dst: HERE, dev: 'br0', lladdr: MAC, state: ['REACHABLE'] },
    { dst: THERE, dev: 'br0', lladdr: MAC, state: ['STALE'] },
    { dst: '10.0.0.7', dev: 'br0', state: ['FAILED'] },
  ]);
  assert.deepEqual([...parseReachable(neigh)], [[HERE, MAC]]);
  const route = [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    'wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0',
    'eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0',
    'eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0',
  ].join('\n');
  assert.equal(parseDefaultRoute(route), 'eth0');
  assert.equal(parseDefaultRoute('Iface\n'), undefined);
});
