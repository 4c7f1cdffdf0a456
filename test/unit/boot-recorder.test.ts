import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import { BOOTS_PER_PI, listBootsOf, pruneBoots } from '../../db/boots.ts';
import { listFeed } from '../../db/events.ts';
import { openDatabase } from '../../db/open.ts';
import { forgetPi } from '../../db/pi-remarks.ts';
import { addPi, movePi, patchPi } from '../../db/pis.ts';
import type { Sighting } from '../../netboot/dhcp/server.ts';
import type { TftpAnswer } from '../../netboot/tftp/server.ts';
import { createBootRecorder } from '../../server/boot/recorder.ts';
import { watchedRelayDesk } from '../../server/boot/watched-desk.ts';

const ME = '91cdf03d' as PiId;
const MAC = 'e4:5f:01:09:02:f7' as Mac;
const HERE = '10.0.0.5' as Ipv4;
const THERE = '10.0.0.6' as Ipv4;
const call = { pi: ME, driver: 'ppi', outcome: 'done', seconds: 2 } as const;

async function setUp() {
  const db = await openDatabase(':memory:');
  const enter = async (id = ME) => {
    await addPi(db, { id, quarantine: false, confirmed: true, now: 1 });
    if (id === ME) await patchPi(db, id, { mac: MAC, address: HERE });
  };
  const bake = async () => {
    await movePi(db, ME, 'bake');
    await movePi(db, ME, 'baked');
  };
  const time = { ms: 1_000_000 };
  const wire = new Map<Ipv4, Mac>();
  const warned: string[] = [];
  const ports = {
    db,
    neighbour: async (address: Ipv4) => wire.get(address),
    facts: () => ({ dhcp: 'listen' as const }),
    clock: { ...systemClock, now: () => time.ms },
    log: { debug() {}, info() {}, error() {}, warn: (_: object, text: string) => void warned.push(text) },
  };
  const recorder = createBootRecorder(ports);
  const discover = (more: Partial<Sighting> = {}): Sighting => ({
    mac: MAC,
    sender: 'pi4',
    messageType: 'discover',
    serial: ME,
    revision: undefined,
    address: undefined,
    at: time.ms,
    ...more,
  });
  const get = (rest: string, client = HERE, id: string = ME) => {
    const request = { client, filename: `${id}/${rest}`, relay: false };
    recorder.asked(request);
    recorder.transferred(request, { outcome: 'sent', bytes: 100 });
  };
  const boots = (pi = ME) => listBootsOf(db, pi, { after: undefined, limit: 100 });
  const events = async (): Promise<{ type: string; stage?: string; diagnosis?: string; next?: string }[]> =>
    (await listFeed(db, { after: 0, limit: 1_000 })).map(({ type, data }) => ({ type, ...data }));
  const again = () => createBootRecorder(ports);
  return { db, enter, bake, time, wire, warned, recorder, discover, get, boots, events, again };
}

test('what is told of a boot is one record, found again by the next server, and each stage is told once', async () => {
  const { enter, bake, recorder, discover, get, boots, events, time, again } = await setUp();
  await enter();
  await bake();
  recorder.switched({ ...call, action: 'on' });
  recorder.sighted(discover());
  get('start4.elf');
  await recorder.round();
  get('cmdline.txt');
  get('kernel8.img');
  time.ms += 5_000;
  const next = again();
  await recorder.round();
  await next.load();
  next.note(ME, { kind: 'root-mounted', at: time.ms });
  next.note(ME, { kind: 'root-mounted', at: time.ms });
  await next.round();
  const [boot, ...more] = await boots();
  assert.deepEqual(more, []);
  assert.deepEqual(boot?.stages, {
    'power-on': 998_000,
    dhcp: 1_000_000,
    'first-file': 1_000_000,
    firmware: 1_000_000,
    cmdline: 1_000_000,
    kernel: 1_000_000,
    'root-mounted': 1_005_000,
  });
  assert.deepEqual([boot?.startedAt, boot?.facts.files, boot?.facts.bytes], [998_000, 3, 300]);
  assert.deepEqual(
    (await events()).filter(({ type }) => type === 'boot.stage'),
    Object.keys(boot?.stages ?? {}).map((stage) => ({ type: 'boot.stage', boot: boot?.id, stage })),
  );
});

test('a stranger’s requests and packets are nobody’s boot; those of a Pi with a new address are its own', async () => {
  const { enter, wire, recorder, discover, get, boots } = await setUp();
  await enter();
  get('start4.elf', THERE);
  recorder.sighted(discover({ mac: 'e4:5f:01:00:00:01' as Mac }));
  recorder.asked({ client: HERE, filename: '../secret', relay: false });
  await recorder.round();
  assert.deepEqual(await boots(), []);
  wire.set(THERE, MAC);
  get('start4.elf', THERE);
  recorder.asked({ client: THERE, filename: 'bootcode.bin', relay: false });
  await recorder.round();
  assert.equal((await boots())[0]?.facts.isUnbaked, true);
});

