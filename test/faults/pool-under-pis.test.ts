import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inOwnNamespace } from '../lab/namespace.ts';
import { isLongRun } from '../sizes.ts';
import {
  brokenBelow,
  type FaultLab,
  freeMib,
  MIB,
  nfsCopy,
  OTHER,
  openBaked,
  PI,
  pause,
  until,
  writes,
} from './lab.ts';

const DISK = { mib: 1000, rootSize: '4GiB' };
const HOSTS = {
  xfs: { type: 'xfs' },
  btrfs: { type: 'btrfs' },
  ext4: { type: 'ext4' },
  'ext4, plain': { type: 'ext4', pool: 'plain' },
} as const;

/** Everything that was seen of the volumes while something ran. */
async function watched<T>(lab: FaultLab, act: () => Promise<T>): Promise<{ result: T; broken: string[] }> {
  const broken = new Set<string>();
  let over = false;
  const watching = (async () => {
    while (!over) {
      for (const at of brokenBelow(lab.root)) broken.add(at);
      await pause(20);
    }
  })();
  try {
    return { result: await act(), broken: [...broken] };
  } finally {
    over = true;
    await watching;
  }
}

/** Takes room on the disk until there is none, as something that is not Bakery does. */
async function fillFromOutside(file: string): Promise<void> {
  const handle = openSync(file, 'w');
  try {
    const block = Buffer.alloc(MIB, 'o');
    for (;;) {
      writeSync(handle, block);
      await pause(2);
    }
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'ENOSPC');
  } finally {
    closeSync(handle);
  }
}

/** What a client copies: more than any pool here has. */
function bigFile(lab: FaultLab): string {
  const file = join(lab.folder, 'big');
  writeFileSync(file, '');
  truncateSync(file, 3500 * MIB);
  return file;
}

async function copySmall(lab: FaultLab, path: string): Promise<{ code: number | null; output: string }> {
  const file = join(lab.folder, 'small');
  writeFileSync(file, Buffer.alloc(2 * MIB, 's'));
  return nfsCopy(file, path).ended;
}

const turned = (lab: FaultLab, to: string) =>
  (lab.bakery.output().match(new RegExp(`"level":"${to}"`, 'g')) ?? []).length;

inOwnNamespace(import.meta.url, () => {
  test('a Pi that fills its volume has filled its own alone, and writes again when it has made room', async (t) => {
    const { lab, at, other } = await openBaked(t, { ...DISK, rootSize: '256MiB' });
    assert.notEqual((await nfsCopy(bigFile(lab), `${at}/big`).ended).code, 0);
    assert.equal(freeMib(at), 0);
    assert.ok(statSync(join(at, 'big')).size > 100 * MIB, 'it had what it was given');
    assert.equal((await copySmall(lab, `${other}/small`)).code, 0, 'the other has its own');
    assert.notEqual((await copySmall(lab, `${at}/small`)).code, 0);
    // Not deleted: the NFS server keeps what is deleted behind its back open, and its blocks with it.
    truncateSync(join(at, 'big'), 0);
    assert.ok(await writes(lab, at));
    assert.deepEqual(brokenBelow(lab.root), []);
    assert.doesNotMatch(lab.bakery.output(), /the pool is getting full/);
  });

  for (const [name, host] of Object.entries(HOSTS)) {
    if ('pool' in host && !isLongRun) continue;
    test(`a Pi that fills the pool makes exports read-only before any volume breaks; with room they are writable again (${name})`, async (t) => {
      const { lab, at, other } = await openBaked(t, { ...DISK, ...host });
      const { result, broken } = await watched(lab, async () => {
        const writer = nfsCopy(bigFile(lab), `${at}/big`);
        const ended = await writer.ended;
        await pause(1000);
        return ended;
      });
      assert.notEqual(result.code, 0, 'the pool is smaller than the file');
      assert.deepEqual(broken, []);
      assert.equal(turned(lab, 'readonly'), 1, lab.bakery.output().slice(-3000));
      // Some 150 MiB on an idle machine: what the client still writes while exports are changed is a matter of time.
      const left = freeMib(join(lab.root, 'pool'));
      assert.ok(left > 0, `${left} MiB are left`);
      const refused = await copySmall(lab, `${other}/small`);
      assert.notEqual(refused.code, 0, 'the other Pi may not write either');
      assert.match(refused.output, /ROFS/);
      const path = `/oven/${OTHER}/upload/config.txt`;
      assert.equal((await lab.ask<{ code: string }>('POST', path, 507, Buffer.alloc(MIB))).code, 'pool-full');

      await lab.ask('DELETE', `/oven/${PI}`, 200);
      await until('exports are writable', async () => (await copySmall(lab, `${other}/small`)).code === 0);
      assert.equal(readFileSync(join(other, 'small')).length, 2 * MIB);
      assert.deepEqual(brokenBelow(lab.root), []);
    });
  }

  test('a disk filled from outside of the pool, to its last byte, breaks no volume that a Pi is writing to', async (t) => {
    const { lab, at, other } = await openBaked(t, DISK);
    const outside = join(lab.disk, 'outside');
    const before = freeMib(lab.disk);
    const { result, broken } = await watched(lab, async () => {
      const writer = nfsCopy(bigFile(lab), `${at}/big`);
      await until('the client is writing', () => freeMib(lab.disk) < before - 100);
      await fillFromOutside(outside);
      const ended = await writer.ended;
      await pause(2000);
      return ended;
    });
    assert.notEqual(result.code, 0);
    assert.deepEqual(broken, [], lab.bakery.output().slice(-3000));
    assert.equal(freeMib(lab.disk), 0, 'it is really full');

    rmSync(outside);
    await until('exports are writable', async () => (await copySmall(lab, `${other}/small`)).code === 0);
    assert.deepEqual(brokenBelow(lab.root), []);
  });
});
