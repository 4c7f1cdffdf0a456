import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { inOwnNamespace } from '../lab/namespace.ts';
import { isLongRun } from '../sizes.ts';
import { mountsSuite } from './mounts-suite.ts';
import { HOSTS, openBench } from './volumes-lab.ts';
import { volumesSuite } from './volumes-suite.ts';

inOwnNamespace(import.meta.url, () => {
  for (const host of HOSTS) {
    test(`a pool on ${host.name} is of the kind ${host.kind}, and stays that after a restart`, async (t) => {
      const { pool, root, reopen } = await openBench(t, { host });
      assert.deepEqual([pool.kind, (await reopen()).pool.kind], [host.kind, host.kind]);
      assert.deepEqual(readdirSync(root), host.kind === 'loop-xfs' ? ['pool', 'pool.xfs'] : ['pool']);
    });
  }

  // The first host has a file of its own, volumes.test.ts. On one without reflinks the pool is the same.
  for (const host of HOSTS.slice(1)) {
    if (host.kind === 'loop-xfs' && !isLongRun) continue;
    volumesSuite(host);
    mountsSuite(host);
  }
});
