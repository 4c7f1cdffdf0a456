import type { Selectable } from 'kysely';
import type { DiskState, Snapshot } from '../core/disk.ts';
import { BakeryError } from '../core/errors.ts';
import type { DiskId, SnapshotId } from '../core/ids.ts';
import type { Executor } from './open.ts';
import type { Schema } from './schema.ts';

function toSnapshot(row: Selectable<Schema['snapshots']>): Snapshot {
  return {
    id: row.id as SnapshotId,
    disk: row.disk as DiskId,
    name: row.name ?? undefined,
    state: row.state as DiskState,
    sizeMiB: row.size_mib,
    fsUuid: row.fs_uuid,
    createdAt: row.created_at,
  };
}

/** The snapshot with that id in whatever state, or undefined. */
export async function findSnapshot(ex: Executor, id: string): Promise<Snapshot | undefined> {
  const row = await ex.selectFrom('snapshots').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toSnapshot(row);
}

/** The snapshot with that id, if it is ready; throws `snapshot-unknown` (not-found). */
export async function requireReadySnapshot(ex: Executor, id: string): Promise<Snapshot> {
  const snapshot = await findSnapshot(ex, id);
  if (snapshot?.state !== 'ready') {
    throw new BakeryError('not-found', 'snapshot-unknown', 'there is no such snapshot');
  }
  return snapshot;
}

/** All snapshots in whatever state, by id. */
export async function listSnapshots(ex: Executor): Promise<Snapshot[]> {
  return (await ex.selectFrom('snapshots').selectAll().orderBy('id').execute()).map(toSnapshot);
}

/** The snapshots of one disk in whatever state, oldest first; of a page those behind `after`. */
export async function listSnapshotsOf(
  ex: Executor,
  disk: DiskId,
  page?: { after: { createdAt: number; id: string } | undefined; limit: number },
): Promise<Snapshot[]> {
  let query = ex.selectFrom('snapshots').selectAll().where('disk', '=', disk).orderBy('created_at').orderBy('id');
  if (page?.after) {
    const { createdAt, id } = page.after;
    query = query.where((eb) =>
      eb.or([eb('created_at', '>', createdAt), eb.and([eb('created_at', '=', createdAt), eb('id', '>', id)])]),
    );
  }
  // What is half made or half gone is not shown in pages.
  if (page) query = query.where('state', '=', 'ready').limit(page.limit);
  return (await query.execute()).map(toSnapshot);
}

/** How many snapshots a disk has that are ready. */
export async function countSnapshots(ex: Executor, disk: DiskId): Promise<number> {
  const { count } = await ex
    .selectFrom('snapshots')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('disk', '=', disk)
    .where('state', '=', 'ready')
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Adds a snapshot that is being made. */
export async function addSnapshot(ex: Executor, snapshot: Omit<Snapshot, 'state'>): Promise<void> {
  await ex
    .insertInto('snapshots')
    .values({
      id: snapshot.id,
      disk: snapshot.disk,
      name: snapshot.name ?? null,
      state: 'making',
      size_mib: snapshot.sizeMiB,
      fs_uuid: snapshot.fsUuid,
      created_at: snapshot.createdAt,
    })
    .execute();
}

/** Puts a snapshot into another state. */
export async function setSnapshotState(ex: Executor, id: SnapshotId, state: DiskState): Promise<void> {
  await ex.updateTable('snapshots').set({ state }).where('id', '=', id).execute();
}

/** Removes a snapshot's row; it is fine when there is none. */
export async function removeSnapshot(ex: Executor, id: SnapshotId): Promise<void> {
  await ex.deleteFrom('snapshots').where('id', '=', id).execute();
}

/** Removes the rows of all snapshots of a disk. */
export async function removeSnapshotsOf(ex: Executor, disk: DiskId): Promise<void> {
  await ex.deleteFrom('snapshots').where('disk', '=', disk).execute();
}
