import type { Disk } from '../../core/disk.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { DiskId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { listClaimed } from '../../db/claims.ts';
import { findDisk, listDisks } from '../../db/disks.ts';
import { addFeedEvent } from '../../db/events.ts';
import { findClaim } from '../../db/journal.ts';
import type { Db } from '../../db/open.ts';
import { listPis, setFault } from '../../db/pis.ts';
import { addTold, listTold, removeTold } from '../../db/told.ts';
import type { Survey } from '../../exports/volumes/survey.ts';
import type { ExportKeeper, Places, VolumePort } from '../operations/ports.ts';
import { mountMissing } from './mounts.ts';

const MISSING = 'volume.missing';

/** What the mounts' keeper acts through. */
export interface MountPorts {
  readonly db: Db;
  readonly volumes: VolumePort;
  readonly exports: ExportKeeper;
  readonly places: Places;
  readonly survey: () => Promise<Survey>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Where a disk's volume is mounted. */
export function placeOf(disk: Pick<Disk, 'id' | 'role' | 'pi'>, places: Places): string {
  return disk.role === 'root' && disk.pi ? places.root(disk.pi) : places.disk(disk.id);
}

/** The mount points at which the volume of the disk that belongs there is seen: what may be exported. */
export function rightlyMounted(disks: readonly Disk[], survey: Survey, places: Places): Set<string> {
  const right = disks.filter((disk) => survey.of({ ...disk, at: placeOf(disk, places) }).mount === 'own');
  return new Set(right.map((disk) => placeOf(disk, places)));
}

/** How the disks stand that are nobody's business but ours: ready, and held by no operation. */
export function sortDisks(
  disks: readonly Disk[],
  facts: { claimed: ReadonlySet<string>; survey: Survey; places: Places },
): { whole: Disk[]; missing: Disk[]; unmounted: Disk[] } {
  const ours = disks.filter(({ id, state }) => state === 'ready' && !facts.claimed.has(`disk:${id}`));
  const seen = ours.map((disk) => ({ disk, ...facts.survey.of({ ...disk, at: placeOf(disk, facts.places) }) }));
  const pick = (is: (entry: (typeof seen)[number]) => boolean) => seen.filter(is).map(({ disk }) => disk);
  return {
    whole: pick(({ isThere, mount }) => isThere && mount === 'own'),
    missing: pick(({ isThere }) => !isThere),
    unmounted: pick(({ isThere, mount }) => isThere && mount !== 'own'),
  };
}

const faultsOf = ({ id }: Disk) => ({
  missing: `the volume of its disk ${id} is missing`,
  unmounted: `its disk ${id} cannot be mounted`,
});

async function tellMissing(ports: MountPorts, disks: readonly Disk[]): Promise<void> {
  const { db, clock, log } = ports;
  const told = await listTold(db, MISSING);
  for (const disk of disks) {
    // An operation may have taken it, and its volume with it, while we looked.
    if ((await findDisk(db, disk.id))?.state !== 'ready' || (await findClaim(db, `disk:${disk.id}`))) continue;
    const fault = faultsOf(disk).missing;
    if (disk.pi) await setFault(db, disk.pi, fault, clock.now());
    if (told.has(disk.id)) continue;
    log.error({ disk: disk.id, pi: disk.pi }, 'the volume of a disk is missing');
    await db.transaction().execute(async (trx) => {
      await addTold(trx, MISSING, disk.id);
      await addFeedEvent(trx, { type: MISSING, disk: disk.id, pi: disk.pi }, clock.now());
    });
  }
}

/** What was wrong with them is so no more. */
async function clearFaults(ports: MountPorts, whole: readonly Disk[], all: readonly Disk[]): Promise<void> {
  const { db, clock } = ports;
  const faulty = new Map((await listPis(db)).flatMap(({ id, fault }) => (fault ? [[id, fault]] : [])));
  for (const disk of faulty.size > 0 ? whole : []) {
    const fault = disk.pi && faulty.get(disk.pi);
    if (!disk.pi || !fault || !Object.values(faultsOf(disk)).includes(fault)) continue;
    await setFault(db, disk.pi, null, clock.now());
  }
  for (const id of await listTold(db, MISSING)) {
    const back = whole.find((disk) => disk.id === id);
    // A disk that is no more is not missed.
    if (!back && all.some((disk) => disk.id === id)) continue;
    await db.transaction().execute(async (trx) => {
      await removeTold(trx, MISSING, id);
      if (back) await addFeedEvent(trx, { type: 'volume.found', disk: back.id, pi: back.pi }, clock.now());
    });
  }
}

/**
 * Mounts again what somebody has unmounted, and tells what is missing, once. A lazy unmount leaves the NFS server holding the file
 * system: it must let go before the volume can be mounted, so that no volume is ever mounted twice.
 */
export async function repairMounts(ports: MountPorts): Promise<void> {
  const { db, places, clock, log } = ports;
  const disks = await listDisks(db);
  const claimed = await listClaimed(db);
  const { whole, missing, unmounted } = sortDisks(disks, { claimed, survey: await ports.survey(), places });
  await tellMissing(ports, missing);
  await clearFaults(ports, whole, disks);
  if (unmounted.length === 0) return;
  await ports.exports.converge([]);
  const only = new Set<DiskId>(unmounted.map(({ id }) => id));
  for (const disk of (await mountMissing({ ...ports, only })).mounted) {
    log.warn({ disk: disk.id, pi: disk.pi }, 'mounted a volume that somebody had unmounted');
    await addFeedEvent(db, { type: 'mount.repaired', disk: disk.id, pi: disk.pi }, clock.now());
  }
}
