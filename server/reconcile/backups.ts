import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import { removeFile } from '../../core/host/files.ts';
import type { Log } from '../../core/log.ts';
import { backUp } from '../../db/backup.ts';
import { backupName, outdated } from '../../db/backup-files.ts';
import { addFeedEvent } from '../../db/events.ts';
import type { Db } from '../../db/open.ts';
import { readSetting, writeSetting } from '../../db/settings.ts';

/** When the last one was made, so that restarts neither put it off nor add one. */
const LAST = 'last-backup-at';
/** After a failure, the next attempt. */
const AGAIN_MS = 3_600_000;

/** True when it is time; also when the last one lies in the future: then the clock was set. */
export function isDue(last: number | undefined, now: number, everyMs: number): boolean {
  return last === undefined || last > now || now - last >= everyMs;
}

/** Makes backups by schedule. */
export interface BackupKeeper {
  /** Makes one when it is due, and deletes the oldest. @returns its name. */
  tidy(): Promise<string | undefined>;
  /** How often one is made, when the last was, and whether the last attempt failed. */
  report(): Promise<{ readonly everyMs: number; readonly last: number | undefined; readonly failed: boolean }>;
}

/** Builds it; `file` is the database, `folder` where the copies go. With `everyMs` 0 it never makes any. */
export function createBackupKeeper(options: {
  db: Db;
  file: string;
  folder: string;
  everyMs: number;
  keep: number;
  clock: Clock;
  log: Log;
}): BackupKeeper {
  const { db, file, folder, everyMs, keep, clock, log } = options;
  let notBefore = Number.NEGATIVE_INFINITY;
  let failed = false;

  async function lastAt(): Promise<number | undefined> {
    const last = await readSetting(db, LAST);
    return last === undefined ? undefined : Number(last);
  }

  async function make(): Promise<string> {
    const name = backupName(clock.now());
    // Copies hold all that the database does, webhooks' secrets too.
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await backUp({ from: file, to: join(folder, name), replace: false, now: clock.now() });
    await db.transaction().execute(async (trx) => {
      await writeSetting(trx, LAST, String(clock.now()));
      await addFeedEvent(trx, { type: 'backup.done', data: { name } }, clock.now());
    });
    log.info({ name }, 'made a backup of the database');
    for (const old of outdated(await readdir(folder), { keep, made: name })) await removeFile(join(folder, old));
    return name;
  }
  return {
    report: async () => ({ everyMs, last: await lastAt(), failed }),
    async tidy() {
      const last = await lastAt();
      if (everyMs === 0 || clock.monotonic() < notBefore) return undefined;
      if (!isDue(last, clock.now(), everyMs)) return undefined;
      try {
        const name = await make();
        failed = false;
        return name;
      } catch (error) {
        failed = true;
        notBefore = clock.monotonic() + Math.min(everyMs, AGAIN_MS);
        log.error({ error: describeError(error) }, 'the backup of the database failed');
        const { code, message } =
          error instanceof BakeryError ? error : { code: 'internal', message: 'an internal error occurred' };
        await addFeedEvent(db, { type: 'backup.failed', data: { error: { code, message } } }, clock.now());
        return undefined;
      }
    },
  };
}
