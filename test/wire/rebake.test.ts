import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Database from 'better-sqlite3';
import { call, type RunningBakery } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { sh } from '../lab/sh.ts';
import { makeTinyImage, TINY } from '../lab/tiny-image.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';

interface Disk {
  readonly id: string;
  readonly location: string;
}
interface PiInfo {
  readonly id: string;
  readonly status: number;
  readonly desiredPower?: string;
  readonly disks?: readonly Disk[];
  readonly sourceBakeform?: { readonly name: string };
}
interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly error?: { readonly code: string };
  readonly results?: readonly { readonly pi: string; readonly state: string }[];
}

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINkJo+vL73s3Y9RCLDrQL5xj2ja4OLEgD0NMgjfmemTu ada';
const HASH = '$6$saltsaltsalt$averysecrethash';
const DATA = '#cloud-config\n# the password is Zaubernuss\n';
const SECRETS = /Zaubernuss|averysecrethash/;
const WISHES = {
  user: { name: 'ada', passwordHash: HASH },
  authorizedKeys: [KEY],
  userData: DATA,
  rootSize: '9GiB',
};
/** A Pi 4B with 4 GiB. */
const REVISION = 'c03114';

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery;
  let pi: string;
  let second: string;

  async function ask<T>(status: number, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
  const rest = () => untilAtRest(rack.world, 120_000);
  const read = (id = pi) => ask<PiInfo>(200, 'GET', `/oven/${id}`);
  const refused = async (status: number, path: string, body: unknown) =>
    (await ask<{ code: string }>(status, 'POST', path, body)).code;
  const nfs = (path: string) => `nfs://127.0.0.1${path}?version=3`;
  /** A file as the Pi reads it. */
  const cat = (location: string, path: string) => sh('nfs-cat', nfs(`${location}/${path}`));
  async function ended(id: string): Promise<Operation> {
    await rest();
    return ask<Operation>(200, 'GET', `/operations/${id}`);
  }
  async function shapeOfRoot(id: string): Promise<void> {
    const { disks = [] } = await read(id);
    const root = disks[0]?.location ?? '';
    assert.match(cat(root, 'etc/passwd'), /^ada:x:1000:1000:,,,:\/home\/ada:/m);
    assert.ok(cat(root, 'etc/shadow').includes(`ada:${HASH}::0:99999:7:::\n`));
    assert.equal(cat(root, 'etc/sudoers.d/010_ada-nopasswd'), 'ada ALL=(ALL) NOPASSWD: ALL\n');
    assert.equal(cat(root, 'home/ada/.ssh/authorized_keys'), `${KEY}\n`);
    assert.equal(cat(root, 'var/lib/cloud/seed/nocloud/user-data'), DATA);
    const seed = `instance-id: bakery-${disks[0]?.id}\nlocal-hostname: ${id}\n`;
    assert.equal(cat(root, 'var/lib/cloud/seed/nocloud/meta-data'), seed);
    // The image has one in its boot folder, which cloud-init reads there.
    assert.equal(cat(root, 'boot/firmware/user-data'), DATA);
    assert.equal(cat(root, 'boot/firmware/meta-data'), `dsmode: local\n${seed}`);
  }
  const bytesOfVolume = (id: string) => statSync(join(rack.world.root, `pool/volumes/${id}.ext4`)).size;
  /** Operations, events and the log tell no secret; the journal keeps none once an operation has ended. */
  async function assertNoSecrets(): Promise<void> {
    const { operations } = await ask<{ operations: Operation[] }>(200, 'GET', '/operations');
    for (const { id } of operations) {
      assert.doesNotMatch(JSON.stringify(await ask(200, 'GET', `/operations/${id}`)), SECRETS);
    }
    assert.doesNotMatch(bakery.output(), SECRETS);
    const db = new Database(join(rack.world.root, 'bakery.db'), { readonly: true });
    for (const table of ['operations', 'operation_events', 'events', 'audit', 'idempotency_keys']) {
      assert.doesNotMatch(JSON.stringify(db.prepare(`SELECT * FROM ${table}`).all()), SECRETS, table);
    }
    db.close();
  }

  before(async () => {
    rack = await makeRack(2);
    [pi = '', second = ''] = rack.serials;
    bakery = await rack.startHeld();
    const file = join(rack.world.root, '../cloud.img');
    const bootFiles = { ...TINY.bootFiles, 'meta-data': 'dsmode: local\ninstance_id: rpios-image\n' };
    const rootFiles = { ...TINY.rootFiles, 'etc/group': 'root:x:0:\nsudo:x:27:\n', 'etc/release': 'new' };
    makeTinyImage(file, { rootMiB: 8, bootMiB: 9, bootFiles, rootFiles });
    await ask(201, 'POST', '/bakeforms/tiny', rack.image);
    await ask(201, 'POST', '/bakeforms/cloud', readFileSync(file));
    for (const serial of rack.serials) await register(bakery, serial);
    await ask(200, 'PATCH', `/pis/${second}`, { revision: REVISION, tags: ['gpu'] });
  });
  after(async () => rack?.close(bakery));

  test('a wish that cannot be met is refused before anything is done', async () => {
    const bake = { bakeformName: 'tiny' };
    assert.equal(await refused(404, '/fridge', { ...bake, model: '5' }), 'no-free-pi');
    assert.equal(await refused(404, '/fridge', { ...bake, tags: ['gpu', 'ssd'] }), 'no-free-pi');
    assert.equal(await refused(404, '/fridge', { ...bake, memory: '8GiB' }), 'no-free-pi');
    assert.equal(await refused(404, '/fridge', { ...bake, piId: '0000abcd' }), 'pi-unknown');
    assert.equal(await refused(409, '/fridge', { ...bake, piId: pi, model: '4B' }), 'pi-unsuitable');
    assert.equal(await refused(400, '/fridge', { ...bake, rootSize: '4GiB' }), 'root-too-small');
    assert.equal(await refused(400, '/fridge', { ...bake, rootSize: '16GB' }), 'bad-request');
    assert.equal(await refused(400, '/fridge', { ...bake, user: { name: 'a:b' } }), 'bad-request');
    assert.equal(await refused(400, '/fridge', { ...bake, user: { name: 'ada', passwordHash: 'x' } }), 'bad-request');
    assert.equal(await refused(400, '/fridge', { ...bake, authorizedKeys: [`no-pty ${KEY}`] }), 'bad-authorized-key');
    assert.equal(await refused(400, '/fridge', { ...bake, userData: 'echo' }), 'bad-user-data');
    assert.equal(await refused(409, `/pis/${pi}/rebake`, bake), 'pi-not-baked');
    assert.equal(await refused(404, '/pis/0000abcd/rebake', bake), 'pi-unknown');
    assert.deepEqual(await ask(200, 'GET', '/operations?kind=bake'), { operations: [] });
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a Pi is baked by choice: board, size, user, keys and seed, and it is on', async () => {
    const wish = { ...WISHES, bakeformName: 'cloud', model: '4B', memory: '2GiB', tags: ['gpu'], power: 'on' };
    const picked = await ask<PiInfo>(202, 'POST', '/fridge', wish);
    assert.equal(picked.id, second);
    await rest();
    assert.equal((await read(second)).status, 2);
    assert.deepEqual([...rack.lit], [second]);
    await shapeOfRoot(second);
    const [root] = (await read(second)).disks ?? [];
    assert.equal(bytesOfVolume(root?.id ?? ''), 9 * 1024 ** 3);
    // What cloud-init reads is for the Pi's own system, and sent to nobody who asks for boot files.
    const asked = await fetch(`${bakery.base}/files/${second}/user-data`);
    assert.equal(asked.status, 404);
    await asked.body?.cancel();
    await assertNoSecrets();
    assert.equal(await refused(409, '/fridge', { bakeformName: 'tiny', piId: second }), 'pi-not-free');
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a Pi gets another root: its data disks, their places and bytes, and its piConfig stay', async () => {
    await ask(202, 'POST', '/fridge', { bakeformName: 'tiny', piId: pi, power: 'on' });
    const data: Disk[] = [];
    for (const size of [2, 3]) data.push(await ask<Disk>(201, 'POST', '/disks', { size }));
    await rest();
    // Attached in the other order than they were made.
    for (const { id } of data.toReversed()) await ask(200, 'POST', `/oven/${pi}/disks`, { diskId: id });
    await ask(200, 'POST', `/oven/${pi}/upload/settings.json`, Buffer.from('{"agent":"1"}'));
    for (const disk of data) {
      const handle = join(disk.location, 'disk.img');
      assert.ok(existsSync(handle));
      sh('dd', 'if=/dev/urandom', `of=${handle}`, 'bs=1M', 'count=2', 'conv=notrunc');
    }
    const before = await read();
    const bytes = data.map(({ location }) => readFileSync(join(location, 'disk.img')));

    const begun = await ask<Operation>(202, 'POST', `/pis/${pi}/rebake`, { ...WISHES, bakeformName: 'cloud' });
    assert.deepEqual([begun.kind, (await read()).status], ['rebake', 3]);
    assert.equal((await ended(begun.id)).state, 'done');

    const now = await read();
    assert.equal(now.sourceBakeform?.name, 'cloud');
    assert.equal(now.disks?.length, 3);
    assert.deepEqual(now.disks?.slice(1), before.disks?.slice(1));
    assert.notEqual(now.disks?.[0]?.id, before.disks?.[0]?.id);
    assert.equal(now.disks?.[0]?.location, before.disks?.[0]?.location);
    await shapeOfRoot(pi);
    const root = now.disks?.[0]?.location ?? '';
    assert.equal(cat(root, 'etc/release'), 'new');
    assert.equal(cat(root, 'piConfig/settings.json'), '{"agent":"1"}');
    for (const [i, { location }] of data.entries()) {
      assert.ok(readFileSync(join(location, 'disk.img')).equals(bytes[i] ?? Buffer.alloc(0)));
      assert.match(sh('nfs-ls', nfs(location)), /disk\.img/);
    }
    assert.ok(rack.lit.has(pi), 'it was on and is on');
    const { disks: trashed } = await ask<{ disks: Disk[] }>(200, 'GET', '/trash');
    assert.deepEqual(
      trashed.map(({ id }) => id),
      [before.disks?.[0]?.id],
    );
    await assertNoSecrets();
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a rebake that fails leaves the Pi as it was, on its old root and on', async () => {
    // A root whose home leads out of it; the Pi's own piConfig goes along, or not, as told.
    const evil = join(rack.world.root, '../evil.img');
    makeTinyImage(evil, { rootMiB: 8, bootMiB: 9, rootFiles: { ...TINY.rootFiles, home: 'no folder' } });
    await ask(201, 'POST', '/bakeforms/evil', readFileSync(evil));
    const before = await read();
    const begun = await ask<Operation>(202, 'POST', `/pis/${pi}/rebake`, { ...WISHES, bakeformName: 'evil' });
    const { state, error } = await ended(begun.id);
    assert.deepEqual([state, error?.code], ['failed', 'root-refused']);
    assert.deepEqual(await read(), before);
    assert.equal(cat(before.disks?.[0]?.location ?? '', 'piConfig/settings.json'), '{"agent":"1"}');
    assert.ok(rack.lit.has(pi), 'it was never switched off');
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a rebake can be told to leave the piConfig behind, and the Pi off', async () => {
    const wish = { bakeformName: 'tiny', keepPiConfig: false, power: 'off' };
    const begun = await ask<Operation>(202, 'POST', `/pis/${pi}/rebake`, wish);
    assert.equal((await ended(begun.id)).state, 'done');
    const root = (await read()).disks?.[0]?.location ?? '';
    assert.deepEqual(readdirSync(join(root, 'piConfig')), []);
    assert.equal(rack.lit.has(pi), false);
    assert.equal((await read()).desiredPower, 'off');
  });

  test('many Pis are rebaked one after the other, and no more once one has failed', async () => {
    const roll = async (bakeformName: string) => {
      const wish = {
        ...WISHES,
        action: 'rebake',
        bakeformName,
        pis: [pi, second],
        atATime: 1,
        stopAtFirstFailure: true,
      };
      const { id } = await ask<Operation>(202, 'POST', '/bulk', wish);
      const { results = [] } = await ended(id);
      return results.map((result) => `${result.pi} ${result.state}`);
    };
    assert.deepEqual(await roll('evil'), [`${pi} failed`, `${second} skipped`]);
    assert.deepEqual(await roll('cloud'), [`${pi} done`, `${second} done`]);
    for (const id of [pi, second]) await shapeOfRoot(id);
    await assertNoSecrets();
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a Pi that is unbaked while it gets another root loses both, within the ten seconds that a client waits', async () => {
    await ask(202, 'POST', `/pis/${second}/rebake`, { bakeformName: 'tiny' });
    assert.equal((await read(second)).status, 3);
    const from = performance.now();
    await ask(200, 'DELETE', `/oven/${second}`);
    assert.ok(performance.now() - from < 10_000);
    await rest();
    const { status, disks } = await read(second);
    assert.deepEqual([status, disks], [1, undefined]);
    assert.equal(rack.lit.has(second), false);
    const { operations } = await ask<{ operations: Operation[] }>(
      200,
      'GET',
      `/operations?pi=${second}&kind=rebake&limit=1`,
    );
    assert.deepEqual(
      operations.map(({ state, error }) => [state, error?.code]),
      [['failed', 'cancelled-by-unbake']],
    );
    assert.deepEqual(await checkWorld(rack.world), []);
  });
});
