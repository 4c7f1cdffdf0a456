import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { BakeryError } from '../core/errors.ts';
import { systemClock } from '../core/host/clock.ts';
import { type Exec, exec as hostExec } from '../core/host/exec.ts';
import { defaultInterface, localAddresses, neighbourOf, reachableNeighbours } from '../core/host/network.ts';
import { endSurvivors, markChildren } from '../core/host/survivors.ts';
import { findBackupMark } from '../db/backup-mark.ts';
import { listDisks } from '../db/disks.ts';
import { addFeedEvent } from '../db/events.ts';
import { watchFeed } from '../db/feed-watch.ts';
import { guardFile } from '../db/file-guard.ts';
import { lockRoot } from '../db/lock.ts';
import { type Db, openDatabase } from '../db/open.ts';
import { FIRST_STAGE } from '../exports/images/firmware.ts';
import { createImages } from '../exports/images/images.ts';
import { findBootFolder } from '../exports/images/prepare.ts';
import { createTakeover } from '../exports/legacy/takeover.ts';
import { createDirtyLimits } from '../exports/volumes/dirty.ts';
import { withDiskFaults } from '../exports/volumes/faults.ts';
import { detachOrphans, listLoops } from '../exports/volumes/loops.ts';
import { readMounts } from '../exports/volumes/mountinfo.ts';
import { openPool } from '../exports/volumes/pool.ts';
import { surveyVolumes } from '../exports/volumes/survey.ts';
import { createVolumes } from '../exports/volumes/volumes.ts';
import { bootFile } from '../netboot/files/routes.ts';
import { chooseAddress } from './address.ts';
import { createBootDesk } from './boot/desk.ts';
import type { Config } from './config.ts';
import { BASE, buildApp } from './http/app.ts';
import { importLegacy } from './import/import.ts';
import { listen, startTftp } from './listen.ts';
import { reconcileLoops } from './loops.ts';
import { createEngine } from './operations/engine.ts';
import { createExportKeeper } from './operations/exports.ts';
import { createPiPower } from './operations/pi-power.ts';
import type { OperationPorts } from './operations/ports.ts';
import { operationKinds } from './operations/registry.ts';
import type { JournalGate } from './operations/runner.ts';
import { createPowerDriver } from './power/registry.ts';
import { createPowerService } from './power/service.ts';
import { createAddressWatch } from './reconcile/addresses.ts';
import { createBackupKeeper } from './reconcile/backups.ts';
import { letGoOfUnknown, settleRestored, sparedVolumes, spareOpen, sparing } from './reconcile/backups-restored.ts';
import { repairMounts, rightlyMounted } from './reconcile/drift-mounts.ts';
import { repairNfs, tellExportDrift } from './reconcile/drift-nfs.ts';
import { createHealer } from './reconcile/heal.ts';
import { createLitterKeeper } from './reconcile/litter-keeper.ts';
import { type Loop, startLoops } from './reconcile/loops.ts';
import { mountMissing } from './reconcile/mounts.ts';
import { createRetention } from './reconcile/retention.ts';
import { createSpaceKeeper } from './reconcile/space.ts';
import { createTrashKeeper } from './reconcile/trash.ts';
import { createWebhookDelivery } from './reconcile/webhooks.ts';
import { backendOf, databaseOf, placesOf, policyOf, withRealRoot } from './root.ts';
import { Teardown } from './teardown.ts';
import { adminToken } from './token.ts';

/** How long the recovery of interrupted operations may keep the server from listening. */
const RECOVER_BEFORE_MS = 10_000;
/** How long requests under way may take once the server stops. */
const LAST_REQUESTS_MS = 3_000;

/** A server that is up. */
export interface RunningServer {
  /** What a person reads when it is ready, the last line for programs. */
  readonly readyLines: readonly string[];
  /** No new operations; running ones get `drainMs`. Mounts and exports stay: Pis notice nothing. */
  close(drainMs: number): Promise<void>;
}

/** Where a test holds the process to kill it from outside; nothing else uses it. */
export interface Seams {
  readonly gate?: JournalGate;
  /** Around every child process. */
  readonly exec?: (exec: Exec) => Exec;
  /** How often a loop runs, in ms. */
  readonly pace?: (loop: Loop) => number;
}

/** Builds everything and brings it up in the order of design §8. Nothing of it listens after a throw. */
export async function composeServer(
  given: Config,
  log: Logger,
  version: string,
  seams: Seams = {},
): Promise<RunningServer> {
  const teardown = new Teardown();
  try {
    const config = await withRealRoot(given);
    return await start(config, log, { version, seams }, teardown);
  } catch (error) {
    await teardown.run(log);
    throw error;
  }
}

