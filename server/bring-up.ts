import type { Boards } from './boards.ts';
import type { Config } from './config.ts';
import type { Ground } from './ground.ts';
import { importLegacy } from './import/import.ts';
import type { Keepers } from './keepers.ts';
import { reconcileLoops } from './loops.ts';
import type { Engine } from './operations/engine.ts';
import { letGoOfUnknown, settleRestored } from './reconcile/backups-restored.ts';
import { repairMounts } from './reconcile/drift-mounts.ts';
import { repairNfs } from './reconcile/drift-nfs.ts';
import { startLoops } from './reconcile/loops.ts';
import { mountMissing } from './reconcile/mounts.ts';
import type { Seams } from './seams.ts';
import type { Storage } from './storage.ts';
import type { Teardown } from './teardown.ts';

/** How long the recovery of interrupted operations may keep the server from listening. */
const RECOVER_BEFORE_MS = 10_000;

/** All that is brought up. */
export interface Parts {
  readonly ground: Ground;
  readonly storage: Storage;
  readonly boards: Boards;
  readonly keepers: Keepers;
  readonly engine: Engine;
}

/** Mounts and exports what the inventory says; what a restored database does not know is let go of before. */
async function serveVolumes({ ground, storage, engine }: Parts): Promise<void> {
  const { db, exec, clock, log } = ground;
  const { volumes, places, nfsFolder, survey, space, exports, restoredFrom } = storage;
  await volumes.thaw(nfsFolder);
  const unmounted =
    restoredFrom === undefined
      ? []
      : await letGoOfUnknown({
          db,
          withdraw: async () => void (storage.serves && (await exports.converge([]))),
          survey,
          places,
          nfsFolder,
          unmount: async (mountPoint) => void (await exec('umount', [mountPoint])),
          log,
        });
  await mountMissing({ db, volumes, places, clock, log });
  await space.round();
  await exports.start();
  await exports.converge([]);
  storage.isServing();
  if (restoredFrom !== undefined) await settleRestored({ db, engine, madeAt: restoredFrom, unmounted, clock, log });
}

/** Goes on with what a crash interrupted, and waits for it for some seconds at most. */
async function recover({ ground, engine }: Parts): Promise<{ recovered: Promise<void>; isRecovered: () => boolean }> {
  // An unbake whose switch is dead takes minutes to say so: what it holds is claimed, and the others need not wait for it.
  const late = new AbortController();
  let isRecovered = false;
  const recovered = engine.recover().finally(() => {
    isRecovered = true;
  });
  await Promise.race([recovered, ground.clock.sleep(RECOVER_BEFORE_MS, late.signal).catch(() => undefined)]);
  late.abort();
  return { recovered, isRecovered: () => isRecovered };
}

function keepUp(config: Config, parts: Parts, seams: Seams, teardown: Teardown): void {
  const { db, guard, clock, log } = parts.ground;
  const { places, backend, volumes, survey, space, exports } = parts.storage;
  const { boots, questions } = parts.boards;
  const { switchWatch, ...keepers } = parts.keepers;
  const loops = startLoops(
    reconcileLoops({
      ...keepers,
      async exports() {
        await repairNfs({ db, backend, exports, clock, log });
        await repairMounts({ db, volumes, exports, places, survey, clock, log });
        await exports.converge([]);
      },
      database: guard,
      engine: parts.engine,
      space,
      boots,
      powerSyncMs: config.BAKERY_POWER_SYNC_SECONDS * 1_000,
      switchWatch:
        config.BAKERY_SWITCH_SURVEY_MINUTES === 0
          ? undefined
          : { watch: switchWatch, everyMs: config.BAKERY_SWITCH_SURVEY_MINUTES * 60_000 },
    }).map((loop) => seams.loop?.(loop) ?? loop),
    { clock, log },
  );
  teardown.add(() => loops.stop());
  teardown.add(() => keepers.powerSync.stop());
  // Before the loops, one of which may wait for a switch.
  teardown.add(() => questions.stop());
}

/** Brings to life what the inventory says, in the order of design §8: volumes, exports, interrupted operations, loops, the import. */
export async function bringUp(
  config: Config,
  parts: Parts,
  seams: Seams,
  teardown: Teardown,
): Promise<{ isRecovered: () => boolean }> {
  const { db, clock, log } = parts.ground;
  const { pool, exports } = parts.storage;
  await serveVolumes(parts);
  const { recovered, isRecovered } = await recover(parts);
  // An import may take hours, in which Pis that were taken over before run already: they are looked after from here on.
  keepUp(config, parts, seams, teardown);
  const volumeFolders = [pool.path('volumes', ''), pool.path('trash', '')];
  await importLegacy({ db, engine: parts.engine, root: config.BAKERY_ROOT, volumeFolders, recovered, clock, log });
  await exports.converge([]);
  return { isRecovered };
}
