import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import type { OperationId } from '../../core/ids.ts';
import { scopedLog } from '../../core/log.ts';
import { openDatabase } from '../../db/open.ts';
import { createEngine } from '../../server/operations/engine.ts';
import type { AfterCrash, OperationKind, Step } from '../../server/operations/kind.ts';
import type { WorkWatch } from '../../server/operations/watch.ts';
import { clock, interrupted, kindOf, quiet, type World } from '../lab/toy-operation.ts';

/** Every line that is written, with its fields. */
function keepLines() {
  const lines: Record<string, unknown>[] = [];
  const keep = (fields: object, message: string) => void lines.push({ ...fields, message });
  return { lines, ...scopedLog({ debug: keep, info: keep, warn: keep, error: keep }) };
}

const BY = { actor: 'ci', request: 'request-1' };

test('every line of an operation says for whom it is, and of a step which, whoever writes it; others say nothing of it', async () => {
  const db = await openDatabase(':memory:');
  const { lines, log, scope } = keepLines();
  const step = (name: string, message: string): Step<{ n: number }> => ({
    name,
    timeoutMs: 1_000,
    async do() {
      await new Promise((resolve) => setTimeout(resolve, 5));
      // As a volume would, that knows of no operation.
      log.info({ volume: 7 }, message);
      if (name === 'bad') throw new BakeryError('unavailable', 'broken', 'it is broken');
    },
    undo: async () => log.info({}, `undo ${message}`),
  });
  const world: World = { trace: [], effects: new Set() };
  const kind = {
    ...kindOf(world, {}),
    steps: [step('good', 'a'), step('bad', 'b')],
  } as unknown as OperationKind<never>;
  const engine = createEngine({ db, kinds: [kind], clock, log, scope });
  const [one, two] = [await engine.start('toy', { n: 1 }, { by: BY }), await engine.start('toy', { n: 2 })];
  log.info({}, 'outside');
  await Promise.allSettled([one.done, two.done]);
  const of = (id: OperationId) => lines.filter(({ operation }) => operation === id);
  assert.equal(of(one.id).length + of(two.id).length, lines.length - 1, 'two operations at once do not mix');
  assert.deepEqual(
    of(one.id).map(({ message, step: name }) => [message, name]),
    [
      ['operation started', undefined],
      ['a', 'good'],
      ['step done', 'good'],
      ['b', 'bad'],
      ['step failed', 'bad'],
      ['operation failed; undoing it', undefined],
      ['undo b', 'bad'],
      ['step undone', 'bad'],
      ['undo a', 'good'],
      ['step undone', 'good'],
    ],
  );
  for (const line of of(one.id)) assert.deepEqual([line.kind, line.actor, line.request], ['toy', 'ci', 'request-1']);
  assert.deepEqual(
    lines.find(({ message }) => message === 'outside'),
    { message: 'outside' },
  );
});

test('lines of an operation that a crash interrupted still say for whom it is', async () => {
  const db = await openDatabase(':memory:');
  const { lines, log, scope } = keepLines();
  const id = await interrupted(db, 1, BY);
  const world: World = { trace: [], effects: new Set() };
  await createEngine({ db, kinds: [kindOf(world, { afterCrash: 'resume' })], clock, log, scope }).recover();
  const done = lines.find(({ message }) => message === 'operation done');
  assert.deepEqual(done, { operation: id, kind: 'toy', ...BY, message: 'operation done' });
});

test('each step and operation that ends is told once, with how it ended', async () => {
  const told: string[] = [];
  const watch: WorkWatch = {
    step: ({ kind, step, outcome }) => void told.push(`${kind} ${step} ${outcome}`),
    operation: ({ kind, outcome }) => void told.push(`${kind} ${outcome}`),
  };
  const fails: [string[], AfterCrash, string[]][] = [
    [[], 'rollback', ['one done', 'two done', 'three done', 'done']],
    [['do two'], 'rollback', ['one done', 'two failed', 'two undone', 'one undone', 'failed']],
    [['do two', 'undo two'], 'rollback', ['one done', 'two failed', 'two undo-failed', 'stuck']],
    [['do one'], 'forward', ['one failed', 'one failed', 'one failed', 'stuck']],
  ];
  for (const [fail, afterCrash, expected] of fails) {
    const db = await openDatabase(':memory:');
    const world: World = { trace: [], effects: new Set() };
    const kinds = [kindOf(world, { fail: new Set(fail), afterCrash })];
    const engine = createEngine({ db, kinds, clock, log: quiet, watch });
    await (await engine.start('toy', { n: 1 })).done.catch(() => undefined);
    assert.deepEqual(
      told.splice(0),
      expected.map((end) => `toy ${end}`),
    );
  }
});
