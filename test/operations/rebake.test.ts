import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskId, OperationId } from '../../core/ids.ts';
import { findOperation } from '../../db/journal.ts';
import { findPi } from '../../db/pis.ts';
import { planBake } from '../../server/operations/bake.ts';
import { planUpload } from '../../server/operations/bakeforms.ts';
import { planCreateDisk } from '../../server/operations/disks.ts';
import type { Engine } from '../../server/operations/engine.ts';
import { cancelledByUnbake, planRebake } from '../../server/operations/rebake.ts';
import { planRelease } from '../../server/operations/release.ts';
import { cancelDuring, FACTS, FORM, makeWorld, PI, snapshot, type World } from './world.ts';

const SECRETS = { user: { name: 'ada', passwordHash: '$6$salt$secret' }, userData: '#cloud-config secret' };

/** A Pi that runs, with its root and a disk. */
async function running(): Promise<{ world: World; engine: Engine; clean: string[] }> {
  const world = await makeWorld();
  const engine = world.restart();
  const attachment = { body: (async function* () {})() };
  await (await engine.start('upload-bakeform', (trx) => planUpload(trx, FORM), { attachment })).done;
  await (await engine.start('bake', (trx) => planBake(trx, { bakeform: FORM, powerOn: true }, FACTS))).done;
  await (await engine.start('create-disk', (trx) => planCreateDisk(trx, { sizeMiB: 1 }))).done;
  const { id } = await world.db.selectFrom('disks').select('id').where('role', '=', 'data').executeTakeFirstOrThrow();
  await (await engine.start('attach', { disk: id as DiskId, pi: PI })).done;
  const clean = await snapshot(world);
  world.calls.length = 0;
  return { world, engine, clean };
}
const rebake = (engine: Engine, wish: object = SECRETS) =>
  engine.start('rebake', (trx) => planRebake(trx, { pi: PI, bakeform: FORM, ...wish }, FACTS));
const disksOf = async (world: World) => (await findPi(world.db, PI))?.disks;
const exported = (world: World) => [...world.things].filter((thing) => thing.startsWith('export '));
const paramsOf = async (world: World, id: OperationId) => JSON.stringify((await findOperation(world.db, id))?.params);

/** Lets every call of that name go wrong from now on, until it is told to work again. */
function breakCalls(world: World, name: string): () => void {
  const push = world.calls.push.bind(world.calls);
  world.calls.push = (...names) => {
    const length = push(...names);
    if (names[0] === name) world.mishap = { call: length - 1, how: 'before' };
    return length;
  };
  return () => {
    world.calls.push = push;
  };
}
/** Looks at the world at each call. */
function watch(world: World, look: (call: string) => void): void {
  const push = world.calls.push.bind(world.calls);
  world.calls.push = (...names) => {
    look(names[0] ?? '');
    return push(...names);
  };
}

test('the new root is made while the Pi runs; one root is exported at a time, and the old one is whole to the end', async () => {
  const { world, engine } = await running();
  const [old = '', data = ''] = (await disksOf(world)) ?? [];
  const seen: string[] = [];
  watch(world, (call) => {
    const roots = exported(world).filter((thing) => thing !== `export ${data}`);
    assert.ok(roots.length <= 1);
    assert.ok(world.things.has(`export ${data}`), 'its data is there all the time');
    const isWhole = world.things.has(`volume ${old}`) || (call === 'on' && world.things.has(`trash ${old}`));
    assert.ok(isWhole, `the old root is whole at ${call}`);
    const root = roots.length === 0 ? 'none' : roots[0] === `export ${old}` ? 'old' : 'new';
    seen.push(`${call}: ${world.things.has('power') ? 'on' : 'off'}, ${root} exported`);
  });
  await (await rebake(engine)).done;
  assert.deepEqual(seen, [
    'clone: on, old exported',
    'mount: on, old exported',
    'giveIdentity: on, old exported',
    'furnish: on, old exported',
    'off: on, old exported',
    'converge: off, old exported',
    'mount: off, none exported',
    'mount: off, none exported',
    'carryPiConfig: off, none exported',
    'unmountFrom: off, none exported',
    'unmount: off, none exported',
    'mount: off, none exported',
    'mount: off, none exported',
    'converge: off, none exported',
    'discard: off, new exported',
    'on: off, new exported',
  ]);
  assert.ok(world.things.has(`trash ${old}`));
  assert.ok(world.things.has('power'));
});

