import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { systemClock } from '../../core/host/clock.ts';
import { mintOperationId } from '../../core/ids.ts';
import { importState, listImports } from '../../db/legacy.ts';
import { openDatabase } from '../../db/open.ts';
import { importLegacy } from '../../server/import/import.ts';
import type { Engine } from '../../server/operations/engine.ts';
import { layDisk, layInventory } from '../lab/legacy-root.ts';

const LOOSE = ['0b2d9f60-41f7-4c0e-8f55-6a1a5a9de2aa', '6f1a3c52-8a0f-4a53-9d3e-0d6a4e1c7b11'];
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A root of the original with two disks of nobody and a Pi in the fridge, under an engine that only takes notes. */
async function rig(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'bakery-import-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const name of ['nfs', 'pool']) mkdirSync(join(root, name));
  for (const id of LOOSE) layDisk(join(root, 'nfs', id), 1024 ** 2);
  layInventory(join(root, 'pi.db'), [['687680cd', 1, '', '']]);
  const db = await openDatabase(join(root, 'pi.db'));
  t.after(() => db.destroy());
  const started: string[] = [];
  let outcome: () => Promise<void> = async () => undefined;
  const engine = {
    async start(kind: string) {
      started.push(kind);
      return { id: mintOperationId(), done: outcome() };
    },
  } as unknown as Engine;
  const run = (recovered: Promise<void> = Promise.resolve()) =>
    importLegacy({ db, engine, root, volumeFolders: [join(root, 'pool')], recovered, clock: systemClock, log: quiet });
  const endWith = (next: typeof outcome) => {
    outcome = next;
  };
  return { root, db, started, run, endWith };
}

test('an import waits for what a crash interrupted: an import before it holds the same disks', async (t) => {
  const { started, run } = await rig(t);
  const recovered = Promise.withResolvers<void>();
  const running = run(recovered.promise);
  // As long as another takes that has nothing to wait for.
  const other = await rig(t);
  await other.run();
  assert.deepEqual([other.started.length, started.length], [2, 0]);
  recovered.resolve();
  await running;
  assert.deepEqual(started, ['import-disks', 'import-disks']);
});

test('one thing that cannot be taken over keeps nothing else, is told, and keeps the import open', async (t) => {
  const { root, db, started, run, endWith } = await rig(t);
  const full = new BakeryError('no-space', 'pool-full', 'the pool has no room for that', { detail: 'bytes wanted' });
  endWith(() => (started.length === 1 ? Promise.reject(full) : Promise.resolve()));
  await run();
  assert.deepEqual(started, ['import-disks', 'import-disks']);
  const problems = (await listImports(db)).filter(({ outcome }) => outcome === 'problem');
  assert.deepEqual(
    problems.map(({ item, text }) => [item, text]),
    [[`disk:${LOOSE[0]}`, 'the pool has no room for that: bytes wanted']],
  );
  assert.match(readFileSync(join(root, 'import.txt'), 'utf8'), /NOT taken over.*\n {2}disk 0b2d9f60.*no room/);
  assert.equal(await importState(db), 'open');

  endWith(() => Promise.resolve());
  await run();
  assert.equal(await importState(db), 'complete');
  assert.doesNotMatch(readFileSync(join(root, 'import.txt'), 'utf8'), /NOT taken over/);
  const before = started.length;
  await run();
  assert.equal(started.length, before, 'once all is done nothing is looked at again');
});
