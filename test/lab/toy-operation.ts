import { BakeryError } from '../../core/errors.ts';
import { systemClock } from '../../core/host/clock.ts';
import type { OperationId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { addOperation, type Requester, takeClaim } from '../../db/journal.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { createEngine } from '../../server/operations/engine.ts';
import type { AfterCrash, OperationKind, Step } from '../../server/operations/kind.ts';

export const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };
export const clock = { ...systemClock, sleep: async () => undefined };

/** What became of its steps. */
export interface World {
  readonly trace: string[];
  readonly effects: Set<string>;
}

/** A kind of three steps that each leave an effect; `fail` names what throws. */
export function kindOf(
  world: World,
  options: { afterCrash?: AfterCrash; fail?: Set<string>; slow?: Step<{ n: number }>; noWayBack?: 'two' },
) {
  const { afterCrash = 'rollback', fail = new Set<string>() } = options;
  const step = (name: string): Step<{ n: number }> => ({
    name,
    timeoutMs: 1_000,
    ...(name === options.noWayBack ? { noWayBack: true as const } : {}),
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

/** An engine over a database of its own that knows this kind only. */
export async function setUp(options: Parameters<typeof kindOf>[1] = {}) {
  const db: Db = await openDatabase(':memory:');
  const world: World = { trace: [], effects: new Set() };
  const engine = createEngine({ db, kinds: [kindOf(world, options)], clock, log: quiet });
  return { db, world, engine };
}

/** What a kill -9 in the middle of step two leaves: one succeeded, two started. */
export async function interrupted(db: Db, version = 1, by?: Requester): Promise<OperationId> {
  const id = '00000000-0000-4000-8000-000000000001' as OperationId;
  await addOperation(db, { id, kind: 'toy', version, params: { n: 1 }, claims: [], by, now: 1 });
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
