import { randomInt } from 'node:crypto';
import { z } from 'zod';
import type { Executor } from './open.ts';
import { readSetting, removeSetting, writeSetting } from './settings.ts';

/** The setting that says: this is a copy, the world has gone on without it. */
export const MARK = 'backup';

const Mark = z.object({ at: z.number() });

/** When the copy was made that this database is, in ms since the epoch; undefined for one that no backup was put in the place of. */
export async function findBackupMark(ex: Executor): Promise<number | undefined> {
  const value = await readSetting(ex, MARK);
  return value === undefined ? undefined : Mark.parse(JSON.parse(value)).at;
}

/** What is in the trash of a restored database is kept for so much longer: it may lie there for another reason by now. */
export const GRACE_MS = 24 * 3_600_000;
/** Far beyond what was told since any backup: whoever has seen events up to a number sees what comes after a restore. */
const EVENTS_AHEAD = 1_000_000;
/** Of 65,535 export ids in a circle, how far to jump: beyond those given out since any backup, short of those given out before it. */
const EXPORTS_AHEAD = [16_384, 49_152] as const;

/**
 * Ends what makes a database a backup: nothing that was given out since it was made is given out again, nothing in its trash is
 * due, and the feed tells it. Repeated by a start that follows a crash, it does it all again.
 */
export async function settleBackup(trx: Executor, facts: { now: number; data: object }): Promise<void> {
  const last = Number((await readSetting(trx, 'last-export-id')) ?? 0);
  await writeSetting(trx, 'last-export-id', String(((last + randomInt(...EXPORTS_AHEAD)) % 65_535) + 1));
  await trx
    .updateTable('trash')
    .set((eb) => ({ kept_ms: eb.fn<number>('min', ['kept_ms', eb.val(-GRACE_MS)]) }))
    .execute();
  const newest = await trx.selectFrom('events').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst();
  await trx
    .insertInto('events')
    .values({
      seq: (newest?.seq ?? 0) + EVENTS_AHEAD,
      at: facts.now,
      type: 'database.restored',
      data: JSON.stringify(facts.data),
    })
    .execute();
  await removeSetting(trx, MARK);
}