test('a board that is not in the pool has its boot once it is, with what was heard of it before', async () => {
  const { enter, recorder, discover, get, boots, events } = await setUp();
  recorder.sighted(discover());
  await recorder.round();
  assert.deepEqual(await events(), []);
  await enter();
  get('start4.elf');
  await recorder.round();
  assert.deepEqual(Object.keys((await boots())[0]?.stages ?? {}), ['dhcp', 'first-file', 'firmware']);
  assert.deepEqual(
    (await events()).map(({ stage }) => stage),
    ['dhcp', 'first-file', 'firmware'],
  );
});

test('boards that anybody makes up take room for a few, and for a while', async () => {
  const { recorder, discover, time } = await setUp();
  for (let i = 1; i <= 1_000; i++) {
    const serial = i.toString(16).padStart(8, '0') as PiId;
    recorder.sighted(discover({ serial, mac: `e4:5f:01:00:0${i % 9}:00` as Mac }));
  }
  await recorder.round();
  assert.equal(recorder.rootless().length, 256);
  time.ms += 11 * 60_000;
  await recorder.round();
  assert.equal(recorder.newest('000003e8' as PiId), undefined);
});

test('a boot that stops is told once, with what to check; one of a Pi that is not baked is not', async () => {
  const { enter, bake, recorder, discover, get, events, time } = await setUp();
  await enter();
  get('start4.elf');
  time.ms += 600_000;
  await recorder.round();
  assert.deepEqual(
    (await events()).map(({ type }) => type),
    ['boot.stage', 'boot.stage'],
  );
  await bake();
  recorder.switched({ ...call, action: 'off' });
  recorder.switched({ ...call, action: 'on' });
  recorder.sighted(discover());
  await recorder.round();
  assert.deepEqual([recorder.ended(ME), recorder.lastHeard(ME)], [false, time.ms]);
  time.ms += 91_000;
  for (let i = 0; i < 3; i++) await recorder.round();
  assert.equal(recorder.ended(ME), true);
  const told = (await events()).filter(({ type }) => type === 'boot.stopped');
  assert.deepEqual(
    told.map(({ diagnosis }) => diagnosis),
    ['no-offer'],
  );
  assert.match(told[0]?.next ?? '', /BAKERY_DHCP=proxy/);
  // It was only slow: it goes on, and is told of when it stops again. An attempt that follows says so too.
  get('start4.elf');
  get('config.txt');
  recorder.sighted(discover());
  await recorder.round();
  const codes = (await events()).flatMap((event) => event.diagnosis ?? []);
  assert.deepEqual(codes, ['no-offer', 'firmware-stuck']);
});

test('a database that fails delays what was told and loses nothing; what is too much is lost and said', async () => {
  const { db, enter, recorder, get, boots, events, warned } = await setUp();
  await enter();
  get('start4.elf');
  const broken = { ...call, action: 'on' } as const;
  await db.schema.alterTable('boots').renameTo('away').execute();
  await assert.rejects(recorder.round());
  get('kernel8.img');
  await assert.rejects(recorder.round());
  await db.schema.alterTable('away').renameTo('boots').execute();
  await recorder.round();
  assert.deepEqual(Object.keys((await boots())[0]?.stages ?? {}), ['first-file', 'firmware', 'kernel']);
  assert.equal((await events()).length, 3);
  for (let i = 0; i < 20_005; i++) recorder.switched(broken);
  await recorder.round();
  assert.deepEqual((await events()).at(-1), { type: 'boot.signs-lost', signs: 5 });
  assert.equal(warned.length, 1);
});

test('of one Pi the newest boots are kept, of all of them those that are young enough; they go with their Pi', async () => {
  const { db, enter, recorder, boots, time } = await setUp();
  await enter();
  for (let i = 0; i < BOOTS_PER_PI + 5; i++) {
    time.ms += 10_000;
    recorder.switched({ ...call, action: 'on' });
    recorder.switched({ ...call, action: 'off' });
    await recorder.round();
  }
  const kept = await boots();
  assert.equal(kept.length, BOOTS_PER_PI);
  assert.deepEqual(
    kept.map(({ startedAt }) => startedAt),
    kept.map(({ startedAt }) => startedAt).toSorted((a, b) => b - a),
  );
  const pause = async () => undefined;
  const before = (kept[9]?.startedAt ?? 0) + 1;
  assert.equal(await pruneBoots(db, { before: undefined, batch: 7, pause }), 0);
  assert.equal(await pruneBoots(db, { before, batch: 7, pause }), 40 + 1);
  assert.deepEqual(await boots(), kept.slice(0, 9));
  await forgetPi(db, ME);
  assert.deepEqual(await boots(), []);
});

test('a relay that asks over HTTP is told like TFTP, and how it was answered', async () => {
  const { enter, recorder, boots } = await setUp();
  await enter();
  const found: TftpAnswer = { kind: 'bytes', bytes: Buffer.from('console=tty1') };
  const missing: TftpAnswer = { kind: 'error', code: 1, message: 'File not found' };
  const desk = watchedRelayDesk(
    { answer: async ({ filename }) => (filename.endsWith('cmdline.txt') ? found : missing) },
    recorder,
  );
  for (const name of ['cmdline.txt', 'kernel8.img']) {
    await desk.answer({ client: THERE, filename: `${ME}/${name}`, relay: true });
  }
  await recorder.round();
  const [boot] = await boots();
  assert.deepEqual([boot?.facts.bytes, boot?.facts.missed], [12, ['kernel8.img']]);
});
