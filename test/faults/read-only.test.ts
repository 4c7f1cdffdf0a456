import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inOwnNamespace } from '../lab/namespace.ts';
import { sh } from '../lab/sh.ts';
import { codeOf, createDisk, diskCount, openFaultLab, until } from './lab.ts';

inOwnNamespace(import.meta.url, () => {
  test('a root whose disk the kernel made read-only: changes are refused as unavailable, reads go on', async (t) => {
    const lab = await openFaultLab(t, { mib: 1000, type: 'ext4', options: 'errors=remount-ro' });
    assert.equal((await createDisk(lab)).status, 201);
    const device = sh('findmnt', '-no', 'SOURCE', lab.disk).trim().slice('/dev/'.length);
    writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, 'for a test\n');
    assert.throws(() => writeFileSync(join(lab.disk, 'file'), ''), { code: 'EROFS' });
    const refused = await createDisk(lab);
    assert.deepEqual([refused.status, codeOf(refused)], [503, 'database-unusable']);
    assert.equal(await diskCount(lab), 1);
  });

  test('a root that is mounted read-only: what needs it is refused as such and undone, and it heals', async (t) => {
    const lab = await openFaultLab(t, { mib: 1000, type: 'xfs' });
    // Over it: a file system of which files are open cannot be made read-only.
    sh('mount', '--bind', lab.root, lab.root);
    sh('mount', '-o', 'remount,bind,ro', lab.root);
    const refused = await createDisk(lab);
    assert.deepEqual([refused.status, codeOf(refused)], [503, 'root-read-only']);
    const upload = await lab.upload('tiny');
    assert.deepEqual([upload.status, upload.code], [503, 'root-read-only']);
    assert.equal(await diskCount(lab), 0);
    sh('umount', lab.root);
    await until('nothing is left over', async () => {
      const { operations } = await lab.ask<{ operations: { state: string }[] }>('GET', '/operations', 200);
      return operations.every(({ state }) => state === 'failed');
    });
    assert.equal((await createDisk(lab)).status, 201);
    assert.equal((await lab.upload('tiny')).status, 201);
    assert.equal(readdirSync(join(lab.root, 'pool', 'volumes')).length, 1);
  });
});
