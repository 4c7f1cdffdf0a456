import type { Disk } from '../../core/disk.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { findDisk, listDisks } from '../../db/disks.ts';
import { findClaim } from '../../db/journal.ts';
import type { Db } from '../../db/open.ts';
import { findPi, patchPi } from '../../db/pis.ts';
import type { Places, VolumePort } from '../operations/ports.ts';

/**
 * Mounts every ready disk's volume that is not mounted; adopts those that are. One that cannot be mounted is a fault of
 * its Pi, cleared when it can, and keeps nobody else from starting. A disk that an operation holds is the operation's: to
 * mount it here would work against an unbake that has just unmounted it.
 * @returns how many could not be mounted.
 */
export async function mountMissing(ports: { db: Db; volumes: VolumePort; places: Places; log: Log }): Promise<number> {
  const { db, volumes, places, log } = ports;
  const isOurs = async (disk: Disk) =>
    (await findDisk(db, disk.id))?.state === 'ready' && !(await findClaim(db, `disk:${disk.id}`));
  let failed = 0;
  for (const disk of await listDisks(db)) {
    if (!(await isOurs(disk))) continue;
    const fault = `its disk ${disk.id} cannot be mounted`;
    const at = disk.role === 'root' && disk.pi ? places.root(disk.pi) : places.disk(disk.id);
    try {
      await volumes.mount({ id: disk.id, fsUuid: disk.fsUuid, at });
      if (disk.pi && (await findPi(db, disk.pi))?.fault === fault) await patchPi(db, disk.pi, { fault: null });
    } catch (error) {
      // An operation may have taken it meanwhile, and its volume with it.
      if (!(await isOurs(disk))) continue;
      failed++;
      log.error({ disk: disk.id, pi: disk.pi, error: describeError(error) }, 'the volume of a disk cannot be mounted');
      if (disk.pi) await patchPi(db, disk.pi, { fault });
    }
  }
  return failed;
}
