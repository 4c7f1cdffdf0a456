import type { Selectable } from 'kysely';
import type { Disk, DiskRole, DiskState } from '../core/disk.ts';
import { BakeryError } from '../core/errors.ts';
import type { DiskId, PiId } from '../core/ids.ts';
import type { Executor } from './open.ts';
import type { Schema } from './schema.ts';

/** What is known of a disk beside what it is. */
export interface DiskRecord extends Disk {
  readonly name: string | undefined;
  /** The disk or snapshot it was made from. */
  readonly source: string | undefined;
  /** ms since the epoch. */
  readonly createdAt: number;
}

function toDisk(row: Selectable<Schema['disks']>): DiskRecord {
  return {
    id: row.id as DiskId,
    role: row.role as DiskRole,
    state: row.state as DiskState,
    sizeMiB: row.size_mib,
    pi: (row.pi ?? undefined) as PiId | undefined,
    position: row.position ?? undefined,
    fsUuid: row.fs_uuid,
    exportId: row.export_id,
    isWithheld: row.withheld === 1,
    name: row.name ?? undefined,
    source: row.source ?? undefined,
    createdAt: row.created_at,
  };
}

/** The disk with that id in whatever state, or undefined. */
export async function findDisk(ex: Executor, id: DiskId): Promise<DiskRecord | undefined> {
  const row = await ex.selectFrom('disks').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toDisk(row);
}

/** The disk with that id, if it is ready; throws `disk-unknown` (not-found). */
export async function requireReadyDisk(ex: Executor, id: DiskId): Promise<DiskRecord> {
  const disk = await findDisk(ex, id);
  if (disk?.state !== 'ready') throw new BakeryError('not-found', 'disk-unknown', `there is no disk ${id}`);
  return disk;
}

/** All disks in whatever state, oldest first. */
export async function listDisks(ex: Executor): Promise<DiskRecord[]> {
  return (await ex.selectFrom('disks').selectAll().orderBy('created_at').orderBy('id').execute()).map(toDisk);
}

/** The disks of one Pi in whatever state, in attach order. */
export async function listDisksOf(ex: Executor, pi: PiId): Promise<DiskRecord[]> {
  return (await ex.selectFrom('disks').selectAll().where('pi', '=', pi).orderBy('position').execute()).map(toDisk);
}

/** The disks that have these export ids, in whatever state. */
export async function listDisksExported(ex: Executor, exportIds: readonly number[]): Promise<DiskRecord[]> {
  const rows = await ex.selectFrom('disks').selectAll().where('export_id', 'in', exportIds).orderBy('id').execute();
  return rows.map(toDisk);
}

/** Adds a disk's row; it is fine when the same one is there. */
export async function addDisk(
  ex: Executor,
  disk: Disk & { readonly now: number; readonly name?: string | undefined; readonly source?: string | undefined },
): Promise<void> {
  await ex
    .insertInto('disks')
    .values({
      id: disk.id,
      role: disk.role,
      state: disk.state,
      size_mib: disk.sizeMiB,
      pi: disk.pi ?? null,
      position: disk.position ?? null,
      fs_uuid: disk.fsUuid,
      export_id: disk.exportId,
      created_at: disk.now,
      name: disk.name ?? null,
      source: disk.source ?? null,
    })
    .onConflict((c) => c.column('id').doNothing())
    .execute();
}

/** Puts a disk into another state. */
export async function setDiskState(ex: Executor, id: DiskId, state: DiskState): Promise<void> {
  await ex.updateTable('disks').set({ state }).where('id', '=', id).execute();
}

/** Has a disk exported to nobody for a while, or again to its Pi. */
export async function withholdDisk(ex: Executor, id: DiskId, isWithheld: boolean): Promise<void> {
  await ex
    .updateTable('disks')
    .set({ withheld: isWithheld ? 1 : 0 })
    .where('id', '=', id)
    .execute();
}

/** Notes that a disk has been grown. */
export async function resizeDisk(ex: Executor, id: DiskId, sizeMiB: number): Promise<void> {
  await ex.updateTable('disks').set({ size_mib: sizeMiB }).where('id', '=', id).execute();
}

/** Gives a disk a name, or none. @throws BakeryError `disk-name-taken` (conflict). */
export async function nameDisk(ex: Executor, id: DiskId, name: string | null): Promise<void> {
  if (name !== null) await requireFreeName(ex, name, id);
  await ex.updateTable('disks').set({ name }).where('id', '=', id).execute();
}

/** Refuses a name that another disk has. @throws BakeryError `disk-name-taken` (conflict). */
export async function requireFreeName(ex: Executor, name: string, except?: DiskId): Promise<void> {
  const named = await ex.selectFrom('disks').select('id').where('name', '=', name).executeTakeFirst();
  if (named && named.id !== except) {
    throw new BakeryError('conflict', 'disk-name-taken', `the name ${name} belongs to disk ${named.id}`);
  }
}

/** Gives a disk its place at a Pi. */
export async function placeDisk(ex: Executor, id: DiskId, place: { pi: PiId; position: number }): Promise<void> {
  await ex.updateTable('disks').set(place).where('id', '=', id).execute();
}

/** Takes a disk away from its Pi; the places of the others stay as they are. */
export async function unplaceDisk(ex: Executor, id: DiskId): Promise<void> {
  await ex.updateTable('disks').set({ pi: null, position: null }).where('id', '=', id).execute();
}

/** The place behind all that `pi` has or had in this life: positions only grow, so the order never changes. */
export async function nextPosition(ex: Executor, pi: PiId): Promise<number> {
  const disks = await listDisksOf(ex, pi);
  return Math.max(0, ...disks.map((disk) => disk.position ?? 0)) + 1;
}

/** Removes a disk's row; it is fine when there is none. */
export async function removeDisk(ex: Executor, id: DiskId): Promise<void> {
  await ex.deleteFrom('disks').where('id', '=', id).execute();
}

/**
 * An unused Export_Id. Ids are handed out in a circle, so that one just freed is not given to another volume while a
 * client may still hold handles with it.
 * @throws BakeryError `exports-exhausted` (conflict) when all 65,535 are in use.
 */
export async function mintExportId(ex: Executor): Promise<number> {
  const used = new Set((await ex.selectFrom('disks').select('export_id').execute()).map((row) => row.export_id));
  const last = await ex.selectFrom('settings').select('value').where('key', '=', 'last-export-id').executeTakeFirst();
  let id = Number(last?.value ?? 0);
  for (let tries = 0; tries < 65_535; tries++) {
    id = (id % 65_535) + 1;
    if (used.has(id)) continue;
    await ex
      .insertInto('settings')
      .values({ key: 'last-export-id', value: String(id) })
      .onConflict((c) => c.column('key').doUpdateSet({ value: String(id) }))
      .execute();
    return id;
  }
  throw new BakeryError('conflict', 'exports-exhausted', 'all 65535 export ids are in use');
}
