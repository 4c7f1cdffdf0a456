import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { listDisks } from '../../db/disks.ts';
import type { Db } from '../../db/open.ts';
import { patchPi } from '../../db/pis.ts';
import type { Places, VolumePort } from '../operations/ports.ts';

/**
 * Mounts every ready disk's volume that is not mounted; adopts those that are. One that cannot be mounted is a fault of
 * its Pi and keeps nobody else from starting.
 * @returns how many could not be mounted.
 */
export async function mountMissing(ports: { db: Db; volumes: VolumePort; places: Places; log: Log }): Promise<number> {
  const { db, volumes, places, log } = ports;
  let failed = 0;
  for (const disk of await listDisks(db)) {
    if (disk.state !== 'ready') continue;
    const at = disk.role === 'root' && disk.pi ? places.root(disk.pi) : places.disk(disk.id);
    try {
      await volumes.mount({ id: disk.id, fsUuid: disk.fsUuid, at });
    } catch (error) {
      failed++;
      log.error({ disk: disk.id, pi: disk.pi, error: describeError(error) }, 'the volume of a disk cannot be mounted');
      if (disk.pi) await patchPi(db, disk.pi, { fault: `its disk ${disk.id} cannot be mounted` });
    }
  }
  return failed;
}
