import { BakeryError, describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Db } from '../../db/open.ts';
import { ageTrash, listTrash, type TrashedDisk } from '../../db/trash.ts';
import type { Engine } from '../operations/engine.ts';

/** How many disks one round deletes at most: what else runs must get its turn. */
const AT_ONCE = 20;

/** Empties the trash, what has been kept the longest first. */
export interface TrashKeeper {
  /** Counts the time since the last call, and deletes what has been kept for long enough. @returns how many. */
  tidy(): Promise<number>;
  /** Deletes the oldest there is, whatever its age: the pool is low. False when the trash is empty. */
  makeRoom(): Promise<boolean>;
}

/**
 * Builds it. The age of what lies in the trash is counted by the servers that kept it, by a clock that nobody can set: a
 * machine that boots with a wrong date, or none, deletes nothing before its time.
 */
export function createTrashKeeper(options: {
  db: Db;
  engine: Engine;
  keepMs: number;
  clock: Clock;
  log: Log;
}): TrashKeeper {
  const { db, engine, keepMs, clock, log } = options;
  let countedAt = clock.monotonic();

  async function purge(disk: TrashedDisk): Promise<boolean> {
    try {
      await (await engine.start('purge', { disk: disk.id })).done;
      return true;
    } catch (error) {
      // A person may be restoring it.
      if (error instanceof BakeryError && ['busy', 'not-in-trash'].includes(error.code)) return false;
      log.warn({ disk: disk.id, error: describeError(error) }, 'a disk in the trash could not be deleted');
      return false;
    }
  }
  return {
    async tidy() {
      const now = clock.monotonic();
      await ageTrash(db, now - countedAt);
      countedAt = now;
      const due = (await listTrash(db)).filter((disk) => disk.keptMs >= keepMs).slice(0, AT_ONCE);
      let purged = 0;
      for (const disk of due) if (await purge(disk)) purged++;
      return purged;
    },
    async makeRoom() {
      for (const disk of await listTrash(db)) if (await purge(disk)) return true;
      return false;
    },
  };
}
