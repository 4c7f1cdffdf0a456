import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sh } from '../lab/sh.ts';
import { checkWorld } from '../lab/world-check.ts';
import { type Disk, type DiskWorld, image, MIB } from './disks-world.ts';

/** How disks are made, named, and told to a Pi. */
export function diskLife(world: () => DiskWorld): void {
  test('a disk has a name that no other has, and tells where it comes from and where it is', async () => {
    const { pi, ask, refused, read, makeDisk, attach, detach } = world();
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
    const { rack, refused, makeDisk, destroy, begins } = world();
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
    const { rack, pi, ask, refused, ended, read, makeDisk, attach, detach, destroy, served } = world();
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
    const exported = async () => (await served()).map(({ path }) => path);
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
}
