/** An event as it is told to those who listen: a line of a stream, a page, the body of a webhook. */
export interface ToldEvent {
  /** Its place in the order of commits. */
  readonly seq: number;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly type: string;
  readonly operation?: string;
  readonly pi?: string;
  readonly disk?: string;
  readonly bakeform?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What `tellEvent` needs to know of an event. */
export interface EventFacts {
  readonly seq: number;
  /** ms since the epoch. */
  readonly at: number;
  readonly type: string;
  readonly operation?: string | undefined;
  readonly pi?: string | undefined;
  readonly disk?: string | undefined;
  readonly bakeform?: string | undefined;
  readonly data: object;
}

/** An event as it is told outside; subjects it does not have are left out. */
export function tellEvent(event: EventFacts): ToldEvent {
  const { seq, type, operation, pi, disk, bakeform, data } = event;
  return {
    seq,
    at: new Date(event.at).toISOString(),
    type,
    ...(operation === undefined ? {} : { operation }),
    ...(pi === undefined ? {} : { pi }),
    ...(disk === undefined ? {} : { disk }),
    ...(bakeform === undefined ? {} : { bakeform }),
    data: { ...data },
  };
}

/** What names types of events: one (`operation.done`), all of a kind (`operation.*`), or all (`*`). */
export const TYPE_FILTER = /^(?:\*|[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*(?:\.\*)?)$/;

/** True when `type` is one of those that `filters` name; no filter names all. */
export function isWanted(filters: readonly string[], type: string): boolean {
  if (filters.length === 0) return true;
  return filters.some((filter) => (filter.endsWith('*') ? type.startsWith(filter.slice(0, -1)) : type === filter));
}
