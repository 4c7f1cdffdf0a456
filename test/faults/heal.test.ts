import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inOwnNamespace } from '../lab/namespace.ts';
import { sh, trySh } from '../lab/sh.ts';
import { brokenBelow, freeMib, loopedVolumes, MIB, mounts, OTHER, openBaked, until, writes } from './lab.ts';

const DISK = { mib: 1000, rootSize: '1GiB' };

inOwnNamespace(import.meta.url, () => {
  test('a volume whose journal was aborted is repaired when there is room again, under the same export', async (t) => {
    const { lab, at, other } = await openBaked(t, DISK);
    writeFileSync(join(at, 'kept'), 'kept');
    // What the bake of the other wrote must not be caught by the full disk: it would break as well.
    for (const mountPoint of [at, other]) sh('sync', '--file-system', mountPoint);
    const outside = join(lab.disk, 'outside');
    // All at once, the reserve too: nothing can be saved from that.
    sh('fallocate', '--length', String(freeMib(lab.disk) * MIB), outside);
    for (let tries = 0; brokenBelow(lab.root).length === 0; tries++) {
      assert.ok(tries < 200, 'the volume takes everything');
      try {
        writeFileSync(join(at, `file-${tries}`), Buffer.alloc(4 * MIB, tries));
        trySh('sync', '--file-system', at);
      } catch {
        // It has given up.
      }
    }
    assert.deepEqual(brokenBelow(lab.root), [at]);

    rmSync(outside);
    await until('the volume is healed', () => brokenBelow(lab.root).length === 0, lab);
    await until('its Pi can write again', () => writes(lab, at), lab);
    assert.ok(existsSync(join(at, 'kept')), lab.bakery.output().slice(-6_000));
    assert.equal(readFileSync(join(at, 'kept'), 'utf8'), 'kept');
    assert.ok(await writes(lab, other), lab.bakery.output().slice(-3_000));
    const ids = (word: string) =>
      [...lab.bakery.output().matchAll(new RegExp(`"${word}":\\[(\\d+)\\]`, 'g'))].map(([, id]) => id);
    assert.deepEqual(ids('removed'), [ids('added')[0]], 'withdrawn once');
    assert.equal(ids('added').at(-1), ids('removed')[0], 'and served under the same id');
    assert.equal((await loopedVolumes(lab)).length, 2);
  });

  test('a volume that was left frozen is thawed by the next start, and before it is unmounted', async (t) => {
    const { lab, at, other } = await openBaked(t, DISK);
    await lab.bakery.kill();
    sh('fsfreeze', '--freeze', at);
    await lab.restart();
    assert.ok(await writes(lab, at));
    sh('fsfreeze', '--freeze', other);
    await lab.ask('DELETE', `/oven/${OTHER}`, 200);
    await until('its volume is gone', async () => (await loopedVolumes(lab)).length === 1);
    assert.ok(await writes(lab, at));
  });

  test('an error that the kernel finds in a volume makes it read-only, and it is repaired', async (t) => {
    const { lab, at } = await openBaked(t, DISK);
    const volume = mounts().find(({ mountPoint }) => mountPoint === at);
    writeFileSync(`/sys/fs/ext4/${volume?.source.slice('/dev/'.length)}/trigger_fs_error`, 'for a test\n');
    assert.deepEqual(brokenBelow(lab.root), [at]);
    await until('the volume is healed', () => brokenBelow(lab.root).length === 0);
    await until('its Pi can write again', () => writes(lab, at));
  });
});
