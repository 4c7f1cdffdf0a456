import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { startChildRunner } from '../core/host/child-runner.ts';
import { systemClock } from '../core/host/clock.ts';
import { defaultInterface, localAddresses } from '../core/host/network.ts';
import { childMark, endSurvivors, markChildren } from '../core/host/survivors.ts';
import { type Log, scopedLog } from '../core/log.ts';
import { guardFile } from '../db/file-guard.ts';
import { lockRoot } from '../db/lock.ts';
import { type Db, openDatabase } from '../db/open.ts';
import { sharingLists } from '../exports/volumes/loops.ts';
import { chooseAddress, onInterfaces } from './address.ts';
import { checkRoot } from './capabilities.ts';
import type { Config } from './config.ts';
import type { Wires } from './listen.ts';
import { createMetrics } from './metrics/metrics.ts';
import { createObservers } from './metrics/observe.ts';
import { databaseOf, keepsVolumes } from './root.ts';
import type { Seams } from './seams.ts';
import type { Teardown } from './teardown.ts';
import { openTls } from './tls.ts';
import { adminToken } from './token.ts';

/** What everything else stands on: the machine as it is found, the inventory, and what is logged and counted. */
export type Ground = Awaited<ReturnType<typeof openGround>>;

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

async function findWires(config: Config, log: Log): Promise<Wires> {
  const local = onInterfaces(localAddresses(), config.BAKERY_INTERFACES);
  const { address, lonely } = chooseAddress({
    wished: config.BAKERY_ADDRESS ?? config.NFS_ADDRESS,
    addresses: local,
    defaultInterface: await defaultInterface(),
  });
  if (lonely) log.warn({}, 'this machine has no address but loopback: no Pi can reach it');
  return { address, local };
}

/** Takes the root for this server alone; what one before it has left running is ended by then. @throws what is missing for a start. */
export async function openGround(
  config: Config,
  { logger, version, seams }: { logger: Logger; version: string; seams: Seams },
  teardown: Teardown,
) {
  const { log, scope } = scopedLog(logger);
  const metrics = createMetrics({ version, node: process.version });
  const observers = createObservers(metrics);
  const abilities = keepsVolumes(config) ? await checkRoot(log) : { growsMounted: false };
  if (!keepsVolumes(config)) log.warn({}, 'BAKERY_STORAGE=none: nothing can be baked, and no image or disk be kept');
  const growsMounted = seams.growsMounted ?? abilities.growsMounted;
  const wires = await findWires(config, log);
  if (config.KPARTX_PATH !== undefined) log.info({}, 'KPARTX_PATH is ignored: partitions are read without it');
  if (config.BAKERY_AUTH === 'off') log.warn({}, 'BAKERY_AUTH=off: whoever reaches the API may do everything');
  const clock = seams.clock ?? systemClock;
  const tls = await openTls(config, { clock, log });

  const root = config.BAKERY_ROOT;
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
  return { db, guard, exec, bus: seams.bus, growsMounted, admin, tls, wires, clock, log, scope, metrics, observers };
}
