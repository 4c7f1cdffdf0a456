import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpaceReading } from '../../exports/volumes/space.ts';
import { createSpaceKeeper } from '../../server/reconcile/space.ts';

const GIB = 1024 ** 3;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A pool of 100 GiB (5 GiB of it reserve) whose room a test sets, and what the keeper did about it. */
function setUp() {
  const done: string[] = [];
  const world = {
    free: 90,
    growable: 0,
    now: 0,
    converge: async () => void done.push(`exports ${keeper.access()}`),
    grow: async () => void done.push('grow'),
    tell: async (text: string) => void done.push(text),
  };
  const read = async (): Promise<SpaceReading> => {
    const pool = { available: world.free * GIB, total: 100 * GIB };
    return { kind: 'loop-xfs', pool, host: pool, growable: world.growable * GIB, unreserved: 0, dirty: 0 };
  };
  const keeper = createSpaceKeeper({
    pool: {
      read,
      async growAhead() {
        await world.grow();
        return true;
      },
    },
    converge: () => world.converge(),
    flush: async () => void done.push('flush'),
    makeRoom: async () => done.push('make room') < 0,
    tell: ({ type, data }) => world.tell(`${type} ${'level' in data ? data.level : ''}`),
    clock: { now: () => world.now, monotonic: () => world.now, sleep: async () => undefined },
    log: quiet,
  });
  async function round(free: number): Promise<string[]> {
    world.free = free;
    world.now += 10_000;
    await keeper.round();
    await keeper.settled();
    return done.splice(0);
  }
  return { world, keeper, round, done };
}

test('each change of level is told once, room is made, exports turn read-only below the reserve and back above it', async () => {
  const { round, keeper } = setUp();
  assert.deepEqual(await round(90), []);
  assert.deepEqual(await round(20), ['make room', 'pool.level low']);
  assert.deepEqual(await round(20), ['make room']);
  assert.deepEqual(await round(14), ['make room', 'pool.level high']);
  assert.deepEqual(await round(7), ['make room', 'pool.level refuse']);
  assert.equal(keeper.access(), 'rw');
  const full = await round(4);
  assert.deepEqual(full.toSorted(), ['exports ro', 'flush', 'make room', 'pool.level readonly']);
  assert.equal(keeper.access(), 'ro');
  assert.deepEqual(await round(5.5), ['make room'], 'a little more room is not enough');
  assert.deepEqual((await round(90)).toSorted(), ['exports rw', 'pool.level normal']);
  assert.deepEqual(await round(90), []);
});

test('an NFS server that does not answer is asked again until the exports are read-only', async () => {
  const { world, round, done } = setUp();
  const works = world.converge;
  world.converge = async () => {
    done.push('tried');
    throw new Error('no answer');
  };
  assert.ok((await round(4)).includes('tried'));
  assert.ok((await round(4)).includes('tried'));
  world.converge = works;
  assert.ok((await round(4)).includes('exports ro'));
  assert.ok(!(await round(4)).includes('exports ro'), 'and then no more');
});

test('the pool is grown ahead of its writers, and a growth that hangs does not keep exports from turning read-only', async () => {
  const { world, keeper, done } = setUp();
  const hanging = Promise.withResolvers<void>();
  world.growable = 50;
  world.grow = async () => {
    done.push('grow');
    await hanging.promise;
  };
  world.free = 5.1;
  await keeper.round();
  world.free = 4;
  await keeper.round();
  await keeper.round();
  assert.deepEqual(done.splice(0).toSorted(), ['exports ro', 'flush', 'grow', 'make room', 'pool.level readonly']);
  hanging.resolve();
  world.free = 60;
  await keeper.round();
  await keeper.settled();
  assert.ok(done.includes('exports rw'));
});

test('what cannot be told while the disk of the database is full is told later, in order', async () => {
  const { world, round } = setUp();
  const works = world.tell;
  world.tell = async () => {
    throw new Error('disk is full');
  };
  assert.deepEqual(await round(14), ['make room']);
  assert.deepEqual(await round(90), []);
  world.tell = works;
  assert.deepEqual(await round(90), ['pool.level high', 'pool.level normal']);
});

test('volumes are written out after, and only after, their exports were made read-only', async () => {
  const { round } = setUp();
  const order = (await round(4)).filter((line) => line !== 'make room' && !line.startsWith('pool'));
  assert.deepEqual(order, ['exports ro', 'flush']);
  assert.ok(!(await round(90)).includes('flush'));
});

test('exports follow a change of mind while they are changed', async () => {
  const { world, keeper, done } = setUp();
  const first = Promise.withResolvers<void>();
  const works = world.converge;
  world.converge = async () => {
    world.converge = works;
    await first.promise;
  };
  world.free = 4;
  await keeper.round();
  world.free = 90;
  await keeper.round();
  first.resolve();
  await keeper.settled();
  assert.deepEqual(
    done.filter((line) => line.startsWith('exports')),
    ['exports rw'],
  );
});