test('at every moment the first disk of the list is a root, and the others keep their order', async () => {
  for (let call = 0; call < 16; call++) {
    const { world, engine } = await running();
    const [old, data] = (await disksOf(world)) ?? [];
    world.mishap = { call, how: 'hang-before' };
    await rebake(engine);
    while (world.calls.length <= call) await new Promise((resolve) => setTimeout(resolve, 2));
    const [root, ...others] = (await disksOf(world)) ?? [];
    assert.equal(root === old, call < 13, `at ${world.calls[call]}`);
    const role = await world.db
      .selectFrom('disks')
      .select('role')
      .where('id', '=', root ?? '')
      .executeTakeFirst();
    assert.equal(role?.role, 'root');
    assert.deepEqual(others, [data]);
  }
});

test('a rebake that is cancelled brings the Pi back as it was, and on', async () => {
  for (const call of [3, 14]) {
    const { world, engine, clean } = await running();
    const started = await cancelDuring(call, { world, engine, start: () => rebake(engine) });
    await assert.rejects(started.done, { code: 'cancelled' });
    assert.deepEqual(await snapshot(world), clean);
    assert.doesNotMatch(await paramsOf(world, started.id), /secret/);
  }
});

test('one that an unbake cancels leaves the Pi off: nothing boots that is about to go', async () => {
  const { world, engine, clean } = await running();
  const started = await cancelDuring(8, { world, engine, start: () => rebake(engine), why: cancelledByUnbake() });
  await assert.rejects(started.done, { code: 'cancelled-by-unbake' });
  assert.deepEqual(
    await snapshot(world),
    clean.filter((line) => line !== 'power'),
  );
});

test('a Pi whose rebake is stuck is held; a retry brings its old root back, a release takes both', async () => {
  for (const way of ['retry', 'release'] as const) {
    const { world, engine, clean } = await running();
    const [old, data] = (await disksOf(world)) ?? [];
    // Both roots are mounted, and from here on nothing more can be: it can neither go on nor be undone.
    let mend: (() => void) | undefined;
    watch(world, (call) => {
      if (call !== 'carryPiConfig' || mend) return;
      world.mishap = { call: world.calls.length, how: 'before' };
      mend = breakCalls(world, 'mount');
    });
    const started = await rebake(engine);
    await assert.rejects(started.done);
    assert.equal((await findPi(world.db, PI))?.state, 'held');
    assert.match(await paramsOf(world, started.id), /secret/);
    mend?.();
    world.mishap = undefined;
    if (way === 'retry') {
      await assert.rejects((await engine.retry(started.id)).done);
      assert.deepEqual(await snapshot(world), clean);
    } else {
      await (await engine.start('release', (trx) => planRelease(trx, { pi: PI, isOff: true, now: 2 }))).done;
      assert.equal((await findPi(world.db, PI))?.state, 'fridge');
      const left = [...world.things].filter((thing) => !thing.startsWith('golden '));
      assert.ok(
        left.every((thing) => thing.startsWith('trash ')),
        left.join(', '),
      );
      assert.equal(left.length, 3, 'both roots and the disk');
      for (const id of [old, data]) assert.ok(world.things.has(`trash ${id}`));
    }
    assert.doesNotMatch(await paramsOf(world, started.id), /secret/);
  }
});

test('the secrets of a bake are gone from the journal when it has ended, well or not', async () => {
  for (const how of ['done', 'failed'] as const) {
    const world = await makeWorld();
    const engine = world.restart();
    const attachment = { body: (async function* () {})() };
    await (await engine.start('upload-bakeform', (trx) => planUpload(trx, FORM), { attachment })).done;
    world.calls.length = 0;
    if (how === 'failed') world.mishap = { call: 2, how: 'before' };
    const bake = await engine.start('bake', (trx) => planBake(trx, { bakeform: FORM, ...SECRETS }, FACTS));
    assert.match(await paramsOf(world, bake.id), /secret.*secret/);
    await bake.done.catch(() => undefined);
    const ended = await findOperation(world.db, bake.id);
    assert.equal(ended?.state, how);
    assert.doesNotMatch(JSON.stringify(ended?.params), /secret/);
    assert.match(JSON.stringify(ended?.params), /"user":"ada"/);
  }
});
