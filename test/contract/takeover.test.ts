import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { createTakeover } from '../../exports/legacy/takeover.ts';
import { readExt4Uuid } from '../../exports/volumes/ext4.ts';
import { fingerprint, layDisk, layFiles, layRootTree } from '../lab/legacy-root.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { fault, MIB, openBench, run, silent } from './volumes-lab.ts';

const never = new AbortController().signal;

async function bench(t: TestContext) {
  const made = await openBench(t);
  const { pool, volumes, root } = made;
  const takeover = createTakeover({ pool, volumes, exec, log: silent, rootBytes: 64 * MIB });
  const old = (name: string) => join(root, 'nfs', name);
  mkdirSync(join(root, 'nfs'));
  return { ...made, takeover, old, id: randomUUID(), fsUuid: randomUUID() };
}

inOwnNamespace(import.meta.url, () => {
  test('a tree larger than the usual root gets a volume that holds it, and copying it twice is copying it once', async (t) => {
    const { takeover, volumes, old, at, id, fsUuid } = await bench(t);
    mkdirSync(old(id));
    layRootTree(old(id), { hostname: 'one', mib: 140 });
    // More files than mkfs would make inodes for in a volume of that size.
    mkdirSync(join(old(id), 'many'));
    for (let n = 0; n < 40_000; n++) writeFileSync(join(old(id), 'many', String(n)), '');
    const was = fingerprint(old(id), 'lost+found');
    const volume = { id, fsUuid, from: old(id) };
    await takeover.createRoot(volume);
    await takeover.createRoot(volume);
    for (let round = 0; round < 2; round++) await takeover.fill({ ...volume, role: 'root', signal: never });
    await volumes.mount({ id, fsUuid, at: at('pi') });
    assert.equal(fingerprint(at('pi'), 'lost+found'), was);
    assert.equal(fingerprint(old(id), 'lost+found'), was);
  });

  test("boot files come to where the tree's own boot files are", async (t) => {
    const { takeover, volumes, old, at, root } = await bench(t);
    layFiles(join(root, 'boot/debian'), { 'config.txt': 'new', 'overlays/x.dtbo': 'x' });
    for (const folder of ['boot', 'boot/firmware']) {
      const [id, fsUuid] = [randomUUID(), randomUUID()];
      layFiles(old(id), { 'etc/hostname': 'x', [`${folder}/config.txt`]: 'old' });
      await takeover.createRoot({ id, fsUuid, from: old(id), boot: join(root, 'boot/debian') });
      await takeover.fill({ id, fsUuid, from: old(id), role: 'root', signal: never });
      await volumes.mount({ id, fsUuid, at: at(`pi-${id}`) });
      await takeover.placeBoot({ mountPoint: at(`pi-${id}`), from: join(root, 'boot/debian') });
      const read = (name: string) => readFileSync(join(at(`pi-${id}`), folder, name), 'utf8');
      assert.deepEqual([read('config.txt'), read('overlays/x.dtbo')], ['new', 'x']);
    }
  });

  test('a disk.img that is a link, or a folder that is mounted over, is not copied', async (t) => {
    const { takeover, volumes, old, root, pool, id, fsUuid } = await bench(t);
    mkdirSync(old(id));
    writeFileSync(join(root, 'secret'), 'of the server');
    symlinkSync(join(root, 'secret'), join(old(id), 'disk.img'));
    await volumes.createDisk({ id, fsUuid, sizeMiB: 1 });
    const wish = { id, fsUuid, role: 'data', from: old(id), signal: never } as const;
    await assert.rejects(takeover.fill(wish), fault('path-refused'));
    assert.deepEqual(readdirSync(pool.path('work', '')), [], 'nothing stays mounted');

    const covered = randomUUID();
    layDisk(old(covered), MIB);
    run('mount', '-t', 'tmpfs', 'tmpfs', old(covered));
    layFiles(old(covered), { 'disk.img': 'another' });
    await assert.rejects(takeover.fill({ ...wish, from: old(covered) }), fault('legacy-source-mounted'));
  });

  test('a volume is mounted over an old folder, and the folder stays as it was', async (t) => {
    const { takeover, volumes, old, id, fsUuid } = await bench(t);
    const bytes = layDisk(old(id), 2 * MIB);
    const was = fingerprint(old(id));
    await volumes.createDisk({ id, fsUuid, sizeMiB: 2 });
    await takeover.fill({ id, fsUuid, role: 'data', from: old(id), signal: never });
    await volumes.mount({ id, fsUuid, at: old(id) });
    assert.ok(readFileSync(join(old(id), 'disk.img')).equals(bytes));
    writeFileSync(join(old(id), 'disk.img'), 'written by its Pi');
    await volumes.unmount({ id, at: old(id) });
    assert.equal(fingerprint(old(id)), was);
    const empty = old(randomUUID());
    await volumes.mount({ id, fsUuid, at: empty });
    await volumes.unmount({ id, at: empty });
    assert.ok(!existsSync(empty), "Bakery's own mount points go");
  });

  test('undoing an import never deletes a volume of that id that it did not make', async (t) => {
    const { volumes, pool, id, fsUuid } = await bench(t);
    await volumes.createDisk({ id, fsUuid, sizeMiB: 1 });
    await volumes.remove({ id, fsUuid: randomUUID() });
    assert.equal(await readExt4Uuid(pool.path('volumes', `${id}.ext4`)), fsUuid);
    await volumes.remove({ id, fsUuid });
    assert.deepEqual(readdirSync(pool.path('volumes', '')), []);
  });
});
