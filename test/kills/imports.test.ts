import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBakery, stopLeftovers } from '../lab/bakery.ts';
import { killWhileStarting } from '../lab/held-bakery.ts';
import { fingerprint, layDisk, layInventory, layRootTree } from '../lab/legacy-root.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';
import { shapeOf } from './shape.ts';
import { KILLED, KINDS, killPoints, thinned } from './suite.ts';

const PI = '0000beef';

/** An original Bakery with one Pi, its root and one disk. */
function layOriginal() {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-import-kill-'));
  const [rootId, diskId] = [randomUUID(), randomUUID()];
  const root = join(folder, 'root');
  mkdirSync(join(root, 'nfs'), { recursive: true });
  layRootTree(join(root, 'nfs', rootId), { hostname: PI, mib: 1 });
  layDisk(join(root, 'nfs', diskId), 1024 ** 2);
  layInventory(join(root, 'bakery.db'), [[PI, 2, 'gone', `${rootId},${diskId}`]]);
  // Without a pool of its own to be made in each of many roots.
  const settings = { BAKERY_ADDRESS: '127.0.0.1', BAKERY_EXPORT_POLICY: 'any', BAKERY_POOL: 'plain' };
  const world = { root, policy: 'any' as const };
  return {
    root,
    settings,
    old: () => fingerprint(join(root, 'nfs', rootId)),
    // The bytes of its disk are others in each original.
    shape: () => shapeOf({ world, lit: new Set(), serials: [PI] }).map((line) => line.replace(/ begins with .*/s, '')),
    async faults() {
      await untilAtRest(world, 60_000);
      // The original's folder is no leak, and its bakeform was deleted long ago.
      const expected = [`folder leaked: ${join(root, 'nfs', rootId)}`, `Pi ${PI} is baked with 1 roots of null`];
      return (await checkWorld(world)).filter((fault) => !expected.includes(fault));
    },
    async close() {
      await stopLeftovers(root);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

inOwnNamespace(import.meta.url, () => {
  const kinds = KINDS.filter(({ kind }) => KILLED.imports.includes(kind));
  test('an import killed anywhere is undone or done by the next start, and the original is as it was', async (t) => {
    const rehearsal = layOriginal();
    let done: string[];
    try {
      const bakery = await startBakery(rehearsal);
      try {
        assert.deepEqual(await rehearsal.faults(), []);
        done = rehearsal.shape();
        assert.ok(
          done.some((line) => line.includes(PI) && line.includes('"baked"')),
          `${done.join('\n')}\n${bakery.output()}`,
        );
      } finally {
        await bakery.stop();
      }
    } finally {
      await rehearsal.close();
    }

    // A failure that the test wants undoes the import, and the same start does not try again: only the killed one counts.
    for (const { point, fail } of thinned(kinds.flatMap(killPoints), 'import')) {
      await t.test(`${fail ? 'undoing, ' : ''}at ${point}`, async () => {
        const original = layOriginal();
        const old = original.old();
        try {
          await killWhileStarting(original, { hold: { point, nth: 1 }, ...(fail ? { fail } : {}) });
          const next = await startBakery(original);
          try {
            assert.deepEqual(await original.faults(), []);
            assert.deepEqual(original.shape(), done);
            assert.equal(original.old(), old, 'the old folder is as it was');
          } finally {
            await next.stop();
          }
        } finally {
          await original.close();
        }
      });
    }
  });
});
