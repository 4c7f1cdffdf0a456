import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { fingerprint, layDisk, layFiles, layInventory, layRootTree } from '../lab/legacy-root.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { sh } from '../lab/sh.ts';
import { makeTinyImage } from '../lab/tiny-image.ts';

const MIB = 1024 ** 2;
const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

interface PiInfo {
  readonly id: string;
  readonly status: number;
  readonly disks?: readonly { readonly id: string; readonly location: string; readonly size: number }[];
  readonly sourceBakeform?: { readonly name: string };
}

inOwnNamespace(import.meta.url, () => {
  const ids = {
    root1: randomUUID(),
    root2: randomUUID(),
    orphanRoot: randomUUID(),
    lostRoot: randomUUID(),
    // So that attach order is neither that of the ids nor its reverse.
    first: `c${randomUUID().slice(1)}`,
    second: `a${randomUUID().slice(1)}`,
    third: `b${randomUUID().slice(1)}`,
    loose: randomUUID(),
    shared: randomUUID(),
    linked: randomUUID(),
    empty: randomUUID(),
  };
  const images = new Map<string, Buffer>();
  const bootFiles = {
    'cmdline.txt': 'console=tty1 root=/dev/nfs nfsroot={{.NfsServer}}:{{.NfsRoot}},vers=3 rw ip=dhcp rootwait\n',
    'config.txt': 'arm_64bit=1\n',
    'kernel8.img': Buffer.alloc(2_000_000, 'kernel'),
    'overlays/disable-bt.dtbo': 'overlay',
  };
  let folder: string;
  let root: string;
  let database: string;
  let settings: Record<string, string>;
  let bakery: RunningBakery;
  let before1: Map<string, string>;
  let inventory: string;

  const nfs = (id: string) => join(root, 'nfs', id);
  const ask = async <T>(method: string, path: string, expected: number, body?: unknown): Promise<T> => {
    const answer = await call(bakery, method, path, body);
    assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  };
  const start = () => startBakery({ root, settings, timeoutMs: 240_000 });

  /** Each old folder in one word. */
  function oldWorld(): Map<string, string> {
    const places = [...readdirSync(join(root, 'nfs')).map((name) => `nfs/${name}`), 'bakeforms', 'boot'];
    return new Map(places.toSorted().map((place) => [place, fingerprint(join(root, place))]));
  }
  function sql<T>(statement: string): T[] {
    const db = new Database(database, { readonly: true });
    try {
      return db.prepare(statement).all() as T[];
    } finally {
      db.close();
    }
  }
  const inventoryRows = () => JSON.stringify(sql('select * from inventory order by id'));
  const imports = () =>
    Object.fromEntries(
      sql<{ key: string; value: string }>("select key, value from settings where key like 'import:%'").map((row) => [
        row.key.slice('import:'.length),
        JSON.parse(row.value) as { outcome: string; text: string },
      ]),
    );

  /** Starts a server and kills it from outside when it has said `text` for the n-th time. */
  async function killAt(text: string, n: number): Promise<void> {
    const env = {
      PATH: process.env.PATH ?? '',
      BAKERY_ROOT: root,
      BAKERY_HTTP_ADDRESS: '0.0.0.0',
      HTTP_PORT: '0',
      ...settings,
    };
    const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
    let output = '';
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.split(text).length > n) child.kill('SIGKILL');
    });
    const [, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.once('close', (code, by) => resolve([code, by])),
    );
    assert.equal(signal, 'SIGKILL', output.slice(-3000));
  }
  function clean(...flags: string[]): { code: number | null; output: string } {
    const env = { PATH: process.env.PATH ?? '', BAKERY_ROOT: root, ...settings };
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'import-clean', ...flags], {
      env,
      encoding: 'utf8',
    });
    return { code: status, output: stdout + stderr };
  }

  before(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'bakery-import-')));
    root = join(folder, 'root');
    database = join(root, 'piInventory.db');
    settings = { DB_PATH: database, BAKERY_ADDRESS: '127.0.0.1', BAKERY_ROOT_SIZE: '512MiB', LOG_LEVEL: 'info' };
    for (const name of ['nfs', 'bakeforms', 'boot', 'mnt']) mkdirSync(join(root, name), { recursive: true });
    for (const name of ['root1', 'root2', 'orphanRoot'] as const) mkdirSync(nfs(ids[name]));
    layRootTree(nfs(ids.root1), { hostname: 'one', mib: 96 });
    layRootTree(nfs(ids.root2), { hostname: 'two', mib: 1 });
    mkdirSync(join(nfs(ids.root2), 'boot/firmware'));
    layRootTree(nfs(ids.orphanRoot), { hostname: 'orphan', mib: 0 });
    images.set(ids.first, layDisk(nfs(ids.first), 40 * MIB));
    images.set(ids.second, layDisk(nfs(ids.second), 3 * MIB, { 'README.txt': 'keep me' }));
    images.set(ids.third, layDisk(nfs(ids.third), MIB));
    images.set(ids.loose, layDisk(nfs(ids.loose), 2 * MIB + 513));
    images.set(ids.shared, layDisk(nfs(ids.shared), MIB));
    mkdirSync(nfs(ids.empty));
    mkdirSync(nfs(ids.linked));
    writeFileSync(join(folder, 'secret'), 'of the server');
    symlinkSync(join(folder, 'secret'), join(nfs(ids.linked), 'disk.img'));
    makeTinyImage(join(root, 'bakeforms/debian.img'));
    writeFileSync(join(root, 'bakeforms/broken.img'), 'half an upload');
    writeFileSync(join(root, 'bakeforms/bad name.img'), 'x');
    layFiles(join(root, 'boot/debian'), bootFiles);
    layFiles(join(root, 'boot'), { 'bootcode.bin': 'first stage' });
    layInventory(database, [
      ['aaaa0001', 2, 'debian', [ids.root1, ids.first, ids.second, ids.shared, ids.third].join(',')],
      ['aaaa0002', 3, 'gone', ids.root2],
      ['aaaa0003', 1, '', `${randomUUID()},${randomUUID()}`],
      ['aaaa0004', 3, 'debian', ''],
      ['aaaa0005', 2, 'debian', `${ids.lostRoot},${ids.shared}`],
      ['aaaa0006', 2, 'debian', '../../../etc'],
      ['aaaa0007', 7, null, null],
      ["x'; drop table inventory; --", 2, 'debian', ids.root2],
      [Buffer.from([0, 255]), 2, 'debian', ids.root1],
    ]);
    before1 = oldWorld();
    inventory = inventoryRows();
  });
  after(async () => {
    await bakery?.stop();
    await stopLeftovers(root);
    rmSync(folder, { recursive: true, force: true });
  });

  test('is killed in the middle of its parts, and begins them again', async () => {
    await killAt('"kind":"upload-bakeform","params"', 1);
    const copy = `${database}.legacy`;
    assert.equal(statSync(copy).mode & 0o777, 0o600);
    assert.deepEqual(
      (new Database(copy, { readonly: true }).prepare('select count(*) as n from inventory').get() as { n: number }).n,
      9,
    );
    assert.deepEqual(
      sql<{ id: string }>('select id from pis where quarantine = 1 order by id').map(({ id }) => id),
      ['aaaa0001', 'aaaa0002', 'aaaa0005', 'aaaa0006', 'aaaa0007'],
      'no Pi in use can be given away meanwhile',
    );
    await killAt('copying an old disk', 1);
    await killAt('copying an old disk', 2);
    await killAt('copying an old disk', 4);
    assert.deepEqual(sql("select id from disks where state = 'ready'"), []);
    await killAt('copying an old disk', 5);
    await killAt('copying an old disk', 2);
    assert.equal(inventoryRows(), inventory);
  });

  test('takes everything over: ids, order, status, bakeforms', async () => {
    bakery = await start();
    const oven = await ask<Record<string, PiInfo>>('GET', '/oven', 200);
    assert.deepEqual(Object.keys(oven), ['aaaa0001', 'aaaa0002']);
    const one = await ask<PiInfo>('GET', '/oven/aaaa0001', 200);
    assert.equal(one.status, 2);
    assert.equal(one.sourceBakeform?.name, 'debian');
    assert.deepEqual(
      one.disks?.map(({ id, location, size }) => [id, location, size]),
      [
        [ids.root1, nfs('aaaa0001'), 0],
        [ids.first, nfs(ids.first), 40],
        [ids.second, nfs(ids.second), 3],
        [ids.third, nfs(ids.third), 1],
      ],
    );
    const two = await ask<PiInfo>('GET', '/oven/aaaa0002', 200);
    assert.deepEqual([two.status, two.disks?.map(({ id }) => id)], [2, [ids.root2]]);
    assert.deepEqual(Object.keys(await ask<object>('GET', '/fridge', 200)).toSorted(), ['aaaa0003', 'aaaa0004']);
    const { disks } = await ask<{ disks: Record<string, { size: number }> }>('GET', '/disks', 200);
    assert.deepEqual(
      Object.keys(disks).toSorted(),
      [ids.root1, ids.root2, ids.first, ids.second, ids.third, ids.loose, ids.shared].toSorted(),
    );
    assert.equal(disks[ids.loose]?.size, 3);
    assert.deepEqual(Object.keys(await ask<object>('GET', '/bakeforms', 200)), ['debian']);
    const pool = (name: string) => readdirSync(join(root, 'pool', name));
    assert.deepEqual([pool('work'), pool('incoming'), pool('trash')], [[], [], []], 'no kill left anything');
    assert.deepEqual([pool('volumes').length, pool('golden').length], [7, 1]);
    assert.deepEqual(sql('select * from claims'), []);
  });

  test('the trees are what they were: bytes, owners, modes, times, links, devices, attributes, holes', () => {
    for (const [pi, id] of [
      ['aaaa0001', ids.root1],
      ['aaaa0002', ids.root2],
    ] as const) {
      assert.equal(fingerprint(nfs(pi), 'boot', 'lost+found'), fingerprint(nfs(id), 'boot', 'lost+found'), pi);
      const sparse = statSync(join(nfs(pi), 'home/pi/sparse'));
      assert.deepEqual([sparse.size, sparse.blocks < 64], [100 * MIB, true]);
      assert.equal(statSync(join(nfs(pi), 'usr/bin/sh')).nlink, 3);
    }
  });

  test('the disks have the bytes that they had, and their holes', () => {
    for (const [id, bytes] of images) {
      const copy = join(nfs(id), 'disk.img');
      assert.ok(readFileSync(copy).equals(bytes), id);
      assert.ok(statSync(copy).blocks * 512 <= 64 * 1024, id);
    }
  });

  test('the Pis boot with what they booted with, and their files are there', async () => {
    const cmdline = await (await fetch(`${bakery.base}/files/aaaa0001/cmdline.txt`)).text();
    assert.match(cmdline, new RegExp(` nfsroot=127\\.0\\.0\\.1:${nfs('aaaa0001')},vers=3 `));
    for (const [name, content] of Object.entries(bootFiles)) {
      if (name === 'cmdline.txt') continue;
      const answer = await fetch(`${bakery.base}/files/aaaa0001/${name}`);
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(Buffer.from(content)), name);
    }
    assert.deepEqual(await ask('GET', '/oven/aaaa0001/download/settings.json', 200), '{"agent_id":"one"}');
  });

  test('what cannot be taken over is told, each thing in its own words, in the database and in a file', () => {
    const told = Object.fromEntries(
      Object.entries(imports()).map(([item, { outcome, text }]) => [item, `${outcome}: ${text}`]),
    );
    const expected: Record<string, RegExp> = {
      'bakeform:debian': /^done/,
      'bakeform:broken': /^problem/,
      'bakeform:"bad name"': /^problem: that name/,
      'pi:aaaa0001': /^done: baked, 4 disks; disk .* is in the list of another Pi too.*README\.txt/,
      'pi:aaaa0002': /^done: baked, 1 disks; it was being prepared.*"gone" is not there.*cannot boot/,
      'pi:aaaa0003': /^done: in the fridge$/,
      'pi:aaaa0004': /^done: in the fridge: it was being prepared, and it has no root/,
      'pi:aaaa0005': /^problem: its root .* has no folder; the Pi is in quarantine/,
      'pi:aaaa0006': /^problem: .* no valid id/,
      'pi:aaaa0007': /^problem: its status "7"/,
      'row:"x\'; drop table inventory; --"': /^problem: .* not the id of a Pi/,
      'row:"2 bytes"': /^problem: .* not the id of a Pi/,
      [`disk:${ids.root1}`]: /^done: place 0 of Pi aaaa0001/,
      [`disk:${ids.root2}`]: /^done: place 0 of Pi aaaa0002/,
      [`disk:${ids.first}`]: /^done: place 1 of Pi aaaa0001/,
      [`disk:${ids.second}`]: /^done: place 2 of Pi aaaa0001/,
      [`disk:${ids.third}`]: /^done: place 4 of Pi aaaa0001/,
      [`disk:${ids.loose}`]: /^done: attached to no Pi/,
      [`disk:${ids.shared}`]: /^done: attached to no Pi/,
      [`disk:${ids.linked}`]: /^problem: .*not a plain file/,
      [`disk:${ids.orphanRoot}`]: /^problem: it is the root of no Pi/,
      [`disk:${ids.empty}`]: /^note: its folder is empty/,
    };
    assert.deepEqual(Object.keys(told).toSorted(), Object.keys(expected).toSorted());
    for (const [item, pattern] of Object.entries(expected)) assert.match(told[item] ?? '', pattern, item);
    const report = readFileSync(join(root, 'import.txt'), 'utf8');
    for (const item of Object.keys(expected)) assert.ok(report.includes(item.replace(':', ' ')), item);
    assert.equal(statSync(join(root, 'import.txt')).mode & 0o777, 0o600);
  });

  test('a Pi that is not taken over is given to nobody', async () => {
    for (const expected of [202, 202, 404]) await ask('POST', '/fridge', expected, { bakeformName: 'debian' });
  });

  test('another start takes over what was mended meanwhile, and nothing twice', async () => {
    const before2 = sql<{ id: string; kind: string }>("select id from operations where kind = 'import-disks'").length;
    await ask('DELETE', `/disks/${ids.loose}`, 200);
    await bakery.stop();
    mkdirSync(nfs(ids.lostRoot));
    layRootTree(nfs(ids.lostRoot), { hostname: 'found', mib: 0 });
    before1.set(`nfs/${ids.lostRoot}`, fingerprint(nfs(ids.lostRoot)));
    bakery = await start();
    assert.deepEqual((await ask<PiInfo>('GET', '/oven/aaaa0005', 200)).status, 2);
    assert.equal(
      (await call(bakery, 'GET', `/disks/${ids.loose}`)).status,
      404,
      'a disk destroyed since stays destroyed',
    );
    const after2 = sql<{ id: string }>("select id from operations where kind = 'import-disks'").length;
    assert.equal(after2, before2 + 1);
  });

  test('the old folders are as they were, below the volumes too', async () => {
    const busy = clean();
    assert.match(busy.output, /another Bakery is running/);
    assert.equal(busy.code, 1);
    await bakery.stop();
    const mounted = clean('--yes');
    assert.match(mounted.output, /npm start -- stop/);
    assert.equal(mounted.code, 1);
    await stopLeftovers(root);
    const now = oldWorld();
    for (const [place, was] of before1) assert.equal(now.get(place), was, place);
    assert.equal(inventoryRows(), inventory);
  });

  test('import-clean deletes what was taken over, when told so, and nothing else', async () => {
    const listed = clean();
    assert.equal(listed.code, 0, listed.output);
    assert.match(listed.output, /Nothing was deleted/);
    assert.ok(listed.output.includes(join(nfs(ids.second), 'disk.img')));
    for (const [place, was] of before1) assert.equal(fingerprint(join(root, place)), was, place);

    const done = clean('--yes');
    assert.equal(done.code, 0, done.output);
    const left = sh('find', join(root, 'nfs'), join(root, 'bakeforms'), join(root, 'boot'), '-maxdepth', '1').split(
      '\n',
    );
    const names = left
      .map((path) => path.slice(root.length + 1))
      .filter((path) => path.includes('/') && !path.startsWith('nfs/aaaa'));
    assert.deepEqual(
      names.toSorted(),
      [
        `nfs/${ids.orphanRoot}`,
        `nfs/${ids.linked}`,
        `nfs/${ids.empty}`,
        `nfs/${ids.second}`,
        'bakeforms/broken.img',
        'bakeforms/bad name.img',
        'boot/debian',
        'boot/bootcode.bin',
      ].toSorted(),
    );
    assert.deepEqual(readdirSync(nfs(ids.second)), ['README.txt']);
    assert.ok(existsSync(join(folder, 'secret')));
    assert.match(clean('--yes').output, /^0 deleted$/m);
  });

  test('the Pis and disks live on without the old folders', async () => {
    bakery = await start();
    const one = await ask<PiInfo>('GET', '/oven/aaaa0001', 200);
    assert.deepEqual(
      one.disks?.map(({ id }) => id),
      [ids.root1, ids.first, ids.second, ids.third],
    );
    assert.ok(readFileSync(join(nfs(ids.second), 'disk.img')).equals(images.get(ids.second) ?? Buffer.alloc(0)));
    assert.equal(readFileSync(join(nfs('aaaa0001'), 'etc/hostname'), 'utf8'), 'one\n');
  });
});
