import { isWanted } from '../core/feed.ts';
import { newestEvent } from './events.ts';
import type { Executor } from './open.ts';
import { listWebhooks } from './webhooks.ts';

/** How many of something there are, by the words that tell them apart. */
export type Tally = ReadonlyMap<string, number>;

/** How many there are of everything that the inventory knows. */
export interface Census {
  /** By state. */
  readonly pis: Tally;
  /** Pis that have a flag, whatever their state. */
  readonly flags: { readonly [F in 'maintenance' | 'quarantine' | 'awaitOff' | 'fault']: number };
  /** By `<role>/<state>`. */
  readonly disks: Tally;
  /** By state. */
  readonly bakeforms: Tally;
  /** Operations that have not ended, by state. */
  readonly operations: Tally;
  readonly trash: number;
  readonly webhooks: WebhookCensus;
}

/** How webhooks fare. */
export interface WebhookCensus {
  readonly all: number;
  /** Those whose next event could not be delivered. */
  readonly failing: number;
  /** Events that the one furthest behind still has to be told. */
  readonly behind: number;
}

function tally(rows: readonly { word: string; count: number }[]): Tally {
  return new Map(rows.map(({ word, count }) => [word, count]));
}

async function tallyOf(ex: Executor, table: 'pis' | 'bakeforms' | 'trash'): Promise<Tally> {
  const column = table === 'trash' ? 'role' : 'state';
  const rows = await ex
    .selectFrom(table)
    .select((eb) => [eb.ref(column).$castTo<string>().as('word'), eb.fn.countAll<number>().as('count')])
    .groupBy(column)
    .execute();
  return tally(rows);
}

async function flagsOf(ex: Executor): Promise<Census['flags']> {
  const rows = await ex.selectFrom('pis').select(['maintenance', 'quarantine', 'await_off', 'fault']).execute();
  const having = (is: (row: (typeof rows)[number]) => boolean) => rows.filter(is).length;
  return {
    maintenance: having((row) => row.maintenance === 1),
    quarantine: having((row) => row.quarantine === 1),
    awaitOff: having((row) => row.await_off === 1),
    fault: having((row) => row.fault !== null),
  };
}

async function disksOf(ex: Executor): Promise<Tally> {
  const rows = await ex
    .selectFrom('disks')
    .select((eb) => ['role', 'state', eb.fn.countAll<number>().as('count')])
    .groupBy(['role', 'state'])
    .execute();
  return tally(rows.map(({ role, state, count }) => ({ word: `${role}/${state}`, count })));
}

async function openOperations(ex: Executor): Promise<Tally> {
  const rows = await ex
    .selectFrom('operations')
    .select((eb) => ['state as word', eb.fn.countAll<number>().as('count')])
    .where('state', 'in', ['running', 'unwinding', 'stuck'])
    .groupBy('state')
    .execute();
  return tally(rows);
}

/** How webhooks fare: what they do not want to know does not count as being behind. */
export async function webhookCensus(ex: Executor): Promise<WebhookCensus> {
  const webhooks = await listWebhooks(ex);
  const newest = await newestEvent(ex);
  let behind = 0;
  for (const { cursor, types } of webhooks.filter((webhook) => webhook.cursor < newest)) {
    const rows = await ex
      .selectFrom('events')
      .select((eb) => ['type', eb.fn.countAll<number>().as('count')])
      .where('seq', '>', cursor)
      .groupBy('type')
      .execute();
    const wanted = rows.filter(({ type }) => isWanted(types, type));
    behind = Math.max(
      behind,
      wanted.reduce((sum, { count }) => sum + count, 0),
    );
  }
  return { all: webhooks.length, failing: webhooks.filter(({ failures }) => failures > 0).length, behind };
}

/** Operations that need a person. */
export async function countStuck(ex: Executor): Promise<number> {
  return (await openOperations(ex)).get('stuck') ?? 0;
}

/** Counts everything. */
export async function takeCensus(ex: Executor): Promise<Census> {
  const trash = await tallyOf(ex, 'trash');
  return {
    pis: await tallyOf(ex, 'pis'),
    flags: await flagsOf(ex),
    disks: await disksOf(ex),
    bakeforms: await tallyOf(ex, 'bakeforms'),
    operations: await openOperations(ex),
    trash: [...trash.values()].reduce((sum, count) => sum + count, 0),
    webhooks: await webhookCensus(ex),
  };
}
