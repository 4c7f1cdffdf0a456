import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sh } from '../lab/sh.ts';
import { checkWorld } from '../lab/world-check.ts';
import { type DiskWorld, image, MIB, url } from './disks-world.ts';

/** Disks that are made larger. */
export function diskGrowth(world: () => DiskWorld): void {
  test('a disk is grown while its Pi uses it, who has no error; where the kernel refuses only with leave, served under the same id, and takes its last byte', async () => {
    const { rack, refused, ended, read, makeDisk, attach, detach, write, begins, served } = world();
    const disk = await makeDisk({ size: 64 });
    await attach(disk.id);
    write(disk, 'here');
    const files = ['local', 'some', 'big'].map((name) => join(rack.world.root, '..', name));
    const [local = '', some = '', big = ''] = files;
    writeFileSync(local, 'kept');
    writeFileSync(some, Buffer.alloc(12 * MIB, 's'));
    writeFileSync(big, Buffer.alloc(60 * MIB, 'b'));
    sh('nfs-cp', local, url(disk, 'note'));
    const exported = async () => (await served()).filter((one) => one.path === disk.location);
    const before = await exported();
    assert.equal(before.length, 1);

    for (const sizeMiB of [64, 1]) {
      await refused(400, 'disk-not-larger', 'POST', `/disks/${disk.id}/grow`, { sizeMiB, mayInterrupt: true });
    }
    /** Grows it under a client that is in the middle of something. @returns how both ended. */
    async function underWrites(from: string, name: string, wish: object) {
      const copy = spawn('nfs-cp', [from, url(disk, name)], { stdio: 'ignore' });
      const copied = new Promise<number | null>((resolve) => copy.once('close', resolve));
      const bytes = () => statSync(join(disk.location, name), { throwIfNoEntry: false })?.size ?? 0;
      while (bytes() < 2 * MIB && copy.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 2));
      const state = await ended('POST', `/disks/${disk.id}/grow`, wish);
      const code = await copied;
      rmSync(join(disk.location, name), { force: true });
      return { state, code };
    }
    // The volume has that room already; more the kernel has to make.
    assert.deepEqual(await underWrites(some, 'first', { sizeMiB: 68 }), { state: 'done', code: 0 });
    assert.equal(statSync(image(disk)).size, 68 * MIB);
    assert.deepEqual(await underWrites(some, 'second', { sizeMiB: 200 }), { state: 'failed', code: 0 });
    assert.equal((await read(disk.id)).size, 68);
    assert.equal(statSync(image(disk)).size, 68 * MIB);
    assert.equal((await underWrites(big, 'third', { sizeMiB: 200, mayInterrupt: true })).state, 'done');

    assert.deepEqual(await exported(), before);
    assert.equal((await read(disk.id)).size, 200);
    assert.equal(statSync(image(disk)).size, 200 * MIB);
    assert.equal(begins(disk, 4), 'here');
    assert.equal(sh('nfs-cat', url(disk, 'note')), 'kept');
    writeFileSync(big, Buffer.alloc(200 * MIB, 'b'));
    // nfs-cp makes new files only.
    sh('dd', `if=${big}`, `of=${image(disk)}`, 'bs=1M', 'conv=notrunc,fsync', 'status=none');
    sh('sh', '-c', 'nfs-cat "$1" | cmp - "$2"', 'sh', url(disk, 'disk.img'), big);
    for (const file of files) rmSync(file);
    await detach(disk.id);
    assert.equal(
      await ended('POST', `/disks/${disk.id}/grow`, { sizeMiB: 201 }),
      'done',
      'and detached it needs no leave',
    );
    assert.deepEqual(await exported(), [], 'nobody is served');
    assert.deepEqual(await checkWorld(rack.world), []);
  });

  test('a growth that fails leaves the disk as it was, and exported', async () => {
    const { rack, ended, read, makeDisk, attach, detach, write } = world();
    const disk = await makeDisk({ size: 2 });
    await attach(disk.id);
    write(disk, 'same');
    rmSync(image(disk));
    assert.equal(await ended('POST', `/disks/${disk.id}/grow`, { sizeMiB: 4, mayInterrupt: true }), 'failed');
    assert.equal((await read(disk.id)).size, 2);
    assert.deepEqual(await checkWorld(rack.world), []);
    await detach(disk.id);
  });
}
