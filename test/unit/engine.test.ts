import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { systemClock } from '../../core/host/clock.ts';
import type { OperationId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { addOperation, findOperation, listEvents, listOpenOperations, takeClaim } from '../../db/journal.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { createEngine } from '../../server/operations/engine.ts';
import type { AfterCrash, OperationKind, Step } from '../../server/operations/kind.ts';

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };
const clock = { ...systemClock, sleep: async () => undefined };

interface World {
  readonly trace: string[];
  readonly effects: Set<string>;
}

/** A kind of three steps that each leave an effect; `fail` names what throws. */
function kindOf(world: World, options: { afterCrash?: AfterCrash; fail?: Set<string>; slow?: Step<{ n: number }> }) {
  const { afterCrash = 'rollback', fail = new Set<string>() } = options;
  const step = (name: string): Step<{ n: number }> => ({
    name,
    timeoutMs: 1_000,
    async do() {
      world.trace.push(`do ${name}`);
      world.effects.add(name);
      if (fail.has(`do ${name}`)) throw new BakeryError('unavailable', 'broken', `${name} is broken`);
      return { made: name };
    },
    async undo() {
      world.trace.push(`undo ${name}`);
      if (fail.has(`undo ${name}`)) throw new BakeryError('unavailable', 'broken', `undoing ${name} is broken`);
      world.effects.delete(name);
    },
  });
  const kind: OperationKind<{ n: number }> = {
    kind: 'toy',
    version: 1,
    afterCrash,
    parse: (params) => params as { n: number },
    claims: ({ n }) => [{ resource: `pi:${n}`, purpose: 'toy' }],
    admit: async () => undefined,
    steps: [step('one'), options.slow ?? step('two'), step('three')],
    commit: async (_trx, { outputs }) => void world.trace.push(`commit ${Object.keys(outputs).join(',')}`),
    unwound: async () => void world.trace.push('unwound'),
    retried: async () => void world.trace.push('retried'),
  };
  return kind as unknown as OperationKind<never>;
}

async function setUp(options: Parameters<typeof kindOf>[1] = {}) {
  const db: Db = await openDatabase(':memory:');
  const world: World = { trace: [], effects: new Set() };
  const engine = createEngine({ db, kinds: [kindOf(world, options)], clock, log: quiet });
  return { db, world, engine };
}

test('runs the steps in order, hands their outputs on and releases the claims', async () => {
  const { db, world, engine } = await setUp();
  const started = await engine.start('toy', { n: 1 });
  await started.done;
  assert.deepEqual(world.trace, ['do one', 'do two', 'do three', 'commit one,two,three']);
  assert.equal((await findOperation(db, started.id))?.state, 'done');
  assert.equal((await db.selectFrom('claims').selectAll().execute()).length, 0);
});

for (const at of ['one', 'two', 'three']) {
  test(`undoes everything that was started, in reverse, when step ${at} fails`, async () => {
    const { db, world, engine } = await setUp({ fail: new Set([`do ${at}`]) });
    const started = await engine.start('toy', { n: 1 });
    await assert.rejects(started.done, { code: 'broken', message: `${at} is broken` });
    const done = ['one', 'two', 'three'].slice(0, ['one', 'two', 'three'].indexOf(at) + 1);
    assert.deepEqual(world.trace, [
      ...done.map((s) => `do ${s}`),
      ...done.toReversed().map((s) => `undo ${s}`),
      'unwound',
    ]);
    assert.equal(world.effects.size, 0);
    assert.equal((await findOperation(db, started.id))?.state, 'failed');
    assert.equal((await db.selectFrom('claims').selectAll().execute()).length, 0);
  });
}

test('writes the intent before the effect and the outcome after', async () => {
  const { db, engine } = await setUp();
  const started = await engine.start('toy', { n: 1 });
  await started.done;
  const events = (await listEvents(db, started.id)).map((event) => `${event.event} ${event.step}`);
  assert.deepEqual(events.slice(0, 4), ['started one', 'succeeded one', 'started two', 'succeeded two']);
});

test('refuses what another operation holds and names the holder', async () => {
  const gate = Promise.withResolvers<void>();
  const slow: Step<{ n: number }> = { name: 'two', timeoutMs: 10_000, do: () => gate.promise };
  const { engine } = await setUp({ slow });
  const first = await engine.start('toy', { n: 1 });
  await assert.rejects(engine.start('toy', { n: 1 }), (error: BakeryError) => {
    assert.equal(error.code, 'busy');
    assert.match(error.message, new RegExp(`pi 1 is busy: toy \\(operation ${first.id}\\)`));
    return true;
  });
  const other = await engine.start('toy', { n: 2 });
  gate.resolve();
  await Promise.all([first.done, other.done]);
});

test('is stuck, keeps its claims and can be retried when an undo fails', async () => {
  const fail = new Set(['do three', 'undo two']);
  const { db, world, engine } = await setUp({ fail });
  const started = await engine.start('toy', { n: 1 });
  await assert.rejects(started.done);
  assert.equal((await findOperation(db, started.id))?.state, 'stuck');
  assert.equal((await db.selectFrom('claims').selectAll().execute()).length, 1);
  fail.clear();
  world.trace.length = 0;
  await assert.rejects((await engine.retry(started.id)).done);
  assert.deepEqual(world.trace, ['retried', 'undo two', 'undo one', 'unwound']);
  assert.equal((await findOperation(db, started.id))?.state, 'failed');
});

