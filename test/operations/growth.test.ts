import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskId } from '../../core/ids.ts';
import { planBake } from '../../server/operations/bake.ts';
import { planUpload } from '../../server/operations/bakeforms.ts';
import { planCreateDisk } from '../../server/operations/disks.ts';
import type { OperationPorts } from '../../server/operations/ports.ts';
import { growKind, growthWay, planGrow } from '../../server/operations/replace-disk.ts';
import { FACTS, FORM, makeWorld, PI } from './world.ts';

async function* body() {
  yield Buffer.from('image');
}

/** A disk of 64 MiB that a Pi has. */
async function attachedDisk() {
  const world = await makeWorld();
  const engine = world.restart();
  await (await engine.start('upload-bakeform', (trx) => planUpload(trx, FORM), { attachment: { body: body() } })).done;
  await (await engine.start('bake', (trx) => planBake(trx, { bakeform: FORM }, FACTS))).done;
  await (await engine.start('create-disk', (trx) => planCreateDisk(trx, { sizeMiB: 64 }))).done;
  const row = await world.db.selectFrom('disks').select('id').where('role', '=', 'data').executeTakeFirstOrThrow();
  const disk = row.id as DiskId;
  await (await engine.start('attach', { disk, pi: PI })).done;
  world.calls.length = 0;
  const grow = (may: { mayInterrupt: boolean; growsMounted: boolean }) =>
    engine.start('grow-disk', (trx) => planGrow(trx, { disk, sizeMiB: 128, ...may }));
  async function size() {
    const { size_mib } = await world.db
      .selectFrom('disks')
      .select('size_mib')
      .where('id', '=', disk)
      .executeTakeFirstOrThrow();
    return size_mib;
  }
  return { world, grow, size };
}

test('a disk grows in use where it is attached and the server may, and then is withdrawn only with leave', () => {
  const ways = [];
  for (const isAttached of [false, true]) {
    for (const growsMounted of [false, true]) {
      for (const mayInterrupt of [false, true]) ways.push(growthWay({ isAttached, growsMounted, mayInterrupt }));
    }
  }
  const detached = ['beside', 'beside', 'beside', 'beside'];
  // Whether it has leave is asked before: planGrow.
  assert.deepEqual(ways, [...detached, 'beside', 'beside', 'in-use', 'in-use-or-beside']);
});

test('a growth that was admitted when there was one way goes on in that way', () => {
  const kind = growKind({} as OperationPorts);
  assert.equal(kind.parse({ disk: 'd', fsUuid: 'u', exportId: 1, sizeMiB: 2 }).way, 'beside');
});

test('where nothing grows in use, an attached disk grows only with leave to interrupt its Pi', async () => {
  const { world, grow, size } = await attachedDisk();
  await assert.rejects(grow({ mayInterrupt: false, growsMounted: false }), { code: 'disk-attached' });
  assert.deepEqual(world.calls, []);
  await (await grow({ mayInterrupt: true, growsMounted: false })).done;
  assert.equal(await size(), 128);
});

test('a disk that grows in use is neither withdrawn nor unmounted, whatever leave there is', async () => {
  for (const mayInterrupt of [false, true]) {
    const { world, grow, size } = await attachedDisk();
    await (await grow({ mayInterrupt, growsMounted: true })).done;
    assert.deepEqual(world.calls, ['extend', 'mount', 'lengthen']);
    assert.equal(await size(), 128);
  }
});

test('where the kernel refuses, a disk is withdrawn only with leave, and is as it was without', async () => {
  const { world, grow, size } = await attachedDisk();
  world.refusesGrowth = true;
  const refused = await grow({ mayInterrupt: false, growsMounted: true });
  await assert.rejects(refused.done, { code: 'growth-needs-interruption' });
  assert.deepEqual([world.calls, await size()], [['extend'], 64]);
  const allowed = await grow({ mayInterrupt: true, growsMounted: true });
  await allowed.done;
  assert.equal(world.calls.includes('replace'), true);
  assert.equal(world.calls.includes('lengthen'), false);
  assert.equal(await size(), 128);
});
