import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import { mintOperationId, type OperationId, type PiId } from '../../core/ids.ts';
import { addOperation, findOperation, setOperationState } from '../../db/journal.ts';
import { openDatabase } from '../../db/open.ts';
import { addPi } from '../../db/pis.ts';
import { createEngine } from '../../server/operations/engine.ts';
import type { OperationKind, Step } from '../../server/operations/kind.ts';
import { clock, kindOf, quiet } from '../lab/toy-operation.ts';

/** A kind whose one step begins a toy under an id minted before, waits for its end and tells its state. */
function parentOf(child: OperationId, told: string[]): OperationKind<never> {
  const kind: OperationKind<object> = {
    kind: 'parent',
    version: 1,
    afterCrash: 'resume',
    onlyWaits: true,
    parse: () => ({}),
    claims: () => [],
    admit: async () => undefined,
    steps: [
      {
        name: 'run',
        timeoutMs: 60_000,
        async do({ others }) {
          if (!(await others.ended(child))) {
            await others.start('toy', async () => ({ n: 1 }), { id: child, by: { actor: 'ann', request: 'r' } });
          }
          told.push((await others.ended(child))?.state ?? 'there is none');
        },
      },
    ],
    commit: async () => undefined,
  };
  return kind as unknown as OperationKind<never>;
}

test('an operation begins another under an id minted before, and waits for its end, also when it had no part in a restart', async () => {
  const db = await openDatabase(':memory:');
  const gate = Promise.withResolvers<void>();
  const slow: Step<{ n: number }> = { name: 'two', timeoutMs: 60_000, do: () => gate.promise };
  const [child, told, world] = [mintOperationId(), [] as string[], { trace: [], effects: new Set<string>() }];
  const kinds = [kindOf(world, { slow, afterCrash: 'resume' }), parentOf(child, told)];
  const parent = await createEngine({ db, kinds, clock, log: quiet }).start('parent', {});
  while ((await findOperation(db, child)) === undefined) await new Promise((resolve) => setImmediate(resolve));
  const begun = await findOperation(db, child);
  assert.deepEqual([begun?.kind, begun?.state, begun?.by?.actor], ['toy', 'running', 'ann']);

  // Another process: both are recovered, and the parent finds the one that it began.
  const next = createEngine({ db, kinds, clock: systemClock, log: quiet });
  const recovered = next.recover();
  gate.resolve();
  await recovered;
  assert.ok(told.every((state) => state === 'done') && told.length > 0, told.join());
  assert.equal((await findOperation(db, parent.id))?.state, 'done');
  assert.equal((await db.selectFrom('operations').selectAll().execute()).length, 2, 'the child was begun once');
});

// A limit: it would be waited for for a minute.
test('a server that stops waits for what is being done, and not for what only waits for it', {
  timeout: 20_000,
}, async () => {
  const db = await openDatabase(':memory:');
  const [child, told] = [mintOperationId(), [] as string[]];
  const slow: Step<{ n: number }> = { name: 'two', timeoutMs: 60_000, do: () => new Promise(() => undefined) };
  const world = { trace: [], effects: new Set<string>() };
  const engine = createEngine({
    db,
    kinds: [kindOf(world, { slow }), parentOf(child, told)],
    clock: systemClock,
    log: quiet,
  });
  // What the parent waits for is no run of this server.
  await addOperation(db, { id: child, kind: 'toy', version: 1, params: { n: 1 }, claims: [], by: undefined, now: 1 });
  const parent = await engine.start('parent', {});
  // Nor for one whose Pi waits for its turn to be switched on, from the moment that it does.
  const pi = '5564247d' as PiId;
  await addPi(db, { id: pi, quarantine: false, confirmed: true, now: 1 });
  const powerOn = {
    ...kindOf(world, { slow }),
    kind: 'power',
    claims: () => [{ resource: `pi:${pi}`, purpose: 'power' }],
  };
  const other = createEngine({ db, kinds: [powerOn], clock: systemClock, log: quiet });
  await other.start('power', { n: 3 });
  let looks = 0;
  await other.drain(60_000, (of) => of === pi && ++looks > 2);
  assert.ok(looks > 2);
  await engine.drain(60_000);
  assert.equal((await findOperation(db, parent.id))?.state, 'running', 'it goes on after the next start');
  await assert.rejects(engine.start('toy', { n: 2 }), { code: 'stopping' });
  await setOperationState(db, child, { from: ['running'], to: 'done', now: 2 });
  await parent.done;
});