test('tries a step that has no way back again, then is stuck, and never undoes', async () => {
  const fail = new Set(['do two']);
  const { db, world, engine } = await setUp({ afterCrash: 'forward', fail });
  const started = await engine.start('toy', { n: 1 });
  await assert.rejects(started.done);
  assert.deepEqual(world.trace, ['do one', 'do two', 'do two', 'do two']);
  fail.clear();
  await (await engine.retry(started.id)).done;
  assert.equal((await findOperation(db, started.id))?.state, 'done');
});

test('undoes a cancelled operation, also when the step under way ends well', async () => {
  const gate = Promise.withResolvers<void>();
  const slow: Step<{ n: number }> = { name: 'two', timeoutMs: 10_000, do: () => gate.promise };
  const { db, world, engine } = await setUp({ slow });
  const started = await engine.start('toy', { n: 1 });
  assert.equal(await engine.cancel(started.id), true);
  gate.resolve();
  await assert.rejects(started.done, { code: 'cancelled' });
  assert.deepEqual(world.trace, ['do one', 'undo one', 'unwound']);
  assert.equal((await findOperation(db, started.id))?.state, 'failed');
  assert.equal(await engine.cancel(started.id), false);
});

test('a cancel that comes while the last step ends well wins all the same', async () => {
  const db = await openDatabase(':memory:');
  const world: World = { trace: [], effects: new Set() };
  const gate = Promise.withResolvers<void>();
  const last: Step<{ n: number }> = {
    name: 'last',
    timeoutMs: 10_000,
    do: () => gate.promise,
    undo: async () => void world.trace.push('undo last'),
  };
  const kind = { ...kindOf(world, {}), steps: [last] } as unknown as OperationKind<never>;
  const engine = createEngine({ db, kinds: [kind], clock, log: quiet });
  const started = await engine.start('toy', { n: 1 });
  assert.equal(await engine.cancel(started.id), true);
  gate.resolve();
  await assert.rejects(started.done, { code: 'cancelled' });
  assert.deepEqual(world.trace, ['undo last', 'unwound']);
  assert.equal((await findOperation(db, started.id))?.state, 'failed');
});

// A limit of its own: without the step's it would wait for ever.
test('fails a step that takes too long', { timeout: 20_000 }, async () => {
  const slow: Step<{ n: number }> = {
    name: 'two',
    timeoutMs: 20,
    do: ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  };
  const { engine } = await setUp({ slow });
  await assert.rejects((await engine.start('toy', { n: 1 })).done, { code: 'step-timeout' });
});

/** What a kill -9 in the middle of step two leaves: one succeeded, two started. */
async function interrupted(db: Db, version = 1): Promise<OperationId> {
  const id = '00000000-0000-4000-8000-000000000001' as OperationId;
  await addOperation(db, { id, kind: 'toy', version, params: { n: 1 }, claims: [], by: undefined, now: 1 });
  await takeClaim(db, id, { resource: 'pi:1', purpose: 'toy' });
  await db
    .insertInto('operation_events')
    .values([
      { operation: id, step: 'one', event: 'started', output: null, at: 1 },
      { operation: id, step: 'one', event: 'succeeded', output: '{"made":"one"}', at: 1 },
      { operation: id, step: 'two', event: 'started', output: null, at: 1 },
    ])
    .execute();
  return id;
}

for (const afterCrash of ['resume', 'forward'] as const) {
  test(`goes on from the interrupted step after a crash (${afterCrash})`, async () => {
    const { db, world, engine } = await setUp({ afterCrash });
    const id = await interrupted(db);
    await engine.recover();
    assert.deepEqual(world.trace, ['do two', 'do three', 'commit one,two,three']);
    assert.equal((await findOperation(db, id))?.state, 'done');
  });
}

test('undoes what was begun after a crash (rollback)', async () => {
  const { db, world, engine } = await setUp({ afterCrash: 'rollback' });
  const id = await interrupted(db);
  await engine.recover();
  assert.deepEqual(world.trace, ['undo two', 'undo one', 'unwound']);
  assert.equal((await findOperation(db, id))?.error?.code, 'interrupted');
  assert.deepEqual(await listOpenOperations(db), []);
});

test('does not touch an operation of another version', async () => {
  const { db, world, engine } = await setUp();
  const id = await interrupted(db, 2);
  await engine.recover();
  assert.deepEqual(world.trace, []);
  assert.equal((await findOperation(db, id))?.error?.code, 'operation-version');
});

test('gives three things to exactly three of ten that ask at once, each another', async () => {
  const gate = Promise.withResolvers<void>();
  const slow: Step<{ n: number }> = { name: 'two', timeoutMs: 10_000, do: () => gate.promise };
  const { db, engine } = await setUp({ slow });
  const choose = async (trx: Parameters<typeof takeClaim>[0]) => {
    const taken = await trx.selectFrom('claims').select('resource').execute();
    const n = [1, 2, 3].find((candidate) => !taken.some((claim) => claim.resource === `pi:${candidate}`));
    if (n === undefined) throw new BakeryError('not-found', 'no-free-pi', 'none left');
    return { n };
  };
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => engine.start('toy', choose)));
  const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const claims = await db.selectFrom('claims').select('resource').orderBy('resource').execute();
  assert.deepEqual(
    claims.map((claim) => claim.resource),
    ['pi:1', 'pi:2', 'pi:3'],
  );
  assert.equal(won.length, 3);
  gate.resolve();
  await Promise.all(won.map((operation) => operation.done));
});
