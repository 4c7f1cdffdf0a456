import { atomically, type Db, type Executor } from './open.ts';

/** What goes, and how it is taken. */
export interface Pruning {
  /** What is older goes, ms since the epoch; undefined when the clock cannot be trusted. */
  readonly before: number | undefined;
  /** How many rows may stay, whatever their age. */
  readonly keep: number;
  /** How many rows go in one transaction: for so long nobody else has the one connection. */
  readonly batch: number;
  /** Lets others have their turn between two batches. */
  pause(): Promise<void>;
}

/** Rows stepped over in one read when a table is measured. */
const STRIDE = 20_000;

/** The number of the newest row that has at least `keep` newer ones; 0 when there is none. */
async function lastBeyond(db: Db, table: 'events' | 'audit', pruning: Pruning): Promise<number> {
  const end = async (order: 'asc' | 'desc') =>
    (await db.selectFrom(table).select('seq').orderBy('seq', order).limit(1).executeTakeFirst())?.seq;
  const [oldest, newest] = [await end('asc'), await end('desc')];
  // No number is used twice, so there are no more rows than numbers.
  if (oldest === undefined || newest === undefined || newest - oldest < pruning.keep) return 0;
  let seq = newest + 1;
  for (let left = pruning.keep; left >= 0; ) {
    const step = Math.min(STRIDE, left);
    const row = await db
      .selectFrom(table)
      .select('seq')
      .where('seq', '<', seq)
      .orderBy('seq', 'desc')
      .offset(step)
      .limit(1)
      .executeTakeFirst();
    if (!row) return 0;
    seq = row.seq;
    left -= step + 1;
    await pruning.pause();
  }
  return seq;
}

/**
 * Prunes a table that only ever grows at its end. What goes is always its beginning: a row in the middle is kept until all before
 * it are due, so that readers can tell what is missing by where it begins. The newest stays: the feed goes on counting there.
 * @returns how many rows went.
 */
async function pruneBeginning(db: Db, table: 'events' | 'audit', pruning: Pruning): Promise<number> {
  const { before, batch } = pruning;
  const beyond = await lastBeyond(db, table, pruning);
  for (let gone = 0; ; ) {
    const rows = await db
      .selectFrom(table)
      .select(['seq', 'at'])
      .orderBy('seq')
      .limit(batch + 1)
      .execute();
    const isDue = ({ seq, at }: { seq: number; at: number }) => seq <= beyond || (before !== undefined && at < before);
    const firstKept = rows.findIndex((row) => !isDue(row));
    const due = rows.slice(0, Math.min(firstKept === -1 ? rows.length : firstKept, rows.length - 1));
    const last = due.at(-1);
    if (!last) return gone;
    await db.deleteFrom(table).where('seq', '<=', last.seq).execute();
    gone += due.length;
    if (due.length < batch) return gone;
    await pruning.pause();
  }
}

/** Prunes the feed. @returns how many events went. */
export function pruneEvents(db: Db, pruning: Pruning): Promise<number> {
  return pruneBeginning(db, 'events', pruning);
}

/** Prunes the audit. @returns how many entries went. */
export function pruneAudit(db: Db, pruning: Pruning): Promise<number> {
  return pruneBeginning(db, 'audit', pruning);
}

/** Operations that are history: they have ended and hold nothing. An open one is somebody's business, however old. */
function endedOperations(ex: Executor) {
  return ex
    .selectFrom('operations')
    .where('state', 'in', ['done', 'failed'])
    .where('id', 'not in', ex.selectFrom('claims').select('operation'));
}

/**
 * Prunes operations that have ended, the oldest first, with their history and the idempotency keys that lead to them: a key
 * without its operation would be answered with nothing.
 * @returns how many operations went.
 */
export async function pruneOperations(db: Db, pruning: Pruning): Promise<number> {
  const { before, keep, batch } = pruning;
  const all = await endedOperations(db)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirst();
  const over = Number(all?.count ?? 0) - keep;
  for (let gone = 0; ; ) {
    const size = await atomically(db, async (trx) => {
      let oldest = endedOperations(trx).select('id').orderBy('created_at').orderBy('id');
      if (gone < over) oldest = oldest.limit(Math.min(over - gone, batch));
      else if (before === undefined) return 0;
      else oldest = oldest.where('created_at', '<', before).where('ended_at', '<', before).limit(batch);
      const ids = (await oldest.execute()).map(({ id }) => id);
      if (ids.length === 0) return 0;
      await trx.deleteFrom('idempotency_keys').where('operation', 'in', ids).execute();
      await trx.deleteFrom('operations').where('id', 'in', ids).execute();
      return ids.length;
    });
    gone += size;
    if (size === 0) return gone;
    await pruning.pause();
  }
}

/**
 * Prunes idempotency keys, the oldest first. Those of open operations stay: their clients still ask.
 * @returns how many keys went.
 */
export async function pruneKeys(db: Db, pruning: Pruning): Promise<number> {
  const { before, keep, batch } = pruning;
  const open = db.selectFrom('operations').select('id').where('state', 'not in', ['done', 'failed']);
  const all = await db
    .selectFrom('idempotency_keys')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirst();
  const over = Number(all?.count ?? 0) - keep;
  for (let gone = 0; ; ) {
    let oldest = db
      .selectFrom('idempotency_keys')
      .select(['actor', 'key'])
      .where('operation', 'not in', open)
      .orderBy('created_at');
    if (gone < over) oldest = oldest.limit(Math.min(over - gone, batch));
    else if (before === undefined) return gone;
    else oldest = oldest.where('created_at', '<', before).limit(batch);
    const due = await oldest.execute();
    if (due.length === 0) return gone;
    await db
      .deleteFrom('idempotency_keys')
      .where((eb) => eb.or(due.map((key) => eb.and([eb('actor', '=', key.actor), eb('key', '=', key.key)]))))
      .execute();
    gone += due.length;
    await pruning.pause();
  }
}
