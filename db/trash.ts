import type { Selectable } from 'kysely';
import type { DiskRole } from '../core/disk.ts';
import { BakeryError } from '../core/errors.ts';
import type { BakeformName, DiskId, PiId } from '../core/ids.ts';
import type { Executor } from './open.ts';
import type { Schema } from './schema.ts';

/** A destroyed disk whose volume is still there. */
export interface TrashedDisk {
  readonly id: DiskId;
  readonly role: DiskRole;
  /** MiB of `disk.img`; 0 for a root. */
  readonly sizeMiB: number;
  readonly fsUuid: string;
  /** The Pi it was on when it was destroyed. */
  readonly pi: PiId | undefined;
  /** Of a root: the bakeform and golden volume it was cloned from. */
  readonly bakeform: BakeformName | undefined;
  readonly bakeformVolume: string | undefined;
  /** ms since the epoch. */
  readonly discardedAt: number;
  /** For how long servers that were running have kept it, in ms. */
  readonly keptMs: number;
}

function toTrashed(row: Selectable<Schema['trash']>): TrashedDisk {
  return {
    id: row.disk as DiskId,
    role: row.role as DiskRole,
    sizeMiB: row.size_mib,
    fsUuid: row.fs_uuid,
    pi: (row.pi ?? undefined) as PiId | undefined,
    bakeform: (row.bakeform ?? undefined) as BakeformName | undefined,
    bakeformVolume: row.bakeform_volume ?? undefined,
    discardedAt: row.discarded_at,
    keptMs: row.kept_ms,
  };
}

/** Everything in the trash, oldest first. */
export async function listTrash(ex: Executor): Promise<TrashedDisk[]> {
  return (await ex.selectFrom('trash').selectAll().orderBy('kept_ms', 'desc').orderBy('disk').execute()).map(toTrashed);
}

/** At most `limit` disks in the trash that were destroyed after the one `after`, oldest first: an order that does not change. */
export async function listTrashPage(
  ex: Executor,
  page: { after: { discardedAt: number; id: string } | undefined; limit: number },
): Promise<TrashedDisk[]> {
  let query = ex.selectFrom('trash').selectAll().orderBy('discarded_at').orderBy('disk').limit(page.limit);
  if (page.after) {
    const { discardedAt, id } = page.after;
    query = query.where((eb) =>
      eb.or([
        eb('discarded_at', '>', discardedAt),
        eb.and([eb('discarded_at', '=', discardedAt), eb('disk', '>', id)]),
      ]),
    );
  }
  return (await query.execute()).map(toTrashed);
}

/** The destroyed disk with that id; throws `not-in-trash` (not-found). */
export async function requireTrashed(ex: Executor, id: DiskId): Promise<TrashedDisk> {
  const row = await ex.selectFrom('trash').selectAll().where('disk', '=', id).executeTakeFirst();
  if (!row) throw new BakeryError('not-found', 'not-in-trash', `disk ${id} is not in the trash`);
  return toTrashed(row);
}

/** True when the disk with that id is in the trash. */
export async function isTrashed(ex: Executor, id: DiskId): Promise<boolean> {
  return (await ex.selectFrom('trash').select('disk').where('disk', '=', id).executeTakeFirst()) !== undefined;
}

/** Notes that a disk's volume is in the trash; it is fine when that is noted. */
export async function addTrash(ex: Executor, disk: Omit<TrashedDisk, 'keptMs'>): Promise<void> {
  await ex
    .insertInto('trash')
    .values({
      disk: disk.id,
      role: disk.role,
      size_mib: disk.sizeMiB,
      fs_uuid: disk.fsUuid,
      pi: disk.pi ?? null,
      bakeform: disk.bakeform ?? null,
      bakeform_volume: disk.bakeformVolume ?? null,
      discarded_at: disk.discardedAt,
    })
    .onConflict((c) => c.doNothing())
    .execute();
}

/** Forgets that a disk's volume is in the trash; it is fine when that was forgotten. */
export async function removeTrash(ex: Executor, id: DiskId): Promise<void> {
  await ex.deleteFrom('trash').where('disk', '=', id).execute();
}

/** Counts that everything in the trash has been kept for `ms` more. */
export async function ageTrash(ex: Executor, ms: number): Promise<void> {
  await ex
    .updateTable('trash')
    .set((eb) => ({ kept_ms: eb('kept_ms', '+', Math.round(ms)) }))
    .execute();
}
