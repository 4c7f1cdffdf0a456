import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskId } from '../../core/ids.ts';
import { movePi, patchPi } from '../../db/pis.ts';
import { planBake } from '../../server/operations/bake.ts';
import { planUpload } from '../../server/operations/bakeforms.ts';
import { planCreateDisk } from '../../server/operations/disks.ts';
import type { Engine } from '../../server/operations/engine.ts';
import { planRebake } from '../../server/operations/rebake.ts';
import { planRelease } from '../../server/operations/release.ts';
import { planUnbake } from '../../server/operations/unbake.ts';
import { FACTS, FORM, makeWorld, PI, type World } from './world.ts';

/** A Pi with its root and a disk, both exported. */
async function bakedWithDisk(): Promise<{ world: World; engine: Engine }> {
  const world = await makeWorld();
  const engine = world.restart();
  const attachment = { body: (async function* () {})() };
  await (await engine.start('upload-bakeform', (trx) => planUpload(trx, FORM), { attachment })).done;
  await (await engine.start('bake', (trx) => planBake(trx, { bakeform: FORM }, FACTS))).done;
  await (await engine.start('create-disk', (trx) => planCreateDisk(trx, { sizeMiB: 1 }))).done;
  const { id } = await world.db.selectFrom('disks').select('id').where('role', '=', 'data').executeTakeFirstOrThrow();
  await (await engine.start('attach', { disk: id as DiskId, pi: PI })).done;
  return { world, engine };
}
const exported = (world: World) => [...world.things].filter((thing) => thing.startsWith('export ')).length;

/** Lets the operation run up to its first call of that name, and holds it there. */
async function upTo(name: string, world: World, start: () => Promise<unknown>): Promise<void> {
  const push = world.calls.push.bind(world.calls);
  world.calls.push = (...names) => {
    const length = push(...names);
    if (names[0] === name) world.mishap ??= { call: length - 1, how: 'hang-before' };
    return length;
  };
  await start();
  while (world.mishap === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('an unbake switches off first, and withdraws every export before it unmounts anything', async () => {
  const { world, engine } = await bakedWithDisk();
  assert.equal(exported(world), 2);
  world.calls.length = 0;
  await upTo('unmount', world, () => engine.start('unbake', (trx) => planUnbake(trx, PI)));
  assert.equal(exported(world), 0);
  assert.deepEqual([...world.calls], ['off', 'converge', 'unmount']);
});

test('a release withdraws every export before it unmounts anything', async () => {
  const { world, engine } = await bakedWithDisk();
  await movePi(world.db, PI, 'unbake');
  await movePi(world.db, PI, 'stuck');
  await upTo('unmount', world, () =>
    engine.start('release', (trx) => planRelease(trx, { pi: PI, isOff: true, now: 2 })),
  );
  assert.equal(exported(world), 0);
});

test('a Pi is told of a disk when it can mount it, and before it loses it', async () => {
  const { world, engine } = await bakedWithDisk();
  await patchPi(world.db, PI, { manageDisks: true });
  const { id } = await world.db.selectFrom('disks').select('id').where('role', '=', 'data').executeTakeFirstOrThrow();
  const disk = id as DiskId;
  world.calls.length = 0;
  await (await engine.start('detach', { disk, pi: PI })).done;
  assert.deepEqual([...world.calls], ['writeDiskList', 'readDiskState', 'converge']);
  world.calls.length = 0;
  await (await engine.start('attach', { disk, pi: PI })).done;
  assert.deepEqual([...world.calls], ['converge', 'writeDiskList']);
});

for (const keepPiConfig of [true, false]) {
  test(`a new root has the list of the disks, ${keepPiConfig ? 'behind' : 'without'} what the old one had`, async () => {
    const { world, engine } = await bakedWithDisk();
    await patchPi(world.db, PI, { manageDisks: true });
    world.calls.length = 0;
    const wish = { pi: PI, bakeform: FORM, keepPiConfig };
    await (await engine.start('rebake', (trx) => planRebake(trx, wish, FACTS))).done;
    const written = ['carryPiConfig', 'writeDiskList'].filter((name) => keepPiConfig || name !== 'carryPiConfig');
    assert.deepEqual(
      world.calls.filter((name) => written.includes(name) || name === 'carryPiConfig'),
      written,
    );
    const lists = [...world.things].filter((thing) => thing.startsWith('list at '));
    // It was made ready beside the Pi's place.
    assert.ok(lists.length === 1 && !lists[0]?.startsWith(`list at /nfs/${PI}:`), lists.join('\n'));
  });
}
