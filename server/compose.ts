import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { startChildRunner } from '../core/host/child-runner.ts';
import { type Clock, systemClock } from '../core/host/clock.ts';
import type { Exec } from '../core/host/exec.ts';
import {
  answeringNeighbours,
  connectedTo,
  defaultInterface,
  localAddresses,
  localSubnet,
  neighbourOf,
  nudge,
  reachableNeighbours,
} from '../core/host/network.ts';
import { createOpenFiles } from '../core/host/open-files.ts';
import { sealWith } from '../core/host/sealed.ts';
import { childMark, endSurvivors, markChildren } from '../core/host/survivors.ts';
import type { PiId } from '../core/ids.ts';
import { scopedLog } from '../core/log.ts';
import { findBackupMark } from '../db/backup-mark.ts';
import { listDisks } from '../db/disks.ts';
import { addFeedEvent } from '../db/events.ts';
import { watchFeed } from '../db/feed-watch.ts';
import { guardFile } from '../db/file-guard.ts';
import { lockRoot } from '../db/lock.ts';
import { type Db, openDatabase } from '../db/open.ts';
import { requirePi } from '../db/pis.ts';
import { createImages } from '../exports/images/images.ts';
import { createUploads } from '../exports/images/uploads.ts';
import { createTakeover } from '../exports/legacy/takeover.ts';
import { createDirtyLimits } from '../exports/volumes/dirty.ts';
import { withDiskFaults } from '../exports/volumes/faults.ts';
import { detachOrphans, listLoops, sharingLists } from '../exports/volumes/loops.ts';
import { readMounts } from '../exports/volumes/mountinfo.ts';
import { openPool } from '../exports/volumes/pool.ts';
import { seenAt, surveyVolumes } from '../exports/volumes/survey.ts';
import { createVolumes } from '../exports/volumes/volumes.ts';
import { bootClass } from '../netboot/boots/storm.ts';
import { chooseAddress, isOnOurWires, onInterfaces } from './address.ts';
import { serveApi } from './api.ts';
import { createFollower } from './boot/follow.ts';
import { newestBoot } from './boot/newest.ts';
import { createBootRecorder } from './boot/recorder.ts';
import { createRootWatch } from './boot/root-watch.ts';
import { watchedRelayDesk } from './boot/watched-desk.ts';
import { checkRoot } from './capabilities.ts';
import type { Config } from './config.ts';
import { BASE } from './http/app.ts';
import { importLegacy } from './import/import.ts';
import { type DhcpPart, dhcpLine } from './listen.ts';
import { reconcileLoops } from './loops.ts';
import { createMetrics } from './metrics/metrics.ts';
import { createObservers } from './metrics/observe.ts';
import { firmwareFolderOf, startNetboot } from './netboot.ts';
import { createEngine } from './operations/engine.ts';
import { createExportKeeper } from './operations/exports.ts';
import { createPiPower } from './operations/pi-power.ts';
import type { OperationPorts } from './operations/ports.ts';
import { operationKinds } from './operations/registry.ts';
import type { JournalGate } from './operations/runner.ts';
import { createCycleLimit } from './power/cycles.ts';
import { createPowerDriver } from './power/registry.ts';
import { createPowerService, type PowerSettings } from './power/service.ts';
import { loadSwitchKinds } from './power/switches/external.ts';
import type { SwitchKind } from './power/switches/kind.ts';
import { SWITCH_KINDS } from './power/switches/kinds.ts';
import { createOpenSwitches } from './power/switches/open.ts';
import { createSwitchQuestions } from './power/switches/questions.ts';
import { createBootTurns } from './power/turns.ts';
import { createAddressWatch } from './reconcile/addresses.ts';
import { createBackupKeeper } from './reconcile/backups.ts';
import { letGoOfUnknown, settleRestored, sparedVolumes, spareOpen, sparing } from './reconcile/backups-restored.ts';
import { createBootRetries } from './reconcile/boot-retries.ts';
import { placeOf, repairMounts, rightlyMounted } from './reconcile/drift-mounts.ts';
import { repairNfs, tellExportDrift } from './reconcile/drift-nfs.ts';
import { createHealer } from './reconcile/heal.ts';
import { createLitterKeeper } from './reconcile/litter-keeper.ts';
import { type Loop, startLoops } from './reconcile/loops.ts';
import { mountMissing } from './reconcile/mounts.ts';
import { createPowerSync } from './reconcile/power-sync.ts';
import { createRetention } from './reconcile/retention.ts';
import { createSpaceKeeper } from './reconcile/space.ts';
import { createSwitchWatch } from './reconcile/switch-watch.ts';
import { createTrashKeeper } from './reconcile/trash.ts';
import { createTrimmer, makeRoom } from './reconcile/trim.ts';
import { createUploadKeeper } from './reconcile/uploads.ts';
import { createWebhookDelivery } from './reconcile/webhooks.ts';
import {
  backendOf,
  bootLimitsOf,
  databaseOf,
  keepsVolumes,
  keyFileOf,
  placesOf,
  policyOf,
  retryLimitsOf,
  withRealRoot,
} from './root.ts';
import { type BoundSwitches, createSwitching, type Switching } from './switching.ts';
import { Teardown } from './teardown.ts';
import { openTls } from './tls.ts';
import { adminToken, whereTokenIs } from './token.ts';
import { watchParts } from './watch.ts';

