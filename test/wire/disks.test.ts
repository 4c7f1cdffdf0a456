import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Log } from '../../core/log.ts';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { call, type RunningBakery } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack, register } from '../lab/rack.ts';
import { sh } from '../lab/sh.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';

const MIB = 1024 ** 2;
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

interface Disk {
  readonly id: string;
  readonly location: string;
  readonly size: number;
  readonly role: string;
  readonly name?: string;
  readonly source?: string;
  readonly createdAt: string;
  readonly attachedTo?: string;
  readonly snapshots: number;
}
interface Snapshot {
  readonly id: string;
  readonly disk: string;
  readonly name?: string;
  readonly sizeMiB: number;
  readonly createdAt: string;
}
interface Bakeform {
  readonly sha256: string;
  readonly bytes: number;
  readonly notes: readonly string[];
  readonly createdAt: string;
  readonly bootFolder: string;
  readonly rootUsedBytes: number;
  readonly rootSizeBytes: number;
  readonly pis: number;
  readonly lint: readonly { readonly code: string; readonly level: string }[];
}
interface Page {
  readonly snapshots: readonly Snapshot[];
  readonly next?: string;
}

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery;
  let pi: string;

  async function ask<T>(status: number, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
  async function refused(status: number, code: string, method: string, path: string, body?: unknown): Promise<void> {
    assert.equal((await ask<{ code: string }>(status, method, path, body)).code, code);
  }
  /** Starts what goes on after its answer, and waits for its end. */
  async function ended(method: string, path: string, body: unknown): Promise<string> {
    const { id } = await ask<{ id: string }>(202, method, path, body);
    await untilAtRest(rack.world, 60_000);
    return (await ask<{ state: string }>(200, 'GET', `/operations/${id}`)).state;
  }
  async function refusedUpload(code: string, sha256: string): Promise<void> {
    await refused(400, code, 'POST', `/bakeforms/checked?sha256=${sha256}`, rack.image);
    await refused(404, 'bakeform-unknown', 'GET', '/bakeforms/checked');
  }
  /** The ids of a list, read two at a time. */
  async function inPages(path: string, member: string): Promise<string[]> {
    const ids: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const at: string = `${path}?limit=2${cursor && `&cursor=${cursor}`}`;
      const page: { [member: string]: unknown; next?: string } = await ask(200, 'GET', at);
      const items = page[member] as readonly { id: string }[];
      assert.ok(items.length <= 2);
      ids.push(...items.map(({ id }) => id));
      cursor = page.next;
    }
    return ids;
  }
  const read = (id: string) => ask<Disk>(200, 'GET', `/disks/${id}`);
  const makeDisk = async (body: object) => read((await ask<Disk>(201, 'POST', '/disks', body)).id);
  const attach = (id: string) => ask(200, 'POST', `/oven/${pi}/disks`, { diskId: id });
  const detach = (id: string) => ask(200, 'DELETE', `/oven/${pi}/disks/${id}`);
  const destroy = async (id: string) => {
    await ask(200, 'DELETE', `/disks/${id}`);
    await ask(200, 'DELETE', `/trash/${id}`);
  };
  const image = (disk: Disk) => join(disk.location, 'disk.img');
  const write = (disk: Disk, text: string) => writeFileSync(image(disk), text, { flag: 'r+', flush: true });
  const begins = (disk: Disk, length: number) => readFileSync(image(disk)).toString('latin1', 0, length);
  const url = (disk: Disk, file: string) => `nfs://127.0.0.1${disk.location}/${file}?version=3`;

  before(async () => {
    rack = await makeRack(1);
    pi = rack.serials[0] ?? '';
    bakery = await rack.start();
    await register(bakery, pi);
    await ask(201, 'POST', '/bakeforms/tiny', rack.image);
    await ask(202, 'POST', '/fridge', { bakeformName: 'tiny' });
    await untilAtRest(rack.world, 60_000);
  });
  after(async () => rack?.close(bakery));

  test('a disk has a name that no other has, and tells where it comes from and where it is', async () => {
    const disk = await makeDisk({ size: 2, name: 'data-1' });
    assert.deepEqual([disk.name, disk.role, disk.snapshots, disk.attachedTo], ['data-1', 'data', 0, undefined]);
    assert.ok(Math.abs(Date.parse(disk.createdAt) - Date.now()) < 600_000);
    await refused(409, 'disk-name-taken', 'POST', '/disks', { size: 2, name: 'data-1' });
    await refused(400, 'bad-request', 'POST', '/disks', { size: 2, name: 'a/b' });
    await refused(400, 'bad-request', 'POST', '/disks', { name: 'no-size' });
    const other = await makeDisk({ size: 2 });
    await refused(409, 'disk-name-taken', 'PATCH', `/disks/${other.id}`, { name: 'data-1' });
    assert.equal((await ask<Disk>(200, 'PATCH', `/disks/${disk.id}`, { name: null })).name, undefined);
    assert.equal((await ask<Disk>(200, 'PATCH', `/disks/${other.id}`, { name: 'data-1' })).name, 'data-1');
    assert.equal((await ask<Disk>(200, 'PATCH', `/disks/${other.id}`, {})).name, 'data-1');
    await attach(disk.id);
    assert.equal((await read(disk.id)).attachedTo, pi);
    await detach(disk.id);
    await ask(200, 'DELETE', `/disks/${other.id}`);
    assert.equal((await makeDisk({ size: 2, name: 'data-1' })).name, 'data-1', 'a destroyed disk has no name');
    await refused(404, 'disk-unknown', 'PATCH', `/disks/${randomUUID()}`, { name: 'x' });
  });

  test('a disk comes with a file system of its own and its label, sparse, and clean', async () => {
    const ext4 = await makeDisk({ size: 64, fileSystem: { type: 'ext4', label: 'containers.data-' } });
    sh('e2fsck', '-fn', image(ext4));
    const told = sh('dumpe2fs', '-h', image(ext4));
    assert.match(told, /^Filesystem volume name: +containers\.data-$/m);
    // What older Pis' e2fsck would not take.
    assert.doesNotMatch(told, /orphan_file|metadata_csum_seed/);
    assert.ok(statSync(image(ext4)).blocks * 512 < 2 * MIB, 'zeros are written where zeros are');
    const xfs = await makeDisk({ size: 300, fileSystem: { type: 'xfs', label: 'twelve-chars' } });
    assert.equal(begins(xfs, 4), 'XFSB');
    assert.match(sh('xfs_admin', '-l', image(xfs)), /"twelve-chars"/);
    const bare = await makeDisk({ size: 2, fileSystem: { type: 'ext4' } });
    assert.match(sh('dumpe2fs', '-h', image(bare)), /^Filesystem volume name: +<none>$/m);
    for (const body of [
      { size: 299, fileSystem: { type: 'xfs' } },
      { size: 300, fileSystem: { type: 'xfs', label: 'thirteen-char' } },
      { size: 64, fileSystem: { type: 'ext4', label: '-L' } },
      { size: 64, fileSystem: { type: 'ext4', label: 'seventeen-letters' } },
      { size: 64, fileSystem: { type: 'btrfs' } },
      { from: bare.id, fileSystem: { type: 'ext4' } },
    ]) {
      await refused(400, 'bad-request', 'POST', '/disks', body);
    }
    for (const { id } of [ext4, xfs, bare]) await destroy(id);
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('Bakery writes the list of the disks of a Pi where it is told to, and takes a disk away when the Pi has let go', async () => {
    const folder = join(rack.world.root, 'nfs', pi, 'piConfig');
    const own = join(folder, '../var/lib/bakery');
    mkdirSync(own, { recursive: true });
    const [list, state] = [join(folder, 'disks.json'), join(own, 'disks.state')];
    const listed = (): Disk[] => JSON.parse(readFileSync(list, 'utf8'));
    const attached = async () => (await ask<{ disks: Disk[] }>(200, 'GET', `/oven/${pi}`)).disks.slice(1);
    const [one, two] = [await makeDisk({ size: 2 }), await makeDisk({ size: 2 })];
    // As the CPI has it: the file is the client's.
    await ask(200, 'POST', `/oven/${pi}/upload/disks.json`, Buffer.from('["mine"]'));
    await attach(one.id);
    await detach(one.id);
    assert.equal(readFileSync(list, 'utf8'), '["mine"]');

    const told = await ask<{ manageDisks?: boolean }>(200, 'PATCH', `/pis/${pi}`, { manageDisks: true });
    assert.equal(told.manageDisks, true);
    await attach(one.id);
    assert.deepEqual(listed(), await attached());
    await attach(two.id);
    assert.deepEqual(listed(), await attached());
    assert.deepEqual(
      listed().map(({ id }) => id),
      [one.id, two.id],
    );

    assert.equal(await ended('POST', `/pis/${pi}/power`, { action: 'on' }), 'done');
    writeFileSync(state, `${one.id}\n${two.id}\n`);
    const gone = detach(one.id);
    while (listed().length > 1) await new Promise((resolve) => setTimeout(resolve, 5));
    const exported = async () =>
      (await ganeshaBackend({ root: rack.world.root, log: SILENT }).list()).map(({ path }) => path);
    assert.ok((await exported()).includes(one.location), 'it can still write out what it has in memory');
    assert.equal((await read(one.id)).attachedTo, pi);
    writeFileSync(state, `${two.id}\n`);
    await gone;
    assert.ok(!(await exported()).includes(one.location));
    assert.equal((await read(one.id)).attachedTo, undefined);
    rmSync(state);

    // A root that a Pi has made a trap of: nothing is written outside, nothing is attached, and what is can be taken away.
    const aside = join(rack.world.root, 'nfs', pi, 'aside');
    renameSync(folder, aside);
    symlinkSync(aside, folder);
    await refused(403, 'path-refused', 'POST', `/oven/${pi}/disks`, { diskId: one.id });
    await detach(two.id);
    assert.deepEqual(await attached(), []);
    assert.deepEqual(JSON.parse(readFileSync(join(aside, 'disks.json'), 'utf8')).length, 1);
    rmSync(folder);
    renameSync(aside, folder);
    await ask(200, 'PATCH', `/pis/${pi}`, { manageDisks: false });
    for (const { id } of [one, two]) await destroy(id);
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a disk is grown while its Pi uses it, is served under the same id, and takes its last byte', async () => {
    const disk = await makeDisk({ size: 64 });
    await attach(disk.id);
    write(disk, 'here');
    const [local, big] = [join(rack.world.root, '..', 'local'), join(rack.world.root, '..', 'big')];
    writeFileSync(local, 'kept');
    writeFileSync(big, Buffer.alloc(60 * MIB, 'b'));
    sh('nfs-cp', local, url(disk, 'note'));
    const served = async () => {
      return (await ganeshaBackend({ root: rack.world.root, log: SILENT }).list()).filter(
        (one) => one.path === disk.location,
      );
    };
    const before = await served();
    assert.equal(before.length, 1);

    await refused(409, 'disk-attached', 'POST', `/disks/${disk.id}/grow`, { sizeMiB: 128 });
    for (const sizeMiB of [64, 1]) {
      await refused(400, 'disk-not-larger', 'POST', `/disks/${disk.id}/grow`, { sizeMiB, mayInterrupt: true });
    }
    // A client that is in the middle of something.
    const copy = spawn('nfs-cp', [big, url(disk, 'big')], { stdio: 'ignore' });
    const copied = new Promise<number | null>((resolve) => copy.once('close', resolve));
    const bytes = () => statSync(join(disk.location, 'big'), { throwIfNoEntry: false })?.size ?? 0;
    while (bytes() < 2 * MIB && copy.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 2));
    assert.equal(await ended('POST', `/disks/${disk.id}/grow`, { sizeMiB: 200, mayInterrupt: true }), 'done');
    await copied;

    assert.deepEqual(await served(), before);
    assert.equal((await read(disk.id)).size, 200);
    assert.equal(statSync(image(disk)).size, 200 * MIB);
    assert.equal(begins(disk, 4), 'here');
    assert.equal(sh('nfs-cat', url(disk, 'note')), 'kept');
    rmSync(join(disk.location, 'big'), { force: true });
    writeFileSync(big, Buffer.alloc(200 * MIB, 'b'));
    // nfs-cp makes new files only.
    sh('dd', `if=${big}`, `of=${image(disk)}`, 'bs=1M', 'conv=notrunc,fsync', 'status=none');
    sh('sh', '-c', 'nfs-cat "$1" | cmp - "$2"', 'sh', url(disk, 'disk.img'), big);
    for (const file of [local, big]) rmSync(file);
    await detach(disk.id);
    assert.equal(
      await ended('POST', `/disks/${disk.id}/grow`, { sizeMiB: 201 }),
      'done',
      'and detached it needs no leave',
    );
    assert.deepEqual(await served(), [], 'nobody is served');
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a growth that fails leaves the disk as it was, and exported', async () => {
    const disk = await makeDisk({ size: 2 });
    await attach(disk.id);
    write(disk, 'same');
    rmSync(image(disk));
    assert.equal(await ended('POST', `/disks/${disk.id}/grow`, { sizeMiB: 4, mayInterrupt: true }), 'failed');
    assert.equal((await read(disk.id)).size, 2);
    assert.deepEqual(await checkWorld(rack.world), []);
    await detach(disk.id);
  });

  test('snapshots are taken while the disk is written on, listed in pages, copied, larger too, and go back into their disk', async () => {
    const disk = await makeDisk({ size: 8 });
    await attach(disk.id);
    const snapshots: Snapshot[] = [];
    for (const text of ['one', 'two', 'six']) {
      write(disk, text);
      snapshots.push(await ask<Snapshot>(201, 'POST', `/disks/${disk.id}/snapshots`, { name: text }));
    }
    write(disk, 'now');
    const [one, two, six] = snapshots;
    assert.ok(one && two && six);
    assert.deepEqual([one.disk, one.name, one.sizeMiB], [disk.id, 'one', 8]);
    assert.equal((await read(disk.id)).snapshots, 3);

    const listed: string[] = [];
    let pages = 0;
    for (let cursor: string | undefined = ''; cursor !== undefined; pages++) {
      const page: Page = await ask(200, 'GET', `/disks/${disk.id}/snapshots?limit=2${cursor && `&cursor=${cursor}`}`);
      listed.push(...page.snapshots.map(({ name = '' }) => name));
      cursor = page.next;
    }
    assert.deepEqual([pages, listed], [2, ['one', 'two', 'six']]);
    await refused(400, 'bad-cursor', 'GET', `/disks/${disk.id}/snapshots?cursor=nonsense`);

    const copy = await makeDisk({ from: two.id });
    const larger = await makeDisk({ from: one.id, size: 16, name: 'larger' });
    const live = await makeDisk({ from: disk.id });
    assert.deepEqual([begins(copy, 3), begins(larger, 3), begins(live, 3)], ['two', 'one', 'now']);
    assert.deepEqual([copy.size, larger.size, live.size], [8, 16, 8]);
    assert.deepEqual([copy.source, larger.source, live.source], [two.id, one.id, disk.id]);
    assert.equal(statSync(image(larger)).size, 16 * MIB);
    write(copy, 'own');
    assert.equal(begins(disk, 3), 'now', 'what is written on a copy is on the copy alone');
    await refused(400, 'disk-not-larger', 'POST', '/disks', { from: one.id, size: 4 });
    await refused(400, 'source-unknown', 'POST', '/disks', { from: randomUUID() });

    await refused(409, 'disk-attached', 'POST', `/disks/${disk.id}/restore`, { snapshot: one.id });
    await refused(404, 'snapshot-unknown', 'POST', `/disks/${copy.id}/restore`, { snapshot: one.id });
    await detach(disk.id);
    assert.equal(await ended('POST', `/disks/${disk.id}/grow`, { sizeMiB: 12 }), 'done');
    assert.equal(await ended('POST', `/disks/${disk.id}/restore`, { snapshot: one.id }), 'done');
    assert.equal(begins(disk, 3), 'one');
    assert.deepEqual([(await read(disk.id)).size, statSync(image(disk)).size], [12, 12 * MIB], 'its size stays');
    assert.equal(await ended('POST', `/disks/${disk.id}/restore`, { snapshot: six.id.toUpperCase() }), 'done');
    assert.equal(begins(disk, 3), 'six');
    await attach(disk.id);
    assert.equal(sh('sh', '-c', 'nfs-cat "$1" | head -c 3', 'sh', url(disk, 'disk.img')), 'six');
    await detach(disk.id);

    await ask(200, 'DELETE', `/snapshots/${two.id}`);
    await refused(404, 'snapshot-unknown', 'DELETE', `/snapshots/${two.id}`);
    await refused(404, 'snapshot-unknown', 'GET', `/snapshots/${two.id}`);
    assert.equal(begins(copy, 3), 'own');
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('snapshots go to the trash and back with their disk, can be copied there, and end with it', async () => {
    const disk = await makeDisk({ size: 2 });
    write(disk, 'old');
    const { id } = await ask<Snapshot>(201, 'POST', `/disks/${disk.id}/snapshots`);
    await ask(200, 'DELETE', `/disks/${disk.id}`);
    assert.equal((await ask<Page>(200, 'GET', `/disks/${disk.id}/snapshots`)).snapshots.length, 1);
    const copy = await makeDisk({ from: id });
    assert.equal(begins(copy, 3), 'old');
    await ask(201, 'POST', `/trash/${disk.id}/restore`);
    assert.equal((await read(disk.id)).snapshots, 1);
    await ask(200, 'DELETE', `/disks/${disk.id}`);
    await ask(200, 'DELETE', `/trash/${disk.id}`);
    await refused(404, 'snapshot-unknown', 'GET', `/snapshots/${id}`);
    await refused(404, 'disk-unknown', 'GET', `/disks/${disk.id}/snapshots`);
    assert.deepEqual((await ask<{ litter: object[] }>(200, 'GET', '/litter')).litter, []);
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a Pi’s root is not for that, and the same key makes one snapshot', async () => {
    const { disks } = await ask<{ disks: Disk[] }>(200, 'GET', `/oven/${pi}`);
    const root = disks[0];
    assert.ok(root);
    assert.equal((await read(root.id)).role, 'root');
    await refused(403, 'disk-is-root', 'POST', `/disks/${root.id}/snapshots`, {});
    await refused(403, 'disk-is-root', 'POST', `/disks/${root.id}/grow`, { sizeMiB: 100_000, mayInterrupt: true });
    await refused(403, 'disk-is-root', 'POST', '/disks', { from: root.id });

    const disk = await makeDisk({ size: 2 });
    const keyed = async () => {
      const response = await fetch(`${bakery.base}/disks/${disk.id}/snapshots`, {
        method: 'POST',
        headers: { authorization: `Bearer ${bakery.token}`, 'idempotency-key': 'nightly' },
      });
      return ((await response.json()) as Snapshot).id;
    };
    assert.equal(await keyed(), await keyed());
    assert.equal((await read(disk.id)).snapshots, 1);
  });

  test('a bakeform tells its sizes, how many Pis are baked from it, and what was found in it; other bytes make none', async () => {
    const sha256 = createHash('sha256').update(rack.image).digest('hex');
    await refusedUpload('sha-differs', '0'.repeat(64));
    await refusedUpload('bad-request', 'nonsense');
    await ask(201, 'POST', `/bakeforms/checked?sha256=${sha256.toUpperCase()}`, rack.image);
    const form = await ask<Bakeform>(200, 'GET', '/bakeforms/checked');
    assert.deepEqual([form.sha256, form.bytes, form.pis], [sha256, rack.image.length, 0]);
    assert.ok(form.rootUsedBytes > 0 && form.rootUsedBytes < form.rootSizeBytes);
    assert.ok(form.rootSizeBytes > 7 * 1024 ** 3, 'BAKERY_ROOT_SIZE, less what ext4 keeps for itself');
    assert.ok(Math.abs(Date.parse(form.createdAt) - Date.now()) < 600_000);
    assert.match(form.bootFolder, /^boot/);
    assert.ok(form.lint.some(({ code }) => code === 'cmdline-rendered'));
    assert.equal(form.notes.length, form.lint.length);
    assert.equal((await ask<Bakeform>(200, 'GET', '/bakeforms/tiny')).pis, 1);
    await ask(200, 'DELETE', '/bakeforms/checked');
    await refused(404, 'bakeform-unknown', 'GET', '/bakeforms/checked');
  });

  test('an image whose owner says so is left as it is, and its lint tells what would have been changed', async () => {
    await refused(400, 'bad-request', 'POST', '/bakeforms/checked?prepare=no', rack.image);
    const codes = new Map<string, string[]>();
    for (const prepare of ['true', 'false']) {
      await ask(201, 'POST', `/bakeforms/checked?prepare=${prepare}`, rack.image);
      const { lint } = await ask<Bakeform>(200, 'GET', '/bakeforms/checked');
      codes.set(prepare, [...new Set(lint.map(({ code }) => code))]);
      await ask(200, 'DELETE', '/bakeforms/checked');
    }
    const changes = ['fstab-entry-removed', 'unit-disabled', 'lease-kept', 'swap-in-memory', 'cloud-init-tamed'];
    const [changed = [], left = []] = [codes.get('true'), codes.get('false')];
    assert.ok(changed.includes('fstab-entry-removed') && !changed.includes('not-prepared'), changed.join());
    assert.ok(left.includes('fstab-partition-kept') && left.includes('not-prepared'), left.join());
    assert.deepEqual(
      left.filter((code) => changes.includes(code)),
      [],
    );
  });

  test('the trash and webhooks are given in pages, each item once and in its order', async () => {
    const path = '/webhooks';
    for (let n = 0; n < 5; n++) await ask(201, 'POST', path, { url: `http://127.0.0.1:9/${n}` });
    const { webhooks } = await ask<{ webhooks: { id: string }[] }>(200, 'GET', path);
    assert.deepEqual(
      await inPages(path, 'webhooks'),
      webhooks.map(({ id }) => id),
    );
    assert.equal(webhooks.length, 5);
    for (const { id } of webhooks) await ask(200, 'DELETE', `${path}/${id}`);

    const { disks } = await ask<{ disks: { id: string; discardedAt: string }[] }>(200, 'GET', '/trash');
    assert.ok(disks.length >= 1);
    for (let n = disks.length; n < 5; n++) await ask(200, 'DELETE', `/disks/${(await makeDisk({ size: 1 })).id}`);
    const paged = await inPages('/trash', 'disks');
    assert.equal(new Set(paged).size, 5);
    assert.deepEqual(
      paged.slice(0, disks.length),
      disks.map(({ id }) => id),
    );
    await refused(400, 'bad-cursor', 'GET', '/trash?cursor=W10');
    await refused(400, 'bad-request', 'GET', '/webhooks?limit=0');
  });
});
