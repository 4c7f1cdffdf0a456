import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { sh } from '../lab/sh.ts';
import { checkWorld } from '../lab/world-check.ts';
import { type Disk, type DiskWorld, image, MIB, url } from './disks-world.ts';

interface Snapshot {
  readonly id: string;
  readonly disk: string;
  readonly name?: string;
  readonly sizeMiB: number;
  readonly createdAt: string;
}
interface Page {
  readonly snapshots: readonly Snapshot[];
  readonly next?: string;
}

/** Snapshots, and disks that are made from them. */
export function diskSnapshots(world: () => DiskWorld): void {
  test('snapshots are taken while the disk is written on, listed in pages, copied, larger too, and go back into their disk', async () => {
    const { rack, ask, refused, ended, read, makeDisk, attach, detach, write, begins } = world();
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
    const { rack, ask, refused, read, makeDisk, write, begins } = world();
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
    const { bakery, pi, ask, refused, read, makeDisk } = world();
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
}
