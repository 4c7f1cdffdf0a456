import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { findOperation, listEvents, listOpenOperations, setOperationState, type takeClaim } from '../../db/journal.ts';
import { openDatabase } from '../../db/open.ts';
import { createEngine } from '../../server/operations/engine.ts';
import type { OperationKind, Step } from '../../server/operations/kind.ts';
import { clock, interrupted, kindOf, quiet, setUp, type World } from '../lab/toy-operation.ts';

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

test('a step with no way back: what fails before it is undone, it and what comes behind it never are', async () => {
  const early = await setUp({ noWayBack: 'two', fail: new Set(['do one']) });
  await assert.rejects((await early.engine.start('toy', { n: 1 })).done);
  assert.deepEqual(early.world.trace, ['do one', 'undo one', 'unwound']);

  for (const at of ['two', 'three']) {
    const fail = new Set([`do ${at}`]);
    const { db, world, engine } = await setUp({ noWayBack: 'two', fail });
    const started = await engine.start('toy', { n: 1 });
    await assert.rejects(started.done);
    const tries = [`do ${at}`, `do ${at}`, `do ${at}`];
    assert.deepEqual(world.trace, at === 'two' ? ['do one', ...tries] : ['do one', 'do two', ...tries]);
    assert.equal((await findOperation(db, started.id))?.state, 'stuck');
    fail.clear();
    await (await engine.retry(started.id)).done;
    assert.equal((await findOperation(db, started.id))?.state, 'done');
    assert.ok(!world.trace.some((line) => line.startsWith('undo')));
  }
});

test('a step with no way back: a cancel before it wins, one behind it is too late, and a crash behind it is gone on from', async () => {
  const gate = Promise.withResolvers<void>();
  const slow = { name: 'two', timeoutMs: 10_000, do: () => gate.promise };
  const past = await setUp({ slow: { ...slow, noWayBack: true } });
  const started = await past.engine.start('toy', { n: 1 });
  while ((await listEvents(past.db, started.id)).length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(await past.engine.cancel(started.id), false);
  const next = createEngine({ db: past.db, kinds: [kindOf(past.world, { noWayBack: 'two' })], clock, log: quiet });
  await next.recover();
  assert.deepEqual(past.world.trace, ['do one', 'do two', 'do three', 'commit one,two,three']);
  gate.resolve();
  await started.done.catch(() => undefined);

  // The cancel is in the database, and its signal on the way.
  const { db, world } = await setUp();
  const asked: Step<{ n: number }> = {
    name: 'two',
    timeoutMs: 1_000,
    do: async ({ operation }) =>
      void (await setOperationState(db, operation, { from: ['running'], to: 'unwinding', now: 1 })),
  };
  const kind = kindOf(world, { slow: asked });
  const steps = kind.steps.map((step) => (step.name === 'three' ? { ...step, noWayBack: true as const } : step));
  const cancelled = await createEngine({ db, kinds: [{ ...kind, steps }], clock, log: quiet }).start('toy', { n: 1 });
  await assert.rejects(cancelled.done);
  assert.deepEqual(world.trace, ['do one', 'undo one', 'unwound']);
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
