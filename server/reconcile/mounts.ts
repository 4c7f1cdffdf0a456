import type { Disk } from '../../core/disk.ts';
import { describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { DiskId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { findDisk, listDisks } from '../../db/disks.ts';
import { findClaim } from '../../db/journal.ts';
import type { Db } from '../../db/open.ts';
import { findPi, setFault } from '../../db/pis.ts';
import type { Places, VolumePort } from '../operations/ports.ts';

/**
 * Mounts every ready disk's volume that is not mounted; adopts those that are. One that cannot be mounted is a fault of
 * its Pi, cleared when it can, and keeps nobody else from starting. A disk that an operation holds is the operation's: to
 * mount it here would work against an unbake that has just unmounted it. With `only` it looks at no others.
 * @returns which are mounted now, and which cannot be.
 */
export async function mountMissing(ports: {
  db: Db;
  volumes: VolumePort;
  places: Places;
  clock: Pick<Clock, 'now'>;
  log: Log;
  only?: ReadonlySet<DiskId>;
}): Promise<{ mounted: Disk[]; failed: Disk[] }> {
  const { db, volumes, places, clock, log } = ports;
  const isOurs = async (disk: Disk) =>
    (await findDisk(db, disk.id))?.state === 'ready' && !(await findClaim(db, `disk:${disk.id}`));
  const mounted: Disk[] = [];
  const failed: Disk[] = [];
  for (const disk of await listDisks(db)) {
    if (ports.only?.has(disk.id) === false || !(await isOurs(disk))) continue;
    const fault = `its disk ${disk.id} cannot be mounted`;
    const at = disk.role === 'root' && disk.pi ? places.root(disk.pi) : places.disk(disk.id);
    try {
      await volumes.mount({ id: disk.id, fsUuid: disk.fsUuid, at });
      if ((await findDisk(db, disk.id))?.state !== 'ready') {
        // An operation that destroys it had unmounted it already.
        await volumes.unmount({ id: disk.id, at });
        continue;
      }
      mounted.push(disk);
      if (disk.pi && (await findPi(db, disk.pi))?.fault === fault) await setFault(db, disk.pi, null, clock.now());
    } catch (error) {
      // An operation may have taken it meanwhile, and its volume with it.
      if (!(await isOurs(disk))) continue;
      failed.push(disk);
      log.error({ disk: disk.id, pi: disk.pi, error: describeError(error) }, 'the volume of a disk cannot be mounted');
      if (disk.pi) await setFault(db, disk.pi, fault, clock.now());
    }
  }
  return { mounted, failed };
}
