import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Database from 'better-sqlite3';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import type { RunningBakery } from '../lab/bakery.ts';
import { bakeryCommand } from '../lab/bakery-command.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { sh } from '../lab/sh.ts';
import { size } from '../sizes.ts';
import { anHourOfLoops, ask, eventsOf, hashesOf, quiesce, rowsOf, startSmall, until } from './world.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
interface DiskInfo {
  readonly id: string;
  readonly location: string;
}
interface OperationInfo {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly error?: { readonly code: string };
}

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let root: string;
  let bakery: RunningBakery | undefined;
  const running = (): RunningBakery => {
    assert.ok(bakery);
    return bakery;
  };
  const newDisk = () => ask<DiskInfo>(running(), 'POST', '/disks', 201, { size: 1 });

  async function bake(form: string): Promise<string> {
    const { id } = await ask<{ id: string }>(running(), 'POST', '/fridge', 202, { bakeformName: form });
    await until(`${id} is baked`, async () => {
      return (await ask<{ status: number }>(running(), 'GET', `/oven/${id}`, 200)).status === 2;
    });
    return id;
  }

  before(async () => {
    rack = await makeRack(3);
    root = rack.world.root;
    bakery = await startSmall(rack);
    for (const serial of rack.serials.slice(0, 2)) await register(bakery, serial);
    await ask(bakery, 'POST', '/bakeforms/form', 201, rack.image);
  });
  after(async () => {
    if (process.env.BAKERY_TEST_TALK) process.stdout.write(bakery?.output() ?? '');
    await rack?.close(bakery);
  });

  test('a backup taken while 20 clients make disks is whole, and has every disk promised before it began', async () => {
    const promised: string[] = [];
    let isOver = false;
    const client = async () => {
      while (!isOver) promised.push((await newDisk()).id);
    };
    const clients = Array.from({ length: 20 }, client);
    const copies: { file: string; before: string[] }[] = [];
    await until('some disks', async () => promised.length >= 10);
    for (let n = 0; n < size('backupsUnderLoad'); n++) {
      const [file, before] = [join(root, '..', `busy-${n}.db`), [...promised]];
      const { code, output } = await bakeryCommand(root, 'backup', file);
      assert.equal(code, 0, output);
      copies.push({ file, before });
    }
    isOver = true;
    await Promise.all(clients);
    for (const { file, before } of copies) {
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.deepEqual(rowsOf(file, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
      const ready = new Set(
        rowsOf<{ id: string }>(file, "SELECT id FROM disks WHERE state = 'ready'").map((d) => d.id),
      );
      assert.deepEqual(
        before.filter((id) => !ready.has(id)),
        [],
      );
    }
    assert.ok((copies.at(-1)?.before.length ?? 0) > 10, 'they went on making disks');
    const left = promised.values();
    const clean = async () => {
      for (const id of left) {
        await ask(running(), 'DELETE', `/disks/${id}`, 200);
        await ask(running(), 'DELETE', `/trash/${id}`, 200);
      }
    };
    await Promise.all(Array.from({ length: 5 }, clean));
  });

  test('the command replaces no file unless told to, and says in one line what is wrong', async () => {
    const file = join(root, '..', 'precious.db');
    writeFileSync(file, 'precious');
    for (const args of [[file], [join(root, 'no', 'folder.db')], []]) {
      const { code, output } = await bakeryCommand(root, 'backup', ...args);
      assert.equal(code, 1);
      assert.match(output, /^bakery: [^\n]+\n$/);
    }
    assert.equal(readFileSync(file, 'utf8'), 'precious');
    assert.equal((await bakeryCommand(root, 'backup', file, '--force')).code, 0);
    assert.deepEqual(rowsOf(file, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
  });

  test('while the server runs nothing is restored', async () => {
    const { code, output } = await bakeryCommand(root, 'restore', join(root, '..', 'precious.db'));
    assert.equal(code, 1);
    assert.match(output, /another Bakery is running/);
  });

  test('a restored older database meets a newer world: nothing of it is deleted, continued or used again', async (t) => {
    const copy = join(root, '..', 'older.db');
    const early = await bake('form');
    const [kept, destroyed, trashed] = [await newDisk(), await newDisk(), await newDisk()];
    await ask(running(), 'DELETE', `/disks/${trashed.id}`, 200);
    await ask(running(), 'POST', `/oven/${early}/disks`, 200, { diskId: kept.id });
    // An upload that is under way in the backup, and done when it is restored.
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
    await until('the upload is under way', async () => {
      const { operations } = await ask<{ operations: OperationInfo[] }>(
        running(),
        'GET',
        '/operations?state=running',
        200,
      );
      return operations.some(({ kind }) => kind === 'upload-bakeform');
    });
    assert.equal((await bakeryCommand(root, 'backup', copy)).code, 0);

    // As if it were a moment younger: undone, this step deletes the golden volume.
    const raw = new Database(copy);
    raw.exec(
      `INSERT INTO operation_events (operation, step, event, at)
       SELECT id, 'golden', 'started', 1 FROM operations WHERE kind = 'upload-bakeform' AND state = 'running'`,
    );
    raw.close();

    // The world goes on.
    rest.resolve();
    await upload;
    const late = await bake('slow');
    const [newer, gone] = [await newDisk(), await newDisk()];
    await ask(running(), 'POST', `/oven/${late}/disks`, 200, { diskId: newer.id });
    writeFileSync(join(newer.location, 'witness'), 'written after the backup');
    for (const { id } of [destroyed, gone]) await ask(running(), 'DELETE', `/disks/${id}`, 200);
    await ask(running(), 'POST', `/trash/${trashed.id}/restore`, 201);
    const before = {
      exports: rowsOf<{ id: number }>(join(root, 'bakery.db'), 'SELECT export_id AS id FROM disks').map(({ id }) => id),
      volumes: Object.keys(hashesOf(root, 'volumes')),
      still: hashesOf(root, 'golden', 'trash'),
    };
    assert.equal(Object.keys(before.still).length, 2 + 2);
    await running().kill();

    const { code, output } = await bakeryCommand(root, 'restore', copy);
    assert.equal(code, 0, output);
    assert.match(output, /before-restore/);
    bakery = await startSmall(rack);

    await t.test('what was open in it is held for a person', async () => {
      const { operations } = await ask<{ operations: OperationInfo[] }>(
        running(),
        'GET',
        '/operations?state=stuck',
        200,
      );
      assert.deepEqual(
        operations.map(({ kind, error }) => `${kind} ${error?.code}`),
        ['upload-bakeform journal-restored'],
      );
    });
    await t.test('it is told once, and the copy is a database like any other from then on', async () => {
      const [event, ...more] = eventsOf(root, 'database.restored') as { data: { unmounted: string[] } }[];
      assert.deepEqual(more, []);
      assert.equal(event?.data.unmounted.length, 3, 'the root, the newer disk and the one that was in the trash');
      assert.deepEqual(rowsOf(join(root, 'bakery.db'), "SELECT key FROM settings WHERE key = 'backup'"), []);
    });
    await t.test('what it does not know is exported to nobody', async () => {
      const served = await ganeshaBackend({ root, log: quiet }).list();
      assert.deepEqual(served.map(({ path }) => path).toSorted(), [join(root, 'nfs', early), kept.location].toSorted());
    });
    await t.test('what it does not know is listed as litter', async () => {
      const { litter } = await ask<{ litter: { path: string }[] }>(running(), 'GET', '/litter', 200);
      const volumes = litter.map(({ path }) => path).filter((path) => path.startsWith('pool/volumes/'));
      assert.equal(volumes.length, 3);
      assert.ok(volumes.includes(`pool/volumes/${newer.id}.ext4`));
    });
    await t.test('a row whose volume is gone is told as missing', async () => {
      await until('told', async () => eventsOf(root, 'volume.missing').some(({ disk }) => disk === destroyed.id));
    });

    await running().stop();
    // Volumes are still mounted: what they have in memory would come a few seconds later.
    sh('sync');
    const settled = hashesOf(root, 'volumes', 'golden', 'trash');
    await t.test('every volume, golden one and trash file is there, also after an hour', async () => {
      await anHourOfLoops(root);
      const later = hashesOf(root, 'volumes', 'golden', 'trash');
      assert.deepEqual(Object.keys(later), Object.keys(settled));
      // The two that it knows are mounted, and ext4 writes to them by itself.
      const known = rowsOf<{ id: string }>(join(root, 'bakery.db'), 'SELECT id FROM disks').map(({ id }) => id);
      const isKnown = (file: string) => known.some((id) => file === `volumes/${id}.ext4`);
      const unknown = Object.keys(settled).filter((file) => !isKnown(file));
      assert.equal(unknown.length, 3 + 2 + 2);
      for (const file of unknown) assert.equal(later[file], settled[file], file);
      assert.deepEqual(
        Object.keys(settled)
          .filter((file) => file.startsWith('volumes/'))
          .toSorted(),
        before.volumes.toSorted(),
      );
      for (const [file, hash] of Object.entries(before.still)) assert.equal(settled[file], hash, file);
      const volume = join(root, 'pool/volumes', `${newer.id}.ext4`);
      assert.equal(sh('debugfs', '-R', 'cat /witness', volume), 'written after the backup');
    });
    bakery = await startSmall(rack);

    await t.test('a person who tries the held operation again deletes nothing either', async () => {
      const { operations } = await ask<{ operations: OperationInfo[] }>(
        running(),
        'GET',
        '/operations?state=stuck',
        200,
      );
      await ask(running(), 'POST', `/operations/${operations[0]?.id}/retry`, 202);
      await until('it has ended', async () => {
        const { state } = await ask<OperationInfo>(running(), 'GET', `/operations/${operations[0]?.id}`, 200);
        return state === 'failed';
      });
      for (const [file, hash] of Object.entries(hashesOf(root, 'golden'))) assert.equal(before.still[file], hash, file);
      assert.equal(Object.keys(hashesOf(root, 'golden')).length, 2);
    });
    await t.test('a bake works, and uses no id again', async () => {
      assert.equal(await bake('form'), late, 'in the fridge, as the backup says');
      const [disk] = rowsOf<{ id: string; export_id: number }>(
        join(root, 'bakery.db'),
        `SELECT id, export_id FROM disks WHERE pi = '${late}'`,
      );
      assert.ok(disk && !before.volumes.includes(`volumes/${disk.id}.ext4`));
      assert.ok(!before.exports.includes(disk.export_id), `${disk.export_id} of ${before.exports}`);
      const now = hashesOf(root, 'volumes');
      for (const file of before.volumes) assert.ok(file in now, file);
      assert.equal(Object.keys(now).length, before.volumes.length + 1);
    });
  });

  test('a backup that was copied over the database by hand is met in the same way', async () => {
    const copy = join(root, '..', 'hand.db');
    assert.equal((await bakeryCommand(root, 'backup', copy)).code, 0);
    const newer = await newDisk();
    await running().kill();
    await quiesce(root);
    const before = hashesOf(root, 'volumes', 'golden', 'trash');
    const file = join(root, 'bakery.db');
    copyFileSync(copy, file);
    assert.ok(statSync(`${file}-wal`).size > 0, 'the log of the killed server');
    await assert.rejects(startSmall(rack), /write-ahead log beside the database belongs to another one/);
    for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`);
    bakery = await startSmall(rack);
    assert.equal(eventsOf(root, 'database.restored').length, 2);
    assert.deepEqual(rowsOf(file, `SELECT id FROM disks WHERE id = '${newer.id}'`), []);
    assert.ok(!existsSync(newer.location) || !sh('mount').includes(newer.location));
    await running().stop();
    await quiesce(root);
    const after = hashesOf(root, 'volumes', 'golden', 'trash');
    assert.deepEqual(Object.keys(after), Object.keys(before));
    const unknown = Object.keys(before).filter((name) => !name.startsWith('volumes/') || name.includes(newer.id));
    for (const name of unknown) assert.equal(after[name], before[name], name);
    bakery = undefined;
  });
});
