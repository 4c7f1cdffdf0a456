import { join } from 'node:path';
import {
  answeringNeighbours,
  connectedTo,
  localSubnet,
  neighbourOf,
  nudge,
  reachableNeighbours,
} from '../core/host/network.ts';
import { watchFeed } from '../db/feed-watch.ts';
import { listLoops } from '../exports/volumes/loops.ts';
import { readMounts } from '../exports/volumes/mountinfo.ts';
import { isOnOurWires } from './address.ts';
import type { Boards } from './boards.ts';
import { createFollower } from './boot/follow.ts';
import { createRootWatch } from './boot/root-watch.ts';
import type { Config } from './config.ts';
import type { Ground } from './ground.ts';
import type { Engine } from './operations/engine.ts';
import { createAddressWatch } from './reconcile/addresses.ts';
import { createBackupKeeper } from './reconcile/backups.ts';
import { createBootRetries } from './reconcile/boot-retries.ts';
import { createHealer } from './reconcile/heal.ts';
import { createLitterKeeper } from './reconcile/litter-keeper.ts';
import { createPowerSync } from './reconcile/power-sync.ts';
import { createRetention } from './reconcile/retention.ts';
import { createSwitchWatch } from './reconcile/switch-watch.ts';
import { createTrashKeeper } from './reconcile/trash.ts';
import { createTrimmer } from './reconcile/trim.ts';
import { createUploadKeeper } from './reconcile/uploads.ts';
import { createWebhookDelivery } from './reconcile/webhooks.ts';
import { databaseOf, retryLimitsOf, trashKeepMsOf } from './root.ts';
import type { Storage } from './storage.ts';
import type { Teardown } from './teardown.ts';

/** Pis that are compared with their switches at a time: a switch that does not answer takes 10 s to say so. */
const POWER_SYNC_WORKERS = 4;

/** What looks after the rest while the server runs, each in rounds (`server/loops.ts`). */
export type Keepers = ReturnType<typeof createKeepers>;

/** Builds them; none does anything before its first round. */
export function createKeepers(
  config: Config,
  { ground, storage, boards, engine }: { ground: Ground; storage: Storage; boards: Boards; engine: Engine },
  teardown: Teardown,
) {
  const { db, exec, wires, clock, log, observers } = ground;
  const { places, backend, volumes, space, exports, broken } = storage;
  const { boots, newest, power, switches, questions } = boards;
  const root = config.BAKERY_ROOT;

  const feed = watchFeed(db, { clock, log });
  const webhooks = createWebhookDelivery({ db, feed, clock, log });
  teardown.add(() => webhooks.stop());
  const follower = createFollower({
    db,
    exports,
    isNear: (to) => isOnOurWires(to, wires.local, localSubnet),
    nudge,
    neighbour: neighbourOf,
    clock,
    log,
  });
  teardown.add(() => follower.stop());

  return {
    feed,
    webhooks,
    follower,
    retention: createRetention({ db, keepMs: config.BAKERY_KEEP_DAYS * 86_400_000, clock, log }),
    trash: createTrashKeeper({ db, engine, keepMs: trashKeepMsOf(config), clock, log }),
    trimmer: createTrimmer({
      db,
      trim: volumes.trim,
      places,
      everyMs: config.BAKERY_TRIM_HOURS * 3_600_000,
      onTrim: observers.trim,
      clock,
      log,
    }),
    healer: createHealer({ db, engine, broken, hasRoom: () => space.access() === 'rw', places, clock, log }),
    addresses: createAddressWatch({
      db,
      exports,
      follow: follower.follow,
      reachable: () => reachableNeighbours(exec),
      connected: () => connectedTo(backend.ports().nfs),
      clock,
      log,
    }),
    backups: createBackupKeeper({
      db,
      file: databaseOf(config),
      folder: join(root, 'backups'),
      everyMs: config.BAKERY_BACKUP_HOURS * 3_600_000,
      keep: config.BAKERY_BACKUP_KEEP,
      clock,
      log,
    }),
    bootRetries: createBootRetries({
      db,
      engine,
      power,
      newestBoot: newest,
      answering: (addresses) => answeringNeighbours(addresses, { exec, clock }),
      limits: retryLimitsOf(config),
      clock,
      log,
    }),
    powerSync: createPowerSync({
      db,
      power,
      workers: POWER_SYNC_WORKERS,
      onRound: observers.powerRound,
      clock,
      log,
    }),
    litter: createLitterKeeper({ db, root, loops: () => listLoops(exec), mounts: readMounts, clock, log }),
    roots: createRootWatch({ db, boots, nfs: backend, neighbour: neighbourOf }),
    uploads: createUploadKeeper({ db, uploads: storage.uploads, clock, log }),
    switchWatch: createSwitchWatch({ db, switches, questions, clock }),
  };
}
