import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { call } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { sh } from '../lab/sh.ts';
import {
  type FaultLab,
  freeMib,
  loopedVolumes,
  OTHER,
  openFaultLab,
  PI,
  pause,
  totalMib,
  until,
  writes,
} from './lab.ts';

/** Everything on the pool, and what has it open. */
async function poolOf(lab: FaultLab): Promise<string[]> {
  const files = ['volumes', 'golden', 'incoming', 'work', 'trash'].flatMap((folder) => {
    return readdirSync(join(lab.root, 'pool', folder)).map((name) => `${folder}/${name}`);
  });
  return [...files, ...(await loopedVolumes(lab))];
}

/** Leaves so many MiB on the disk. What was deleted on it may come free a little later. */
async function leave(lab: FaultLab, mib: number): Promise<string> {
  const file = join(lab.disk, 'outside');
  let taken = 0;
  // Somebody else may take a block between the look and the taking: then a little less is asked for.
  let less = 0;
  for (let quiet = 0; quiet < 5; quiet++) {
    const more = freeMib(lab.disk) - mib - less;
    if (more > 0) {
      try {
        sh('fallocate', '--length', `${taken + more}M`, file);
        taken += more;
        less = 0;
      } catch (error) {
        if (less++ > 20) throw error;
      }
      quiet = 0;
    }
    await pause(100);
  }
  return file;
}

const kinds = { plain: { type: 'ext4', BAKERY_POOL: 'plain' }, reflink: { type: 'xfs', BAKERY_POOL: 'auto' } } as const;

inOwnNamespace(import.meta.url, () => {
  for (const [kind, { type, BAKERY_POOL }] of Object.entries(kinds)) {
    test(`a full pool (${kind}) refuses uploads, disks and bakes as such, leaves nothing behind and bothers no Pi`, async (t) => {
      const lab = await openFaultLab(t, { mib: 1000, type, settings: { BAKERY_POOL, BAKERY_ROOT_SIZE: '1GiB' } });
      assert.equal((await lab.upload('tiny')).status, 201);
      const at = await lab.bake(PI);
      await (await fetch(`${lab.bakery.base}/files/${OTHER}/start.elf`)).body?.cancel();
      const before = await poolOf(lab);
      // The reserve is a quarter of so small a pool. A disk would fit above it, but hardly anything would be left then.
      const reserve = Math.ceil(totalMib(lab.disk) / 4);
      const almost = await leave(lab, reserve + 100);
      assert.equal((await call(lab.bakery, 'POST', '/disks', { size: 8 })).status, 507);
      rmSync(almost);
      // And there is room above it, but not for anything new.
      const outside = await leave(lab, reserve + 20);

      const upload = await lab.upload('second');
      assert.deepEqual([upload.status, upload.code], [507, 'pool-full']);
      const disk = await call(lab.bakery, 'POST', '/disks', { size: 8 });
      assert.deepEqual([disk.status, disk.body['code' as never]], [507, 'pool-full']);
      await call(lab.bakery, 'POST', '/fridge', { bakeformName: 'tiny' });
      const { operations } = await until('the bake has failed', async () => {
        const failed = await lab.ask<{ operations: { kind: string; error?: { code: string } }[] }>(
          'GET',
          '/operations?state=failed',
          200,
        );
        return failed.operations.some((operation) => operation.kind === 'bake') && failed;
      });
      assert.deepEqual(new Set(operations.map(({ error }) => error?.code)), new Set(['pool-full']));
      assert.deepEqual(await poolOf(lab), before);
      assert.deepEqual(Object.keys(await lab.ask<object>('GET', '/fridge', 200)), [OTHER], 'the Pi is free again');
      assert.ok(await writes(lab, at), 'the other Pi writes on');

      rmSync(outside);
      assert.equal((await lab.upload('second')).status, 201);
      assert.equal((await call(lab.bakery, 'POST', '/disks', { size: 8 })).status, 201);
      await lab.bake(OTHER);
    });
  }

  test('a disk that fills up in the middle of an upload: it is refused as such, and nothing is left', async (t) => {
    const lab = await openFaultLab(t, { mib: 1000, type: 'xfs' });
    const before = await poolOf(lab);
    const image = readFileSync(join(lab.folder, 'tiny.img'));
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => stream.enqueue(image.subarray(0, 1 << 20)),
      async pull(stream) {
        await until('it is being received', () => readdirSync(join(lab.root, 'pool', 'incoming')).length === 1);
        await leave(lab, 0);
        // It has been granted its first 64 MiB already.
        for (let sent = 0; sent < 3; sent++) stream.enqueue(image);
        stream.close();
      },
    });
    const answer = await call(lab.bakery, 'POST', '/bakeforms/second', body);
    assert.deepEqual([answer.status, answer.body['code' as never]], [507, 'pool-full']);
    assert.deepEqual(await poolOf(lab), before);
    rmSync(join(lab.disk, 'outside'));
    assert.equal((await lab.upload('second')).status, 201);
  });
});
