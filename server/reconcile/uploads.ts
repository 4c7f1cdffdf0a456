import type { Clock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Db } from '../../db/open.ts';
import { ageUploads, listUploads, removeUpload, touchUpload, UPLOAD_KEPT_MS } from '../../db/uploads.ts';
import type { Uploads } from '../../exports/images/uploads.ts';

/** Deletes uploads that nobody goes on with. */
export interface UploadKeeper {
  /** Counts the time since the last call, and deletes what has been idle for long enough. */
  tidy(): Promise<void>;
}

/** Builds it. The idle time is counted by a clock that nobody can set, as the age of the trash is. */
export function createUploadKeeper(options: {
  db: Db;
  uploads: Pick<Uploads, 'isComing' | 'remove'>;
  clock: Clock;
  log: Log;
}): UploadKeeper {
  const { db, uploads, clock, log } = options;
  let countedAt = clock.monotonic();
  return {
    async tidy() {
      const now = clock.monotonic();
      await ageUploads(db, now - countedAt);
      countedAt = now;
      for (const { id, idleMs } of await listUploads(db)) {
        if (uploads.isComing(id)) await touchUpload(db, id);
        else if (idleMs >= UPLOAD_KEPT_MS) {
          log.info({ upload: id }, 'nobody went on with an upload; it is deleted');
          await uploads.remove(id, () => removeUpload(db, id));
        }
      }
    },
  };
}
