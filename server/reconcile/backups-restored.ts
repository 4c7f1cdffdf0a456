import { z } from 'zod';
import { describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import { settleBackup } from '../../db/backup-mark.ts';
import { listDisks } from '../../db/disks.ts';
import { listOpenOperations } from '../../db/journal.ts';
import type { Db } from '../../db/open.ts';
import { readSetting, writeSetting } from '../../db/settings.ts';
import type { Survey } from '../../exports/volumes/survey.ts';
import type { Engine } from '../operations/engine.ts';
import type { Places, VolumePort } from '../operations/ports.ts';
import { placeOf } from './drift-mounts.ts';

const SPARED = 'spared-volumes';
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** Volumes that no operation deletes: what was half made in a backup may be whole by now, and hold what somebody wrote. */
export async function sparedVolumes(db: Db): Promise<Set<string>> {
  return new Set(z.array(z.string()).parse(JSON.parse((await readSetting(db, SPARED)) ?? '[]')));
}

/** The same volumes, but those that are spared go to the trash, where the others are deleted; golden ones and snapshots stay. */
export function sparing<V extends VolumePort>(volumes: V, spared: ReadonlySet<string>): V {
  if (spared.size === 0) return volumes;
  return {
    ...volumes,
    async remove(volume) {
      if (!spared.has(volume.id)) await volumes.remove(volume);
      // Who says which file system is meant may mean another than the one that is there.
      else if (volume.fsUuid === undefined) await volumes.discard(volume);
    },
    removeSnapshot: async ({ id }) => void (spared.has(id) || (await volumes.removeSnapshot({ id }))),
    removeGolden: async (id) => void (spared.has(id) || (await volumes.removeGolden(id))),
  };
}

/** Notes every volume that an open operation of the backup names, before any of them can be undone by a person. */
export async function spareOpen(db: Db): Promise<Set<string>> {
  const spared = await sparedVolumes(db);
  for (const { params } of await listOpenOperations(db)) {
    for (const [id] of JSON.stringify(params).matchAll(UUID)) spared.add(id);
  }
  await writeSetting(db, SPARED, JSON.stringify([...spared]));
  return spared;
}

/**
 * Lets go of what the older database does not know, or knows to be elsewhere: its exports are withdrawn, its mounts unmounted. The
 * volumes stay as they are. A mount point that is in the way would have another Pi's data served, and a bake fail.
 */
export async function letGoOfUnknown(ports: {
  db: Db;
  /** Has the NFS server let go of what is in no place where it should be. */
  withdraw: () => Promise<void>;
  survey: () => Promise<Survey>;
  places: Places;
  nfsFolder: string;
  unmount: (mountPoint: string) => Promise<void>;
  log: Log;
}): Promise<string[]> {
  const { db, places, log } = ports;
  // Nothing that stays mounted in the wrong place is desired, so this withdraws it.
  await ports.withdraw();
  const rightful = new Map((await listDisks(db)).map((disk) => [placeOf(disk, places), disk.id as string]));
  const released: string[] = [];
  for (const { id, mountPoint } of (await ports.survey()).mounted) {
    if (!mountPoint.startsWith(`${ports.nfsFolder}/`) || rightful.get(mountPoint) === id) continue;
    try {
      await ports.unmount(mountPoint);
      released.push(id);
    } catch (error) {
      log.error({ volume: id, error: describeError(error) }, 'a volume that the database does not know stays mounted');
    }
  }
  if (released.length > 0)
    log.warn({ volumes: released }, 'unmounted volumes that the restored database does not know');
  return released;
}

/**
 * Ends the first start on a restored database: everything that was open in it is held for a person, then it stops being a backup.
 * A crash before that end repeats all of it.
 */
export async function settleRestored(ports: {
  db: Db;
  engine: Pick<Engine, 'recover'>;
  madeAt: number;
  unmounted: readonly string[];
  clock: Clock;
  log: Log;
}): Promise<void> {
  const { db, clock, log } = ports;
  const held = (await listOpenOperations(db)).map(({ id }) => id);
  await ports.engine.recover('restore');
  const data = { madeAt: new Date(ports.madeAt).toISOString(), held, unmounted: ports.unmounted };
  await db.transaction().execute((trx) => settleBackup(trx, { now: clock.now(), data }));
  log.warn(data, 'this database was restored from a backup; what was under way in it is held');
}
