import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { DiskWorld } from './disks-world.ts';

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

async function refusedUpload({ rack, refused }: DiskWorld, code: string, sha256: string): Promise<void> {
  await refused(400, code, 'POST', `/bakeforms/checked?sha256=${sha256}`, rack.image);
  await refused(404, 'bakeform-unknown', 'GET', '/bakeforms/checked');
}

/** What is told of bakeforms, whose golden volumes disks are made from. */
export function diskBakeforms(world: () => DiskWorld): void {
  test('a bakeform tells its sizes, how many Pis are baked from it, and what was found in it; other bytes make none', async () => {
    const { rack, ask, refused } = world();
    const sha256 = createHash('sha256').update(rack.image).digest('hex');
    await refusedUpload(world(), 'sha-differs', '0'.repeat(64));
    await refusedUpload(world(), 'bad-request', 'nonsense');
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
    const { rack, ask, refused } = world();
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
}
