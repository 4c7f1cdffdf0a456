import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CALLS, GoClient, type GoDisk, type GoPi } from '../lab/go-bakery-client.ts';
import { goChunk, LAST_CHUNK } from '../lab/go-wire.ts';
import { asGoKnowsIt, type LegacyWorld } from './legacy-world.ts';

type Pis = Readonly<Record<string, GoPi>>;
type Source = { readonly name: string; readonly location: string };
const ids = (disks: readonly GoDisk[] = []) => disks.map(({ id }) => id);

/** Each call of wire-api.md, byte for byte as net/http sends it: codes, shapes, order. */
export function legacyCalls(of: () => LegacyWorld): void {
  test('the fridge has the Pis that were seen, with status 1 and no disks; the oven is empty', async () => {
    const world = of();
    const fridge = await world.must<Pis>(CALLS.listFridge());
    assert.deepEqual(Object.keys(fridge), world.rack.serials);
    for (const [id, pi] of Object.entries(fridge)) {
      assert.deepEqual([pi.id, pi.status, 'disks' in pi, 'sourceBakeform' in pi], [id, 1, false, false]);
      assert.deepEqual(await world.must(CALLS.getPi(id)), pi, 'the oven shows it too, whatever its status');
    }
    assert.deepEqual(await world.must(CALLS.listOven()), {});
    await world.refused(CALLS.getPi('ffffffff'), 404);
  });

  test('a bakeform has its name and location; a file of any length makes one, 201 when it can be baked from', async () => {
    const world = of();
    const tiny = (await world.must<Readonly<Record<string, Source>>>(CALLS.listBakeforms())).tiny;
    assert.equal(tiny?.name, 'tiny');
    const made = await world.must<Source>(CALLS.uploadBakeform('raspios_lite-2024.11+1', world.rack.image));
    assert.equal(made.name, 'raspios_lite-2024.11+1');
    assert.ok(existsSync(made.location));
    await world.must(CALLS.deleteBakeform(made.name));
    assert.ok(!existsSync(made.location));
    await world.refused(CALLS.deleteBakeform(made.name), 404);
    const none = await world.refused(CALLS.bakePi(made.name), 400);
    assert.equal(none.code, 'bakeform-unknown');
  });

  test('a bake is 202 with status 3 and comes to 2, with the root first, powered off', async () => {
    const world = of();
    const picked = await world.must<GoPi>(CALLS.bakePi('tiny'));
    assert.deepEqual([picked.status, picked.sourceBakeform?.name], [3, 'tiny']);
    const baked = await world.polled(picked.id, 2);
    assert.equal(baked.disks?.length, 1);
    assert.deepEqual(
      [baked.disks?.[0]?.location, baked.disks?.[0]?.size],
      [join(world.bakery.root, 'nfs', picked.id), 0],
    );
    assert.deepEqual((await world.must<Pis>(CALLS.listOven()))[picked.id], baked);
    assert.ok(!(picked.id in (await world.must<Pis>(CALLS.listFridge()))));
    assert.ok(!world.rack.lit.has(picked.id));
    await world.giveBack(picked.id);
  });

  test('a disk has an id, a location with disk.img, its size and the address to mount it from', async () => {
    const world = of();
    const disk = await world.disk();
    assert.deepEqual(
      [disk.size, disk.nfsAddress, disk.location],
      [4, '127.0.0.1', join(world.bakery.root, 'nfs', disk.id)],
    );
    assert.equal(readFileSync(join(disk.location, 'disk.img')).length, 4 * 1024 ** 2);
    assert.deepEqual(asGoKnowsIt(await world.must(CALLS.getDisk(disk.id))), disk);
    const { disks } = await world.must<{ disks: Readonly<Record<string, GoDisk>> }>(CALLS.listDisks());
    assert.deepEqual(
      Object.entries(disks).map(([id, shown]) => [id, asGoKnowsIt(shown)]),
      [[disk.id, disk]],
    );
    await world.must(CALLS.deleteDisk(disk.id));
    await world.refused(CALLS.getDisk(disk.id), 404);
    assert.deepEqual(await world.must(CALLS.listDisks()), { disks: {} });
  });

  test('disks[1:] is in attach order, also after a detach and after the last comes back', async () => {
    const world = of();
    const { id, disks: [first] = [] } = await world.vm();
    const root = asGoKnowsIt(first as GoDisk);
    const [a, b, c] = [await world.disk(), await world.disk(), await world.disk()];
    const shown = async () => (await world.must<GoPi>(CALLS.getPi(id))).disks?.map(asGoKnowsIt);
    for (const disk of [c, a, b]) await world.must(CALLS.attachDisk(id, disk.id));
    assert.deepEqual(await shown(), [root, c, a, b], 'as GET /disks shows each');
    await world.must(CALLS.detachDisk(id, c.id));
    assert.deepEqual(ids(await shown()), ids([root, a, b]));
    await world.must(CALLS.attachDisk(id, c.id));
    assert.deepEqual(ids(await shown()), ids([root, a, b, c]));
    await world.restart('kill');
    assert.deepEqual(await shown(), [root, a, b, c], 'nor does a server that was killed change it');
    await world.refused(CALLS.deleteDisk(a.id), 409);
    await world.refused(CALLS.detachDisk(id, root.id), 403);
    await world.giveBack(id);
    assert.deepEqual(await world.must(CALLS.listDisks()), { disks: {} }, 'an unbake destroys them');
  });

  test('files go into piConfig and come back byte for byte, also empty and large ones', async () => {
    const world = of();
    const { id, disks: [root] = [] } = await world.vm();
    for (const bytes of [Buffer.from([0, 1, 2, 255, 10, 13]), Buffer.alloc(0), Buffer.alloc(3_000_000, 'json')]) {
      await world.must(CALLS.uploadFile(id, 'settings.json', bytes));
      assert.deepEqual(readFileSync(join(root?.location ?? '', 'piConfig/settings.json')), bytes);
      const back = await world.go.do(CALLS.downloadFile(id, 'settings.json'));
      assert.deepEqual([back.status, back.bytes.equals(bytes)], [200, true]);
    }
    await world.refused(CALLS.downloadFile(id, 'disks.json'), 404);
    await world.giveBack(id);
    await world.refused(CALLS.uploadFile(id, 'settings.json', '{}'), 409);
    await world.refused(CALLS.powercyclePi(id), 409);
  });

  test('boot files are served by serial, cmdline.txt rendered for the Pi; in the fridge it gets 404', async () => {
    const world = of();
    const { id, disks: [root] = [] } = await world.vm();
    const cmdline = await world.go.do(CALLS.getBootFile(id, 'cmdline.txt'));
    assert.deepEqual(
      [cmdline.status, cmdline.bytes.toString()],
      [200, `console=ttyAMA0,115200 root=/dev/nfs nfsroot=127.0.0.1:${root?.location},vers=3 rw ip=dhcp rootwait\n`],
    );
    assert.equal((await world.go.do(CALLS.getBootFile(id, 'kernel8.img'))).bytes.length, 1_000_000);
    await world.refused(CALLS.getBootFile(id, 'none.dtb'), 404);
    await world.giveBack(id);
    await world.refused(CALLS.getBootFile(id, 'cmdline.txt'), 404);
  });

  test('has_vm is no right after delete_vm, also while the Pi is still being prepared', async () => {
    const world = of();
    const { id } = await world.vm();
    await world.must(CALLS.unbakePi(id));
    assert.notEqual((await world.must<GoPi>(CALLS.getPi(id))).status, 2);
    const back = await world.polled(id, 1);
    assert.ok(!('disks' in back) && !('sourceBakeform' in back));
    const early = await world.must<GoPi>(CALLS.bakePi('tiny'));
    await world.must(CALLS.unbakePi(early.id));
    for (let status = 0; status !== 1; ) {
      ({ status } = await world.must<GoPi>(CALLS.getPi(early.id)));
      assert.notEqual(status, 2);
    }
    await world.refused(CALLS.unbakePi('ffffffff'), 404);
  });

  test('a 403 in mid-upload, a delete and an upload again: Pis of the old bakeform live on', async () => {
    const world = of();
    const { id } = await world.vm();
    const connection = world.go.connect();
    await connection.write(world.go.head(CALLS.uploadBakeform('tiny', world.rack.image)));
    await connection.write(goChunk(world.rack.image.subarray(0, 32_768)));
    const answer = await connection.answer(10_000);
    assert.equal(answer.status, 403);
    await world.must(CALLS.deleteBakeform('tiny'));
    // What came in before is forgotten with its connection, however long that stays.
    await world.must(CALLS.uploadBakeform('tiny', world.rack.image));
    await connection.write(LAST_CHUNK);
    connection.close();
    const pi = await world.must<GoPi>(CALLS.getPi(id));
    assert.deepEqual([pi.status, pi.sourceBakeform?.name], [2, 'tiny']);
    assert.equal((await world.go.do(CALLS.getBootFile(id, 'kernel8.img'))).bytes.length, 1_000_000);
    const other = await world.vm();
    await world.giveBack(id, other.id);
  });

  test('one connection serves call after call, also after refusals and uploads', async () => {
    const world = of();
    const go = new GoClient(world.bakery.base, `cpi:${world.bakery.token}`);
    for (let round = 0; round < 20; round++) {
      await world.must(CALLS.listFridge(), go);
      assert.equal((await go.do(CALLS.deleteBakeform('none'))).status, 404);
      assert.equal((await go.do(CALLS.powercyclePi('ffffffff'))).status, 404);
    }
    await world.must(CALLS.uploadBakeform('again', world.rack.image), go);
    await world.must(CALLS.deleteBakeform('again'), go);
    assert.equal(go.connections, 1);
    go.close();
  });
}