async function openInventory(config: Config, teardown: Teardown): Promise<Db> {
  const root = config.BAKERY_ROOT;
  await mkdir(join(root, 'nfs'), { recursive: true, mode: 0o711 });
  teardown.add(lockRoot(join(root, 'lock.db')));
  const file = databaseOf(config);
  // SQLite gives its journal files the mode of the database.
  await (await open(file, 'a', 0o600)).close();
  const db = await openDatabase(file);
  teardown.add(() => db.destroy());
  return db;
}

async function start(
  config: Config,
  log: Logger,
  { version, seams }: { version: string; seams: Seams },
  teardown: Teardown,
): Promise<RunningServer> {
  if (process.getuid?.() !== 0) {
    throw new BakeryError('forbidden', 'not-root', 'the server mounts and exports file systems: run it as root');
  }
  const { address, lonely } = chooseAddress({
    wished: config.BAKERY_ADDRESS ?? config.NFS_ADDRESS,
    addresses: localAddresses(),
    defaultInterface: await defaultInterface(),
  });
  if (lonely) log.warn({}, 'this machine has no address but loopback: no Pi can reach it');
  if (config.KPARTX_PATH !== undefined) log.info({}, 'KPARTX_PATH is ignored: partitions are read without it');
  const root = config.BAKERY_ROOT;
  const places = placesOf(root);
  const firmwareFolder = join(root, 'boot');
  const clock = systemClock;

  const db = await openInventory(config, teardown);
  const guard = await guardFile(db, databaseOf(config));
  const survivors = await endSurvivors(root);
  if (survivors.length > 0) log.warn({ survivors }, 'ended what the server before this one had left running');
  const marked = await markChildren(hostExec, root);
  const exec = seams.exec?.(marked) ?? marked;
  const token = await adminToken(join(root, 'admin-token'), config.BAKERY_ADMIN_TOKEN);
  const backend = backendOf(config, log, exec);
  await backend.start();

  const dirtyLimits = createDirtyLimits({ log });
  const pool = await openPool({ root, mode: config.BAKERY_POOL, exec, log, dirtyAllowed: dirtyLimits.allowed });
  const orphans = await detachOrphans(exec, pool.folder);
  if (orphans.length > 0) log.info({ orphans }, 'detached loop devices that nothing used');
  const restoredFrom = await findBackupMark(db);
  const spared = restoredFrom === undefined ? await sparedVolumes(db) : await spareOpen(db);
  const volumes = sparing(withDiskFaults(createVolumes({ pool, exec, log, dirtyLimits })), spared);
  const survey = () => surveyVolumes(exec, pool);
  const images = withDiskFaults(createImages({ pool, exec, log, rootBytes: config.BAKERY_ROOT_SIZE, firmwareFolder }));
  const space = createSpaceKeeper({
    pool,
    converge: () => exports.converge([]),
    flush: () => volumes.flush(join(root, 'nfs')),
    makeRoom: () => trash.makeRoom(),
    tell: (event) => addFeedEvent(db, event, clock.now()),
    clock,
    log,
  });
  const takeover = createTakeover({ pool, volumes, exec, log, rootBytes: config.BAKERY_ROOT_SIZE });
  const exports = createExportKeeper({
    db,
    backend,
    policy: policyOf(config),
    places,
    broken: () => volumes.broken(join(root, 'nfs')),
    access: space.access,
    mounted: async () => rightlyMounted(await listDisks(db), await survey(), places),
    onDrift: (drift) => tellExportDrift({ db, clock, log }, drift),
    log,
  });
  const driver = createPowerDriver({
    driver: config.BAKERY_POWER ?? (config.PPI_PATH ? 'ppi' : 'manual'),
    ppiPath: config.PPI_PATH,
    ppiConfigPath: config.PPI_CONFIG_PATH,
    exec,
    log,
  });
  const power = createPiPower({ db, power: createPowerService({ driver, clock, log }), clock, log });
  const keepMs = config.BAKERY_TRASH_HOURS * 3_600_000;
  const keepsTrash = keepMs > 0;
  const ports: OperationPorts = { db, volumes, images, takeover, exports, power, places, keepsTrash, clock, log };
  const engine = createEngine({ db, kinds: operationKinds(ports), clock, log, gate: seams.gate });

  const feed = watchFeed(db, { clock, log });
  const retention = createRetention({ db, keepMs: config.BAKERY_KEEP_DAYS * 86_400_000, clock, log });
  const webhooks = createWebhookDelivery({ db, feed, clock, log });
  teardown.add(() => webhooks.stop());
  const trash = createTrashKeeper({ db, engine, keepMs, clock, log });

  const healer = createHealer({
    db,
    engine,
    broken: () => volumes.broken(join(root, 'nfs')),
    hasRoom: () => space.access() === 'rw',
    places,
    clock,
    log,
  });

  const addresses = createAddressWatch({ db, exports, reachable: () => reachableNeighbours(exec), clock, log });
  const backups = createBackupKeeper({
    db,
    file: databaseOf(config),
    folder: join(root, 'backups'),
    everyMs: config.BAKERY_BACKUP_HOURS * 3_600_000,
    keep: config.BAKERY_BACKUP_KEEP,
    clock,
    log,
  });

  const litter = createLitterKeeper({ db, root, loops: () => listLoops(exec), mounts: readMounts, clock, log });

  const unmount = async (mountPoint: string) => void (await exec('umount', [mountPoint]));
  const nfsFolder = join(root, 'nfs');
  await volumes.thaw(nfsFolder);
  const unmounted =
    restoredFrom === undefined ? [] : await letGoOfUnknown({ db, exports, survey, places, nfsFolder, unmount, log });
  await mountMissing({ db, volumes, places, clock, log });
  await space.round();
  await exports.converge([]);
  if (restoredFrom !== undefined) await settleRestored({ db, engine, madeAt: restoredFrom, unmounted, clock, log });
  // An unbake whose switch is dead takes minutes to say so: what it holds is claimed, and the others need not wait for it.
  const late = new AbortController();
  const recovered = engine.recover();
  await Promise.race([recovered, clock.sleep(RECOVER_BEFORE_MS, late.signal).catch(() => undefined)]);
  late.abort();
  // An import may take hours, in which Pis that were taken over before run already: they are looked after from here on.
  const loops = startLoops(
    reconcileLoops({
      async exports() {
        if (await repairNfs({ db, backend, clock, log })) exports.forget();
        await repairMounts({ db, volumes, exports, places, survey, clock, log });
        await exports.converge([]);
      },
      addresses,
      retention,
      webhooks,
      trash,
      database: guard,
      engine,
      healer,
      space,
      litter,
      backups,
    }).map((loop) => ({ ...loop, everyMs: seams.pace?.(loop) ?? loop.everyMs })),
    { clock, log },
  );
  teardown.add(() => loops.stop());
  const volumeFolders = [pool.path('volumes', ''), pool.path('trash', '')];
  await importLegacy({ db, engine, root, volumeFolders, recovered, clock, log });
  await exports.converge([]);

  const nfsPorts = backend.ports();
  const usual = nfsPorts.nfs === 2049;
  const desk = createBootDesk({
    db,
    power,
    exports,
    clock,
    log,
    policy: config.BAKERY_DISCOVERY,
    neighbour: neighbourOf,
    async bootFile(pi, rest) {
      const mountPoint = places.root(pi.id);
      const target = { nfsServer: address, nfsRoot: mountPoint, piId: pi.id, ...(usual ? {} : { ports: nfsPorts }) };
      return bootFile({ rest, mountPoint, bootFolder: await findBootFolder(mountPoint), target });
    },
    async firmware(path) {
      return FIRST_STAGE.some((name) => name === path) ? { kind: 'file', root: firmwareFolder, path } : undefined;
    },
  });

  const tftp = await startTftp(config, desk, address, log);
  teardown.add(() => tftp.close());
  let ready = false;
  const app = await buildApp(
    {
      db,
      engine,
      feed,
      webhooks,
      power,
      places,
      desk,
      clock,
      auth: config.BAKERY_AUTH === 'off' ? { kind: 'off' } : { kind: 'token', token },
      nfsAddress: address,
      trashKeepMs: keepMs,
      litter: litter.list,
      mayWrite: () => space.access() === 'rw',
      databaseMoved: guard.isMoved,
      ready: () => ready,
    },
    { log, version, trustedRelays: config.BAKERY_TRUSTED_RELAYS },
  );
  teardown.add(async () => {
    // A client that never ends its request must not keep the server from ending.
    const late = setTimeout(() => app.server.closeAllConnections(), LAST_REQUESTS_MS);
    await app.close();
    clearTimeout(late);
  });
  const httpPort = await listen(app, config);
  ready = true;

  const shown = config.BAKERY_HTTP_ADDRESS === '0.0.0.0' ? address : config.BAKERY_HTTP_ADDRESS;
  const base = `http://${shown}:${httpPort}`;
  return {
    readyLines: [
      `api    ${base}${BASE}`,
      `docs   ${base}/docs`,
      config.BAKERY_AUTH === 'off' ? 'token  none needed (BAKERY_AUTH=off)' : `token  ${join(root, 'admin-token')}`,
      `tftp   ${address}:${tftp.port}`,
      `nfs    ${address}:${nfsPorts.nfs} (${backend.name})`,
      `power  ${driver.name}`,
      `bakery ready ${base}${BASE}`,
    ],
    async close(drainMs) {
      ready = false;
      await engine.drain(drainMs);
      await teardown.run(log);
    },
  };
}
