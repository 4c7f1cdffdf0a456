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

/** The number of the newest event, 0 when there never was one: retention keeps the newest, whatever its age. */
export async function newestEvent(ex: Executor): Promise<number> {
  return (await endOfFeed(ex, 'desc')) ?? 0;
}

/** The first or last of the feed, by its primary key; min() and max() in one query would read all of it. */
async function endOfFeed(ex: Executor, order: 'asc' | 'desc'): Promise<number | undefined> {
  return (await ex.selectFrom('events').select('seq').orderBy('seq', order).limit(1).executeTakeFirst())?.seq;
}

/** A stretch of the feed. */
export interface FeedPage {
  readonly events: readonly EventOfFeed[];
  /** What to give as `after` for the next page. */
  readonly next: number;
  /** Events are missing: number `wanted` is not kept any more, or not there yet (an older database was restored). */
  readonly gap: { readonly wanted: number; readonly from: number } | undefined;
}

/** At most `limit` events after number `after`, oldest first; tells when some that would come first are gone. */
export async function readFeed(ex: Executor, page: { after: number; limit: number }): Promise<FeedPage> {
  const events = await listFeed(ex, page);
  const wanted = page.after + 1;
  const next = events.at(-1)?.seq ?? page.after;
  const first = events[0]?.seq;
  if (first === wanted) return { events, next, gap: undefined };
  if (first === undefined) {
    const newest = await newestEvent(ex);
    if (newest >= page.after) return { events, next, gap: undefined };
    return { events, next: newest, gap: { wanted, from: newest + 1 } };
  }
  // Only what is missing at the old end was pruned.
  const oldest = (await endOfFeed(ex, 'asc')) ?? first;
  return { events, next, gap: oldest > wanted ? { wanted, from: first } : undefined };
}