/** How long the recovery of interrupted operations may keep the server from listening. */
const RECOVER_BEFORE_MS = 10_000;

/** Pis that are compared with their switches at a time: a switch that does not answer takes 10 s to say so. */
const POWER_SYNC_WORKERS = 4;

/** A server that is up. */
export interface RunningServer {
  /** What a person reads when it is ready, the last line for programs. */
  readonly readyLines: readonly string[];
  /** Takes a renewed certificate into use now; else it is seen some seconds later. */
  reload(): Promise<void>;
  /** No new operations; running ones get `drainMs`. Mounts and exports stay: Pis notice nothing. */
  close(drainMs: number): Promise<void>;
}

/** Where a test holds the process to kill it from outside; nothing else uses it. */
export interface Seams {
  readonly gate?: JournalGate;
  /** Around every child process. */
  readonly exec?: (exec: Exec) => Exec;
  /** What is run in the place of a loop. */
  readonly loop?: (loop: Loop) => Loop;
  /** What the server takes for the time. */
  readonly clock?: Clock;
  /** Pauses of the power service. */
  readonly power?: Partial<PowerSettings>;
  /** The switches that Pis are bound to. */
  readonly switches?: (switching: Switching) => BoundSwitches;
  /** Kinds of switches beside those that are built in. */
  readonly switchKinds?: readonly SwitchKind[];
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
  logger: Logger,
  { version, seams }: { version: string; seams: Seams },
  teardown: Teardown,
): Promise<RunningServer> {
  const { log, scope } = scopedLog(logger);
  const metrics = createMetrics({ version, node: process.version });
  const observers = createObservers(metrics);
  if (keepsVolumes(config)) await checkRoot(log);
  else log.warn({}, 'BAKERY_STORAGE=none: nothing can be baked, and no image or disk be kept');
  const local = onInterfaces(localAddresses(), config.BAKERY_INTERFACES);
  const { address, lonely } = chooseAddress({
    wished: config.BAKERY_ADDRESS ?? config.NFS_ADDRESS,
    addresses: local,
    defaultInterface: await defaultInterface(),
  });
  if (lonely) log.warn({}, 'this machine has no address but loopback: no Pi can reach it');
  if (config.KPARTX_PATH !== undefined) log.info({}, 'KPARTX_PATH is ignored: partitions are read without it');
  if (config.BAKERY_AUTH === 'off') log.warn({}, 'BAKERY_AUTH=off: whoever reaches the API may do everything');
  const root = config.BAKERY_ROOT;
  const places = placesOf(root);
  const clock = seams.clock ?? systemClock;
  const tls = await openTls(config, { clock, log });

  const db = await openInventory(config, teardown);
  const guard = await guardFile(db, databaseOf(config));
  const survivors = await endSurvivors(root);
  if (survivors.length > 0) log.warn({ survivors }, 'ended what the server before this one had left running');
  const mark = await childMark(root);
  const runner = startChildRunner(mark, () => endSurvivors(root));
  teardown.add(() => runner.stop());
  const marked = markChildren(runner.exec, mark);
  const exec = sharingLists(seams.exec?.(marked) ?? marked);
  const admin = await adminToken(config);
  const backend = backendOf(config, log, exec);
  // Of one that is not whole nothing may hold what is mounted or unmounted below.
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
  const served = Promise.withResolvers<void>();
  const space = createSpaceKeeper({
    pool,
    async converge() {
      await served.promise;
      await exports.converge([]);
    },
    flush: () => volumes.flush(join(root, 'nfs')),
    makeRoom: () => makeRoom({ level: space.level(), trimmer, trash }),
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
    async mounted(of) {
      if (of)
        return seenAt(
          exec,
          pool,
          of.map((disk) => ({ id: disk.id, at: placeOf(disk, places) })),
        );
      return rightlyMounted(await listDisks(db), await survey(), places);
    },
    onDrift: (drift) => tellExportDrift({ db, clock, log }, drift),
    log,
  });
  const fallback = createPowerDriver({
    driver: config.BAKERY_POWER ?? (config.PPI_PATH ? 'ppi' : 'manual'),
    ppiPath: config.PPI_PATH,
    ppiConfigPath: config.PPI_CONFIG_PATH,
    exec,
    log,
  });
  const switching: Switching = createSwitching({
    db,
    bound: () => bound,
    fallback,
    settings: seams.power,
    clock,
    log,
  });
  const builtIn = [...SWITCH_KINDS, ...(seams.switchKinds ?? [])];
  const switchKinds = [...builtIn, ...(await loadSwitchKinds(config.BAKERY_POWER_MODULES, builtIn))];
  const seal = sealWith(keyFileOf(config));
  const { turn, surveys } = switching;
  const switches = createOpenSwitches({ db, kinds: switchKinds, seal, turn, clock, log });
  await switches.refresh();
  teardown.add(() => switches.close());
  const bound = seams.switches?.(switching) ?? switches;
  const questions = createSwitchQuestions({ switches, surveys, turn, clock, log });
  const turns = createBootTurns({
    classOf: async (pi) => bootClass(await requirePi(db, pi)),
    lastSign: (pi) => newest(pi)?.signAt,
    limits: bootLimitsOf(config),
    clock,
    log,
  });
  teardown.add(() => turns.stop());
  /** `taken` before it is known: what is not heard says nothing. */
  let dhcpMode: DhcpPart['mode'] = 'taken';
  const diagnosisFacts = () => ({ dhcp: dhcpMode === 'taken' ? ('off' as const) : dhcpMode });
  const boots = createBootRecorder({
    db,
    neighbour: neighbourOf,
    facts: diagnosisFacts,
    onUp: (pi) => turns.ended(pi),
    clock,
    log,
  });
  await boots.load();
  teardown.add(() => boots.round());
  const newest = (pi: PiId) => newestBoot(boots.newest(pi), clock.now());
  const power = createPiPower({
    db,
    turns,
    cycles: createCycleLimit({ perHour: config.BAKERY_CYCLES_PER_HOUR, clock }),
    isUp: (pi) => newest(pi)?.state === 'up',
    power: createPowerService({
      driver: switching.driver,
      clock,
      log,
      onCall(call) {
        observers.power(call);
        boots.switched(call);
      },
      ...(seams.power ? { settings: seams.power } : {}),
    }),
    clock,
    log,
  });
  const keepMs = config.BAKERY_TRASH_HOURS * 3_600_000;
  const keepsTrash = keepMs > 0;
  const ports: OperationPorts = {
    db,
    volumes,
    images,
    takeover,
    exports,
    power,
    places,
    keepsTrash,
    nfsAddress: address,
    clock,
    log,
  };
  const engine = createEngine({
    db,
    kinds: operationKinds(ports),
    clock,
    log,
    gate: seams.gate,
    scope,
    watch: observers.work,
  });

  const feed = watchFeed(db, { clock, log });
  const retention = createRetention({ db, keepMs: config.BAKERY_KEEP_DAYS * 86_400_000, clock, log });
  const webhooks = createWebhookDelivery({ db, feed, clock, log });
  teardown.add(() => webhooks.stop());
  const trash = createTrashKeeper({ db, engine, keepMs, clock, log });
  const trimmer = createTrimmer({
    db,
    trim: volumes.trim,
    places,
    everyMs: config.BAKERY_TRIM_HOURS * 3_600_000,
    onTrim: observers.trim,
    clock,
    log,
  });

  const healer = createHealer({
    db,
    engine,
    broken: () => volumes.broken(join(root, 'nfs')),
    hasRoom: () => space.access() === 'rw',
    places,
    clock,
    log,
  });

  const follower = createFollower({
    db,
    exports,
    isNear: (to) => isOnOurWires(to, local, localSubnet),
    nudge,
    neighbour: neighbourOf,
    clock,
    log,
  });
  teardown.add(() => follower.stop());
  const addresses = createAddressWatch({
    db,
    exports,
    follow: follower.follow,
    reachable: () => reachableNeighbours(exec),
    connected: () => connectedTo(backend.ports().nfs),
    clock,
    log,
  });
  const backups = createBackupKeeper({
    db,
    file: databaseOf(config),
    folder: join(root, 'backups'),
    everyMs: config.BAKERY_BACKUP_HOURS * 3_600_000,
    keep: config.BAKERY_BACKUP_KEEP,
    clock,
    log,
  });

  const bootRetries = createBootRetries({
    db,
    engine,
    power,
    newestBoot: newest,
    answering: (addresses) => answeringNeighbours(addresses, { exec, clock }),
    limits: retryLimitsOf(config),
    clock,
    log,
  });

  const powerSync = createPowerSync({
    db,
    power,
    workers: POWER_SYNC_WORKERS,
    onRound: observers.powerRound,
    clock,
    log,
  });

  const litter = createLitterKeeper({ db, root, loops: () => listLoops(exec), mounts: readMounts, clock, log });

  const unmount = async (mountPoint: string) => void (await exec('umount', [mountPoint]));
  const nfsFolder = join(root, 'nfs');
  await volumes.thaw(nfsFolder);
  const unmounted =
    restoredFrom === undefined
      ? []
      : await letGoOfUnknown({
          db,
          withdraw: async () => void (serves && (await exports.converge([]))),
          survey,
          places,
          nfsFolder,
          unmount,
          log,
        });
  await mountMissing({ db, volumes, places, clock, log });
  await space.round();
  await exports.start();
  await exports.converge([]);
  served.resolve();
  if (restoredFrom !== undefined) await settleRestored({ db, engine, madeAt: restoredFrom, unmounted, clock, log });
  // An unbake whose switch is dead takes minutes to say so: what it holds is claimed, and the others need not wait for it.
  const late = new AbortController();
  let isRecovered = false;
  const recovered = engine.recover().finally(() => {
    isRecovered = true;
  });
  await Promise.race([recovered, clock.sleep(RECOVER_BEFORE_MS, late.signal).catch(() => undefined)]);
  late.abort();
  // An import may take hours, in which Pis that were taken over before run already: they are looked after from here on.
  const loops = startLoops(
    reconcileLoops({
      async exports() {
        await repairNfs({ db, backend, exports, clock, log });
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
      boots,
      roots: createRootWatch({ db, boots, nfs: backend, neighbour: neighbourOf }),
      bootRetries,
      powerSync,
      powerSyncMs: config.BAKERY_POWER_SYNC_SECONDS * 1_000,
      uploads: createUploadKeeper({ db, uploads, clock, log }),
      trimmer,
      switchWatch:
        config.BAKERY_SWITCH_SURVEY_MINUTES === 0
          ? undefined
          : {
              watch: createSwitchWatch({ db, switches, questions, clock }),
              everyMs: config.BAKERY_SWITCH_SURVEY_MINUTES * 60_000,
            },
    }).map((loop) => seams.loop?.(loop) ?? loop),
    { clock, log },
  );
  teardown.add(() => loops.stop());
  teardown.add(() => powerSync.stop());
  // Before the loops, one of which may wait for a switch.
  teardown.add(() => questions.stop());
  const volumeFolders = [pool.path('volumes', ''), pool.path('trash', '')];
  await importLegacy({ db, engine, root, volumeFolders, recovered, clock, log });
  await exports.converge([]);

  const wires = { address, local };
  const netboot = { db, power, exports, places, backend, boots, follower, observers, wires, openFiles, clock, log };
  const { desk, tftp, dhcp } = await startNetboot(config, netboot, teardown);
  dhcpMode = dhcp.mode;
  let ready = false;
  const { readiness, page } = watchParts({
    db,
    guard,
    pool,
    space,
    backend,
    exports,
    tftp,
    dhcp,
    power: { driver: fallback.name, failures: observers.powerFailures },
    turns,
    backups,
    isRecovered: () => isRecovered,
    isOpen: () => ready,
    metrics,
    clock,
    log,
  });
  const api = await serveApi(
    config,
    {
      db,
      engine,
      feed,
      webhooks,
      power,
      switchKinds,
      switches,
      questions,
      seal,
      places,
      openFiles,
      consoles: config.BAKERY_CONSOLES,
      desk: watchedRelayDesk(desk, boots),
      boots,
      diagnosisFacts,
      clock,
      auth: config.BAKERY_AUTH === 'off' ? { kind: 'off' } : { kind: 'token', admin },
      nfsAddress: address,
      subnet: () => localSubnet(address),
      trashKeepMs: keepMs,
      litter: litter.list,
      goldenBytes: (id) => volumes.goldenBytes(id),
      uploads,
      mayWrite: () => space.access() === 'rw',
      readiness,
      metrics: { ...page, request: observers.http },
    },
    { logger, log, version, tls, clock },
    teardown,
  );
  ready = true;

  const shown = config.BAKERY_HTTP_ADDRESS === '0.0.0.0' ? address : config.BAKERY_HTTP_ADDRESS;
  const base = `${tls ? 'https' : 'http'}://${shown}:${api.port}`;
  return {
    readyLines: [
      ...(config.BAKERY_LABEL === undefined ? [] : [`label  ${config.BAKERY_LABEL}`]),
      `api    ${base}${BASE}`,
      `docs   ${base}/docs`,
      `token  ${whereTokenIs(config)}`,
      `tftp   ${address}:${tftp.port}`,
      dhcpLine(dhcp),
      keepsVolumes(config)
        ? `nfs    ${address}:${backend.ports().nfs} (${backend.name})`
        : 'nfs    none (BAKERY_STORAGE)',
      `power  ${fallback.name}`,
      `bakery ready ${base}${BASE}`,
    ],
    reload: api.renewTls,
    async close(drainMs) {
      ready = false;
      turns.stop();
      await engine.drain(drainMs, turns.isWaiting);
      await teardown.run(log);
    },
  };
}
