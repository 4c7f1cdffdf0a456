import assert from 'node:assert/strict';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { exportManager, openBus } from '../../exports/nfs/ganesha/bus.ts';
import { readUnitRecord, unitLayout } from '../../exports/nfs/ganesha/layout.ts';
import type { HeldBakery } from '../lab/held-bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { sh, trySh } from '../lab/sh.ts';
import { checkWorld } from '../lab/world-check.ts';
import { ask, eventsOf, rowsOf, until } from './world.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
interface DiskInfo {
  readonly id: string;
  readonly location: string;
}
interface LitterInfo {
  readonly path: string;
  readonly kind: string;
}

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let root: string;
  let bakery: HeldBakery | undefined;
  let pi: string;
  let disk: DiskInfo;
  /** Its roots are small enough to be read whole; what it looks at every few seconds it looks at all the time. */
  const start = () => rack.startHeld({ BAKERY_ROOT_SIZE: '96MiB', BAKERY_TEST_PACE: '{"exports":250,"litter":250}' });
  const running = (): HeldBakery => {
    assert.ok(bakery);
    return bakery;
  };
  const served = async () => (await ganeshaBackend({ root, log: quiet }).list()).map(({ id, path }) => `${id} ${path}`);
  const read = () => sh('nfs-cat', `nfs://127.0.0.1${disk.location}/witness?version=3`);
  const litter = async () => (await ask<{ litter: LitterInfo[] }>(running(), 'GET', '/litter', 200)).litter;
  const faultOf = () => rowsOf<{ fault: string | null }>(join(root, 'bakery.db'), 'SELECT fault FROM pis')[0]?.fault;
  /** Waits for so many whole rounds of the loop that looks at exports and mounts, or at litter; one that has begun does not count. */
  async function rounds(loop: 'exports' | 'litter', n: number): Promise<void> {
    const over = () => running().passed.filter((point) => point === `round ${loop}`).length;
    const before = over();
    await until(`${n} rounds of ${loop}`, async () => over() > before + n);
  }

  before(async () => {
    rack = await makeRack(1);
    root = rack.world.root;
    bakery = await start();
    await register(bakery, rack.serials[0] ?? '');
    await ask(bakery, 'POST', '/bakeforms/form', 201, rack.image);
    pi = (await ask<{ id: string }>(bakery, 'POST', '/fridge', 202, { bakeformName: 'form' })).id;
    await until(
      'baked',
      async () => (await ask<{ status: number }>(running(), 'GET', `/oven/${pi}`, 200)).status === 2,
    );
    disk = await ask<DiskInfo>(bakery, 'POST', '/disks', 201, { size: 1 });
    await ask(bakery, 'POST', `/oven/${pi}/disks`, 200, { diskId: disk.id });
    writeFileSync(join(disk.location, 'witness'), 'here');
  });
  after(async () => rack?.close(bakery));

  test('what operations change is no drift', async () => {
    const other = await ask<DiskInfo>(running(), 'POST', '/disks', 201, { size: 1 });
    for (let n = 0; n < 3; n++) {
      await ask(running(), 'POST', `/oven/${pi}/disks`, 200, { diskId: other.id });
      await ask(running(), 'DELETE', `/oven/${pi}/disks/${other.id}`, 200);
    }
    await ask(running(), 'DELETE', `/disks/${other.id}`, 200);
    await rounds('exports', 2);
    await rounds('litter', 2);
    for (const type of ['export.repaired', 'mount.repaired', 'volume.missing', 'litter.found', 'nfs.restarted']) {
      assert.deepEqual(eventsOf(root, type), [], type);
    }
    assert.deepEqual(await litter(), []);
  });

  test('an export that somebody removed is served again under the same id, and told', async () => {
    const before = await served();
    const unit = await readUnitRecord(unitLayout(root));
    const id = Number(before.find((line) => line.endsWith(disk.location))?.split(' ')[0]);
    await exportManager(openBus(async () => unit?.socket ?? '')).remove(id);
    assert.equal((await served()).length, before.length - 1);
    await until('told', async () => eventsOf(root, 'export.repaired').length > 0);
    const [event, ...more] = eventsOf(root, 'export.repaired');
    assert.deepEqual(more, []);
    assert.deepEqual(event?.data, { missing: [id], changed: [], foreign: [], disks: [disk.id] });
    assert.deepEqual(await served(), before);
    assert.equal(read(), 'here');
  });

  test('a volume that somebody unmounted is mounted again, and its export with the same id serves it', async () => {
    const before = await served();
    assert.equal(read(), 'here');
    sh('umount', '-l', disk.location);
    await until('told', async () => eventsOf(root, 'mount.repaired').length > 0);
    assert.deepEqual(
      eventsOf(root, 'mount.repaired').map((event) => [event.disk, event.pi]),
      [[disk.id, pi]],
    );
    await until('served', async () => (await served()).length === before.length);
    assert.deepEqual(await served(), before);
    assert.equal(read(), 'here');
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  for (const part of ['ganesha', 'bus'] as const) {
    test(`a killed ${part} is started again with all exports, and told`, async () => {
      const before = await served();
      const told = eventsOf(root, 'nfs.restarted').length;
      const { pid } = JSON.parse(readFileSync(unitLayout(root).records[part], 'utf8')) as { pid: number };
      process.kill(pid, 'SIGKILL');
      await until('told', async () => eventsOf(root, 'nfs.restarted').length > told);
      await until('served', async () => (await served().catch(() => [])).length === before.length);
      assert.deepEqual(await served(), before);
      assert.equal(read(), 'here');
      assert.equal(eventsOf(root, 'nfs.restarted').length, told + 1);
      assert.equal(eventsOf(root, 'export.repaired').length, 1, 'what a new server is given is no drift');
    });
  }

  test('a volume that somebody deleted is a fault, told once and over a restart, served on, and cleared when it is back', async () => {
    const file = join(root, 'pool/volumes', `${disk.id}.ext4`);
    const copy = join(root, 'pool', 'kept-by-the-test');
    linkSync(file, copy);
    rmSync(file);
    await until('told', async () => eventsOf(root, 'volume.missing').length > 0);
    assert.match(faultOf() ?? '', new RegExp(disk.id));
    assert.equal(read(), 'here', 'the Pi goes on');
    await running().stop();
    bakery = await start();
    await rounds('exports', 2);
    assert.deepEqual(
      eventsOf(root, 'volume.missing').map((event) => [event.disk, event.pi]),
      [[disk.id, pi]],
    );
    assert.match(faultOf() ?? '', new RegExp(disk.id));
    linkSync(copy, file);
    rmSync(copy);
    // Cleared first, told after it.
    await until('told', async () => eventsOf(root, 'volume.found').length > 0);
    assert.equal(eventsOf(root, 'volume.found').length, 1);
    assert.equal(faultOf(), null);
    assert.equal(read(), 'here');
  });

  test('litter is listed, told once and over a restart, and never deleted; half-made things are none', async (t) => {
    // On a busy machine a volume that was mounted again may have been behind its loop device for two looks: told, and gone again.
    const before = eventsOf(root, 'litter.found').length;
    const rest = Promise.withResolvers<void>();
    const slow = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(rack.image.subarray(0, 1_000_000));
        await rest.promise;
        controller.enqueue(rack.image.subarray(1_000_000));
        controller.close();
      },
    });
    const upload = ask(running(), 'POST', '/bakeforms/slow', 201, slow);
    const files = ['volumes', 'golden', 'incoming', 'trash', 'work'].map((folder) => `pool/${folder}/foreign`);
    for (const path of files) writeFileSync(join(root, path), 'somebody’s');
    mkdirSync(join(root, 'nfs/foreign'));
    writeFileSync(join(root, 'pool/foreign.img'), Buffer.alloc(1 << 20));
    const device = sh('losetup', '--find', '--show', join(root, 'pool/foreign.img')).trim();
    t.after(() => trySh('losetup', '--detach', device));
    const expected = [...files, 'nfs/foreign', device].toSorted();
    assert.deepEqual((await litter()).map(({ path }) => path).toSorted(), expected);
    const told = () =>
      eventsOf(root, 'litter.found')
        .slice(before)
        .map(({ data }) => (data as LitterInfo).path)
        .toSorted();
    await until('told', async () => told().length >= expected.length);
    assert.deepEqual(told(), expected);
    rest.resolve();
    await upload;
    await running().stop();
    bakery = await start();
    // A loop device is told in the second.
    await rounds('litter', 3);
    assert.deepEqual(told(), expected, 'once');
    for (const path of [...files, 'nfs/foreign', 'pool/foreign.img']) assert.ok(existsSync(join(root, path)), path);
  });
});
