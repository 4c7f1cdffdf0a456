import { join } from 'node:path';
import { createOpenFiles } from '../core/host/open-files.ts';
import { findBackupMark } from '../db/backup-mark.ts';
import { listDisks } from '../db/disks.ts';
import { addFeedEvent } from '../db/events.ts';
import { createImages } from '../exports/images/images.ts';
import { createUploads } from '../exports/images/uploads.ts';
import { createTakeover } from '../exports/legacy/takeover.ts';
import { createDirtyLimits } from '../exports/volumes/dirty.ts';
import { withDiskFaults } from '../exports/volumes/faults.ts';
import { detachOrphans } from '../exports/volumes/loops.ts';
import { openPool } from '../exports/volumes/pool.ts';
import type { SpaceLevel } from '../exports/volumes/space.ts';
import { brokenAmong, seenAt, surveyVolumes } from '../exports/volumes/survey.ts';
import { createVolumes } from '../exports/volumes/volumes.ts';
import type { Config } from './config.ts';
import type { Ground } from './ground.ts';
import { firmwareFolderOf } from './netboot.ts';
import { createExportKeeper } from './operations/exports.ts';
import { sparedVolumes, spareOpen, sparing } from './reconcile/backups-restored.ts';
import { placeOf, rightlyMounted } from './reconcile/drift-mounts.ts';
import { tellExportDrift } from './reconcile/drift-nfs.ts';
import { createSpaceKeeper } from './reconcile/space.ts';
import { backendOf, keepsVolumes, placesOf, policyOf } from './root.ts';

/** Volumes and images on the pool, and the NFS server that they are exported by. */
export type Storage = Awaited<ReturnType<typeof openStorage>>;

/**
 * Opens the pool. Nothing is mounted or exported yet; an NFS server that does not answer is ended, so that it holds nothing.
 * @param makeRoom gives some room of the pool back, if there is any to give.
 */
export async function openStorage(config: Config, ground: Ground, makeRoom: (level: SpaceLevel) => Promise<boolean>) {
  const { db, exec, bus, clock, log } = ground;
  const root = config.BAKERY_ROOT;
  const nfsFolder = join(root, 'nfs');
  const places = placesOf(root);
  const backend = backendOf(config, log, { exec, bus });
  // Of one that is not whole nothing may hold what is mounted or unmounted later.
  const serves = await backend.alive();
  if (!serves) await backend.stop();

  const dirtyLimits = createDirtyLimits({ log });
  const pool = await openPool({
    root,
    mode: keepsVolumes(config) ? config.BAKERY_POOL : 'plain',
    exec,
    log,
    dirtyAllowed: dirtyLimits.allowed,
  });
  const orphans = await detachOrphans(exec, pool.folder);
  if (orphans.length > 0) log.info({ orphans }, 'detached loop devices that nothing used');
  const restoredFrom = await findBackupMark(db);
  const spared = restoredFrom === undefined ? await sparedVolumes(db) : await spareOpen(db);
  const openFiles = createOpenFiles();
  const volumes = sparing(withDiskFaults(createVolumes({ pool, exec, log, dirtyLimits, openFiles })), spared);
  const survey = () => surveyVolumes(exec, pool);
  const broken = () => volumes.broken(nfsFolder);
  const images = withDiskFaults(
    createImages({
      pool,
      exec,
      log,
      rootBytes: config.BAKERY_ROOT_SIZE,
      imageBytes: config.BAKERY_MAX_UPLOAD,
      firmwareFolder: firmwareFolderOf(config),
    }),
  );
  const uploads = createUploads(pool);
  const takeover = createTakeover({ pool, volumes, exec, log, rootBytes: config.BAKERY_ROOT_SIZE });
  const served = Promise.withResolvers<void>();
  const space = createSpaceKeeper({
    pool,
    async converge() {
      await served.promise;
      await exports.converge([]);
    },
    flush: () => volumes.flush(nfsFolder),
    makeRoom: () => makeRoom(space.level()),
    tell: (event) => addFeedEvent(db, event, clock.now()),
    clock,
    log,
  });
  const exports = createExportKeeper({
    db,
    backend,
    policy: policyOf(config),
    places,
    access: space.access,
    async look(of) {
      if (of)
        return seenAt(
          exec,
          pool,
          of.map((disk) => ({ id: disk.id, at: placeOf(disk, places) })),
        );
      const found = await survey();
      return { mounted: rightlyMounted(await listDisks(db), found, places), broken: brokenAmong(found.mounts) };
    },
    onDrift: (drift) => tellExportDrift({ db, clock, log }, drift),
    log,
  });
  return {
    nfsFolder,
    places,
    backend,
    /** An NFS server that was left running goes on. */
    serves,
    pool,
    /** When the backup was made that this database was restored from, until that is settled. */
    restoredFrom,
    openFiles,
    volumes,
    survey,
    broken,
    images,
    uploads,
    takeover,
    space,
    exports,
    /** The NFS server serves: what wants to bring exports up to date need not wait any more. */
    isServing: () => served.resolve(),
  };
}
