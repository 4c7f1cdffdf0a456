import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import Database from 'better-sqlite3';
import { exec } from '../../core/host/exec.ts';
import type { Log } from '../../core/log.ts';
import type { NfsExport } from '../../exports/nfs/backend.ts';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { readExt4Uuid } from '../../exports/volumes/ext4.ts';
import { listLoops } from '../../exports/volumes/loops.ts';
import { readMounts } from '../../exports/volumes/mountinfo.ts';

/**
 * Where a Bakery lives whose world is checked. The check runs in the server's mount and network namespace; the server may
 * run, or be gone. `policy` is its BAKERY_EXPORT_POLICY; the database is `<root>/bakery.db` unless told otherwise.
 */
export interface CheckedWorld {
  readonly root: string;
  readonly policy: 'pi' | 'any';
  readonly database?: string;
}

interface Rows {
  readonly pis: readonly { id: string; state: string; bakeform: string | null; address: string | null }[];
  readonly disks: readonly {
    id: string;
    role: string;
    state: string;
    pi: string | null;
    position: number | null;
    fs_uuid: string;
    export_id: number;
    withheld: number;
  }[];
  readonly bakeforms: readonly { name: string; state: string; volume_id: string }[];
  readonly trash: readonly { disk: string }[];
  readonly snapshots: readonly { id: string; disk: string; state: string; fs_uuid: string }[];
  readonly uploads: readonly { id: string }[];
  readonly operations: readonly { id: string; kind: string; state: string }[];
  readonly claims: readonly { resource: string; operation: string }[];
}

const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** All rows in one read transaction, through a connection that cannot write. */
function readRows(world: CheckedWorld): Rows {
  const db = new Database(world.database ?? join(world.root, 'bakery.db'), { readonly: true, timeout: 5_000 });
  try {
    const all = (sql: string) => db.prepare(sql).all() as never;
    return db.transaction(() => ({
      pis: all('SELECT id, state, bakeform, address FROM pis'),
      disks: all('SELECT id, role, state, pi, position, fs_uuid, export_id, withheld FROM disks'),
      bakeforms: all('SELECT name, state, volume_id FROM bakeforms'),
      trash: all('SELECT disk FROM trash'),
      uploads: all('SELECT id FROM uploads'),
      snapshots: all('SELECT id, disk, state, fs_uuid FROM snapshots'),
      operations: all("SELECT id, kind, state FROM operations WHERE state NOT IN ('done', 'failed')"),
      claims: all('SELECT resource, operation FROM claims'),
    }))();
  } finally {
    db.close();
  }
}

/** What is missing, what is too much and what is there twice. */
function compare(what: string, wanted: readonly string[], found: readonly string[]): string[] {
  return [
    ...wanted.filter((one) => !found.includes(one)).map((one) => `${what} missing: ${one}`),
    ...found.filter((one) => !wanted.includes(one)).map((one) => `${what} leaked: ${one}`),
    ...found.filter((one, i) => found.indexOf(one) !== i).map((one) => `${what} twice: ${one}`),
  ];
}

/** What the rows say against each other, and against a world at rest. */
function rowFaults({ pis, disks, bakeforms, trash, snapshots, operations, claims }: Rows): string[] {
  const faults = [
    ...operations.map(({ id, kind, state }) => `operation open: ${kind} ${id} is ${state}`),
    ...claims.map(({ resource, operation }) => `claim left: ${resource} by ${operation}`),
    ...bakeforms.filter(({ state }) => state !== 'ready').map(({ name, state }) => `bakeform ${name} is ${state}`),
    ...disks.filter(({ state }) => state !== 'ready').map(({ id, state }) => `disk ${id} is ${state}`),
    ...disks.filter(({ withheld }) => withheld !== 0).map(({ id }) => `disk ${id} is withheld`),
    ...snapshots.filter(({ state }) => state !== 'ready').map(({ id, state }) => `snapshot ${id} is ${state}`),
    ...snapshots
      .filter((one) => !disks.some(({ id }) => id === one.disk) && !trash.some(({ disk }) => disk === one.disk))
      .map(({ id }) => `snapshot ${id} is of no disk`),
  ];
  for (const pi of pis) {
    const own = disks.filter((disk) => disk.pi === pi.id);
    const roots = own.filter(({ role, position }) => role === 'root' && position === 0).length;
    const taken = new Set(own.map(({ position }) => position)).size;
    if (pi.state === 'fridge' && (own.length > 0 || pi.bakeform !== null)) {
      faults.push(`Pi ${pi.id} is in the fridge with ${own.length} disks of ${pi.bakeform}`);
    } else if (pi.state === 'baked' && (roots !== 1 || pi.bakeform === null)) {
      faults.push(`Pi ${pi.id} is baked with ${roots} roots of ${pi.bakeform}`);
    } else if (pi.state !== 'fridge' && pi.state !== 'baked') faults.push(`Pi ${pi.id} is ${pi.state}`);
    if (taken !== own.length) faults.push(`Pi ${pi.id} has two disks in one place`);
  }
  const known = new Set(pis.map(({ id }) => id));
  for (const { id, role, pi } of disks) {
    if (role === 'root' && pi === null) faults.push(`root ${id} belongs to no Pi`);
    if (role === 'root' && disks.some((other) => other.id !== id && other.role === 'root' && other.pi === pi)) {
      faults.push(`root ${id} is not the only one of Pi ${pi}`);
    }
    if (pi !== null && !known.has(pi)) faults.push(`disk ${id} belongs to the unknown Pi ${pi}`);
  }
  return faults;
}

