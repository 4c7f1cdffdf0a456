import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { systemClock } from '../../core/host/clock.ts';
import { exec } from '../../core/host/exec.ts';
import type { Ipv4 } from '../../core/ids.ts';
import { listDisks } from '../../db/disks.ts';
import { openDatabase } from '../../db/open.ts';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { readMounts } from '../../exports/volumes/mountinfo.ts';
import { openPool } from '../../exports/volumes/pool.ts';
import { surveyVolumes } from '../../exports/volumes/survey.ts';
import { createVolumes } from '../../exports/volumes/volumes.ts';
import { createEngine } from '../../server/operations/engine.ts';
import { createExportKeeper } from '../../server/operations/exports.ts';
import type { ImagePort, OperationPorts } from '../../server/operations/ports.ts';
import { operationKinds } from '../../server/operations/registry.ts';
import { repairMounts, rightlyMounted } from '../../server/reconcile/drift-mounts.ts';
import { createTrashKeeper } from '../../server/reconcile/trash.ts';
import { call, type RunningBakery, startBakery } from '../lab/bakery.ts';
import type { Rack } from '../lab/rack.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** Asks the API and insists on the status. */
export async function ask<T>(
  bakery: RunningBakery,
  method: string,
  path: string,
  expected: number,
  body?: unknown,
): Promise<T> {
  const answer = await call(bakery, method, path, body);
  const said = () =>
    bakery
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{"level":50'))
      .slice(-2);
  if (answer.status !== expected) {
    assert.fail(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}\n${said().join('\n')}`);
  }
  return answer.body as T;
}

/** Asks until `probe` finds something. */
export async function until<T>(what: string, probe: () => Promise<T | undefined | false>, ms = 60_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Rows of a database that a server may have open, through a connection that cannot write. */
export function rowsOf<T>(file: string, sql: string): T[] {
  const db = new Database(file, { readonly: true, timeout: 5_000 });
  try {
    return db.prepare(sql).all() as T[];
  } finally {
    db.close();
  }
}

/** The events of the feed, oldest first. */
export function eventsOf(root: string, type: string): { disk: string | null; pi: string | null; data: never }[] {
  return rowsOf<{ disk: string | null; pi: string | null; data: string }>(
    join(root, 'bakery.db'),
    `SELECT disk, pi, data FROM events WHERE type = '${type}' ORDER BY seq`,
  ).map((row) => ({ ...row, data: JSON.parse(row.data) as never }));
}

/** The SHA-256 of every file in some folders of the pool, by path. */
export function hashesOf(root: string, ...folders: readonly string[]): Record<string, string> {
  const files = folders.flatMap((folder) => readdirSync(join(root, 'pool', folder)).map((name) => `${folder}/${name}`));
  return Object.fromEntries(
    files.map((file) => {
      const hash = createHash('sha256').update(readFileSync(join(root, 'pool', file)));
      return [file, hash.digest('hex')];
    }),
  );
}

/** Ends the NFS server of a stopped Bakery and unmounts what it served; the pool stays. */
export async function quiesce(root: string): Promise<void> {
  await ganeshaBackend({ root, log: quiet }).stop();
  const ours = (await readMounts()).filter(({ mountPoint }) => mountPoint.startsWith(`${root}/nfs/`));
  for (const { mountPoint } of ours.toReversed()) await exec('umount', [mountPoint]);
}

/** Starts a server for a rack whose roots are small enough to be read whole. */
export function startSmall(rack: Rack, settings: Readonly<Record<string, string>> = {}): Promise<RunningBakery> {
  const { root } = rack.world;
  return startBakery({
    root,
    settings: {
      BAKERY_ADDRESS: '127.0.0.1',
      BAKERY_EXPORT_POLICY: 'any',
      BAKERY_POWER: 'simpleweb',
      PPI_CONFIG_PATH: join(root, '..', 'ppi.json'),
      BAKERY_ROOT_SIZE: '96MiB',
      ...settings,
    },
  });
}

/** Runs the loops of a stopped server as often as they run in an hour, in no time. */
export async function anHourOfLoops(root: string): Promise<void> {
  const db = await openDatabase(join(root, 'bakery.db'));
  try {
    const pool = await openPool({ root, mode: 'auto', exec, log: quiet });
    const volumes = createVolumes({ pool, exec, log: quiet });
    const survey = () => surveyVolumes(exec, pool);
    const nfs = join(root, 'nfs');
    const places = { root: (pi: string) => join(nfs, pi), disk: (id: string) => join(nfs, id), bakeform: String };
    let elapsed = 0;
    const clock = { ...systemClock, monotonic: () => elapsed };
    const exports = createExportKeeper({
      db,
      backend: ganeshaBackend({ root, log: quiet }),
      policy: { kind: 'any' },
      places,
      look: async () => ({
        mounted: rightlyMounted(await listDisks(db), await survey(), places),
        broken: new Set<string>(),
      }),
      access: () => 'rw',
      log: quiet,
    });
    const ports = {
      db,
      volumes,
      exports,
      places,
      keepsTrash: true,
      nfsAddress: '10.99.0.1' as Ipv4,
      clock,
      log: quiet,
    };
    const unused = {
      images: {} as ImagePort,
      power: {} as OperationPorts['power'],
      takeover: {} as OperationPorts['takeover'],
    };
    const engine = createEngine({ db, kinds: operationKinds({ ...ports, ...unused }), clock, log: quiet });
    const trash = createTrashKeeper({ db, engine, keepMs: 24 * 3_600_000, clock, log: quiet });
    for (let minute = 0; minute < 60; minute++) {
      elapsed += 60_000;
      await trash.tidy();
      await repairMounts({ db, volumes, exports, places, survey, clock, log: quiet });
      await exports.converge([]);
    }
  } finally {
    await db.destroy();
  }
}
