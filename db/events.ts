import type { Selectable } from 'kysely';
import type { BakeformName, DiskId, OperationId, PiId } from '../core/ids.ts';
import type { Executor } from './open.ts';
import type { Schema } from './schema.ts';

/** Something that happened, to be told to whoever listens. Types are documented in docs/events.md. */
export interface NewEvent {
  /** `<thing>.<what>`, as `operation.done` or `pi.state`. */
  readonly type: string;
  readonly operation?: OperationId | undefined;
  readonly pi?: PiId | undefined;
  readonly disk?: DiskId | undefined;
  readonly bakeform?: BakeformName | undefined;
  readonly data?: object;
}

/** An event with its place in the order of commits. */
export interface EventOfFeed {
  readonly seq: number;
  /** ms since the epoch. */
  readonly at: number;
  readonly type: string;
  readonly operation: OperationId | undefined;
  readonly pi: PiId | undefined;
  readonly disk: DiskId | undefined;
  readonly bakeform: BakeformName | undefined;
  readonly data: object;
}

function toEvent(row: Selectable<Schema['events']>): EventOfFeed {
  return {
    seq: row.seq,
    at: row.at,
    type: row.type,
    operation: (row.operation ?? undefined) as OperationId | undefined,
    pi: (row.pi ?? undefined) as PiId | undefined,
    disk: (row.disk ?? undefined) as DiskId | undefined,
    bakeform: (row.bakeform ?? undefined) as BakeformName | undefined,
    data: JSON.parse(row.data),
  };
}

/** Appends to the feed. In a transaction it is told if and only if that commits. */
export async function addFeedEvent(ex: Executor, event: NewEvent, now: number): Promise<void> {
  await ex
    .insertInto('events')
    .values({
      at: now,
      type: event.type,
      operation: event.operation ?? null,
      pi: event.pi ?? null,
      disk: event.disk ?? null,
      bakeform: event.bakeform ?? null,
      data: JSON.stringify(event.data ?? {}),
    })
    .execute();
}

/** At most `limit` events after the one with number `after`, oldest first. */
export async function listFeed(ex: Executor, page: { after: number; limit: number }): Promise<EventOfFeed[]> {
  const rows = await ex
    .selectFrom('events')
    .selectAll()
    .where('seq', '>', page.after)
    .orderBy('seq')
    .limit(page.limit)
    .execute();
  return rows.map(toEvent);
}

/** The numbers of the oldest and the newest event kept; 0 when there is none. */
export async function feedBounds(ex: Executor): Promise<{ oldest: number; newest: number }> {
  const row = await ex
    .selectFrom('events')
    .select((eb) => [eb.fn.min('seq').as('oldest'), eb.fn.max('seq').as('newest')])
    .executeTakeFirst();
  return { oldest: row?.oldest ?? 0, newest: row?.newest ?? 0 };
}
