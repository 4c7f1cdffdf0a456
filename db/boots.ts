import type { Selectable } from 'kysely';
import type { Boot } from '../core/boot.ts';
import type { PiId } from '../core/ids.ts';
import type { Executor } from './open.ts';
import type { Schema } from './schema.ts';

/** Boots that are kept of one Pi, the newest. */
export const BOOTS_PER_PI = 50;

/** Where a boot stands in the list of its Pi's. */
export interface BootPlace {
  readonly startedAt: number;
  readonly id: string;
}

function toBoot(row: Selectable<Schema['boots']>): Boot {
  const { ended_at: at, ended_by: by } = row;
  return {
    id: row.id,
    pi: row.pi as PiId,
    startedAt: row.started_at,
    heardAt: row.heard_at,
    ended: at === null || by === null ? undefined : { at, by: by as 'next' | 'off' },
    isStopTold: row.stop_told === 1,
    stages: JSON.parse(row.stages),
    facts: JSON.parse(row.facts),
  };
}

/** Those of `ids` that are Pis of the pool. */
export async function knownPis(ex: Executor, ids: readonly PiId[]): Promise<ReadonlySet<PiId>> {
  const rows = await ex.selectFrom('pis').select('id').where('id', 'in', ids).execute();
  return new Set(rows.map(({ id }) => id as PiId));
}

/** Writes a boot down, in the place of what was written of it before; of its Pi the newest are kept. Its Pi must be there. */
export async function saveBoot(ex: Executor, boot: Boot): Promise<void> {
  const row = {
    id: boot.id,
    pi: boot.pi,
    started_at: boot.startedAt,
    heard_at: boot.heardAt,
    ended_at: boot.ended?.at ?? null,
    ended_by: boot.ended?.by ?? null,
    stop_told: boot.isStopTold ? 1 : 0,
    stages: JSON.stringify(boot.stages),
    facts: JSON.stringify(boot.facts),
  };
  await ex
    .insertInto('boots')
    .values(row)
    .onConflict((c) => c.column('id').doUpdateSet(row))
    .execute();
  const beyond = ex
    .selectFrom('boots')
    .select('id')
    .where('pi', '=', boot.pi)
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1_000)
    .offset(BOOTS_PER_PI);
  await ex.deleteFrom('boots').where('id', 'in', beyond).execute();
}

/** At most `limit` boots of a Pi, the newest first; of a page those behind `after`. */
export async function listBootsOf(
  ex: Executor,
  pi: PiId,
  page: { readonly after: BootPlace | undefined; readonly limit: number },
): Promise<Boot[]> {
  let query = ex
    .selectFrom('boots')
    .selectAll()
    .where('pi', '=', pi)
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit);
  if (page.after) {
    const { startedAt, id } = page.after;
    query = query.where((eb) =>
      eb.or([eb('started_at', '<', startedAt), eb.and([eb('started_at', '=', startedAt), eb('id', '<', id)])]),
    );
  }
  return (await query.execute()).map(toBoot);
}

/** The boots that have not ended, one of each Pi at most: its newest. */
export async function listOpenBoots(ex: Executor): Promise<Boot[]> {
  const rows = await ex
    .selectFrom('boots')
    .selectAll()
    .where('ended_at', 'is', null)
    .orderBy('started_at')
    .orderBy('id')
    .execute();
  return [...new Map(rows.map((row) => [row.pi, toBoot(row)])).values()];
}

/** Removes boots that began before `before`, ms since the epoch, and have ended or are long silent. @returns how many went. */
export async function pruneBoots(
  ex: Executor,
  pruning: { readonly before: number | undefined; readonly batch: number; pause(): Promise<void> },
): Promise<number> {
  const { before, batch } = pruning;
  if (before === undefined) return 0;
  for (let gone = 0; ; ) {
    const due = ex
      .selectFrom('boots')
      .select('id')
      .where('started_at', '<', before)
      .where('heard_at', '<', before)
      .orderBy('started_at')
      .limit(batch);
    const { numDeletedRows } = await ex.deleteFrom('boots').where('id', 'in', due).executeTakeFirstOrThrow();
    gone += Number(numDeletedRows);
    if (Number(numDeletedRows) < batch) return gone;
    await pruning.pause();
  }
}