/** Export as one line. */
function exportLine({ id, path, client, access }: NfsExport): string {
  // Nobody moves in a world at rest: a second address is told.
  const addresses = client.kind === 'address' && [client.address, client.also].filter(Boolean).join(' and ');
  const who = addresses || client.kind;
  return `${id} ${path} ${access} for ${who}`;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Every inconsistency between what the database says and what there is: rows among each other, folders below `nfs/`,
 * volume files and their file systems' UUIDs, golden volumes, the trash, half-made things, mounts, loop devices and NFS exports. Nothing may
 * be missing, nothing leaked, nothing there twice. Empty for a world at rest (see `untilAtRest`); an operation that is
 * open, a stuck one too, is told as an inconsistency of its own, and what it holds may be told as well. Changes nothing.
 */
export async function checkWorld(world: CheckedWorld): Promise<string[]> {
  const { root, policy } = world;
  const rows = readRows(world);
  const pool = (folder: string) => join(root, 'pool', folder);
  const volume = (id: string) => join(pool('volumes'), `${id}.ext4`);
  const placeOf = (disk: Rows['disks'][number]) =>
    join(root, 'nfs', disk.role === 'root' ? (disk.pi ?? disk.id) : disk.id);

  const faults = rowFaults(rows);
  const places = rows.disks.map(placeOf);
  const volumes = rows.disks.map(({ id }) => volume(id));
  const goldens = rows.bakeforms.map(({ volume_id }) => `${volume_id}.ext4`);
  faults.push(
    ...compare(
      'folder',
      places,
      (await readdir(join(root, 'nfs'))).map((name) => join(root, 'nfs', name)),
    ),
  );
  faults.push(
    ...compare(
      'volume',
      volumes.map((file) => basename(file)),
      await readdir(pool('volumes')),
    ),
  );
  faults.push(...compare('golden volume', goldens, await readdir(pool('golden'))));
  const trash = rows.trash.map(({ disk }) => `${disk}.ext4`);
  faults.push(...compare('volume in the trash', trash, await readdir(pool('trash'))));
  const kept = (id: string) => join(pool('snapshots'), `${id}.ext4`);
  faults.push(
    ...compare(
      'snapshot',
      rows.snapshots.map(({ id }) => basename(kept(id))),
      await readdir(pool('snapshots')),
    ),
  );
  for (const { id, fs_uuid } of rows.snapshots) {
    const uuid = await readExt4Uuid(kept(id)).catch(() => undefined);
    if (uuid !== fs_uuid) faults.push(`snapshot ${id} holds the file system ${uuid}, not ${fs_uuid}`);
  }
  // One of which nothing has come yet has no file.
  const pieces = rows.uploads.map(({ id }) => `upload-${id}`);
  const incoming = (await readdir(pool('incoming'))).filter((name) => !pieces.includes(name));
  faults.push(...compare('incoming', [], incoming), ...compare('work', [], await readdir(pool('work'))));
  for (const { id, fs_uuid } of rows.disks) {
    const uuid = await readExt4Uuid(volume(id)).catch(() => undefined);
    if (uuid !== fs_uuid) faults.push(`volume ${id} holds the file system ${uuid}, not ${fs_uuid}`);
  }

  const xfs = join(root, 'pool.xfs');
  const isXfs = await isThere(xfs);
  const loops = (await listLoops(exec)).filter(({ file }) => file.startsWith(`${root}/`));
  faults.push(
    ...compare(
      'loop device',
      [...volumes, ...(isXfs ? [xfs] : [])],
      loops.map(({ file }) => file),
    ),
  );
  const fileOf = new Map(loops.map(({ name, file }) => [name, file]));
  const mounts = (await readMounts()).filter(({ mountPoint }) => mountPoint.startsWith(`${root}/`));
  faults.push(
    ...compare(
      'mount',
      [
        ...rows.disks.map((disk) => `${volume(disk.id)} at ${placeOf(disk)}`),
        ...(isXfs ? [`${xfs} at ${pool('')}`] : []),
      ],
      mounts.map(({ source, mountPoint }) => `${fileOf.get(source) ?? source} at ${mountPoint}`),
    ),
  );

  const desired = rows.disks.flatMap((disk): string[] => {
    const pi = rows.pis.find(({ id }) => id === disk.pi);
    const who = policy === 'any' ? policy : pi?.address;
    return pi && who ? [`${disk.export_id} ${placeOf(disk)} rw for ${who}`] : [];
  });
  try {
    const served = await ganeshaBackend({ root, log: QUIET }).list();
    faults.push(...compare('export', desired, served.map(exportLine)));
  } catch (error) {
    faults.push(`the NFS server does not answer: ${error instanceof Error ? error.message : error}`);
  }
  return faults;
}

/** Waits until no operation is open; throws, naming them, when some are after `ms`, or when one is stuck. */
export async function untilAtRest(world: CheckedWorld, ms: number): Promise<void> {
  const until = Date.now() + ms;
  for (;;) {
    const { operations } = readRows(world);
    if (operations.length === 0) return;
    if (Date.now() > until || operations.some(({ state }) => state === 'stuck')) {
      throw new Error(
        `not at rest: ${operations.map(({ id, kind, state }) => `${kind} ${id} is ${state}`).join(', ')}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
