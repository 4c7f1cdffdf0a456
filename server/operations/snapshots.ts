import { z } from 'zod';
import type { Disk } from '../../core/disk.ts';
import { BakeryError } from '../../core/errors.ts';
import { type DiskId, mintSnapshotId, type SnapshotId } from '../../core/ids.ts';
import { type DiskRecord, requireReadyDisk } from '../../db/disks.ts';
import type { Executor } from '../../db/open.ts';
import {
  addSnapshot,
  findSnapshot,
  listSnapshotsOf,
  removeSnapshot,
  requireReadySnapshot,
  setSnapshotState,
} from '../../db/snapshots.ts';
import type { OperationKind } from './kind.ts';
import type { LiveDisk, OperationPorts, Places } from './ports.ts';

const DiskParam = z.string().transform((id) => id as DiskId);
const SnapshotParam = z.string().transform((id) => id as SnapshotId);

const TakeParams = z.object({
  snapshot: SnapshotParam,
  disk: DiskParam,
  name: z.string().optional(),
  sizeMiB: z.number(),
  fsUuid: z.string(),
  /** A Pi may be writing on it. */
  inUse: z.boolean(),
});
/** A snapshot to take, and what of its disk goes with it. */
export type SnapshotParams = z.output<typeof TakeParams>;

/** The data disk with that id. @throws BakeryError `disk-unknown` (not-found), `disk-is-root` (forbidden). */
export async function requireDataDisk(trx: Executor, id: DiskId): Promise<DiskRecord> {
  const disk = await requireReadyDisk(trx, id);
  if (disk.role === 'root') {
    throw new BakeryError('forbidden', 'disk-is-root', 'that works for data disks only, not for the root of a Pi');
  }
  return disk;
}

/** Mints the id of a snapshot. Runs in the admitting transaction. */
export async function planSnapshot(trx: Executor, wish: { disk: DiskId; name?: string | undefined }) {
  const { id, sizeMiB, fsUuid, pi } = await requireDataDisk(trx, wish.disk);
  const name = wish.name === undefined ? {} : { name: wish.name };
  return { snapshot: mintSnapshotId(), disk: id, ...name, sizeMiB, fsUuid, inUse: pi !== undefined };
}

/** Where the copy of a disk is taken from. */
export function liveDisk(disk: Pick<Disk, 'id'> & { inUse: boolean }, places: Places): LiveDisk {
  return { kind: 'disk', id: disk.id, at: places.disk(disk.id), inUse: disk.inUse };
}

/** Keeps a disk as it is at one moment. Whatever works on a disk's snapshots holds the disk. */
export function snapshotKind(ports: OperationPorts): OperationKind<SnapshotParams> {
  const { volumes, places, clock } = ports;
  return {
    kind: 'snapshot',
    version: 1,
    afterCrash: 'rollback',
    parse: (params) => TakeParams.parse(params),
    claims: ({ disk }) => [{ resource: `disk:${disk}`, purpose: 'snapshot' }],
    admit: (trx, { snapshot, disk, name, sizeMiB, fsUuid }) =>
      addSnapshot(trx, { id: snapshot, disk, name, sizeMiB, fsUuid, createdAt: clock.now() }),
    steps: [
      {
        name: 'take',
        timeoutMs: 30 * 60_000,
        do: ({ params: { snapshot, disk, inUse } }) =>
          volumes.snapshot({ id: snapshot, from: liveDisk({ id: disk, inUse }, places) }),
        undo: ({ params }) => volumes.removeSnapshot({ id: params.snapshot }),
      },
    ],
    commit: (trx, { params }) => setSnapshotState(trx, params.snapshot, 'ready'),
    unwound: (trx, { params }) => removeSnapshot(trx, params.snapshot),
  };
}

const DropParams = z.object({ snapshot: SnapshotParam, disk: DiskParam });

/** The snapshot to delete. Runs in the admitting transaction. @throws BakeryError `snapshot-unknown` (not-found). */
export async function planDeleteSnapshot(trx: Executor, id: string): Promise<z.output<typeof DropParams>> {
  const { id: snapshot, disk } = await requireReadySnapshot(trx, id);
  return { snapshot, disk };
}

/** Deletes a snapshot. Disks that were made from it live on: they share nothing with it but blocks. */
export function deleteSnapshotKind(ports: OperationPorts): OperationKind<z.output<typeof DropParams>> {
  return {
    kind: 'delete-snapshot',
    version: 1,
    afterCrash: 'forward',
    parse: (params) => DropParams.parse(params),
    claims: ({ disk }) => [{ resource: `disk:${disk}`, purpose: 'delete a snapshot' }],
    admit: (trx, { snapshot }) => setSnapshotState(trx, snapshot, 'removing'),
    steps: [
      {
        name: 'remove',
        timeoutMs: 60_000,
        do: ({ params }) => ports.volumes.removeSnapshot({ id: params.snapshot }),
      },
    ],
    commit: (trx, { params }) => removeSnapshot(trx, params.snapshot),
  };
}

/** Deletes the files of a disk's snapshots: they go for good when the disk does. */
export async function dropSnapshotsOf({ db, volumes }: OperationPorts, disk: DiskId): Promise<void> {
  for (const { id } of await listSnapshotsOf(db, disk)) await volumes.removeSnapshot({ id });
}

const From = z.object({
  kind: z.enum(['disk', 'snapshot']),
  id: z.string(),
  /** The disk itself, or the one that the snapshot is of. */
  disk: DiskParam,
  inUse: z.boolean(),
});
/** What a disk is made from. */
export const CopyFrom = From;
export type CopyFrom = z.output<typeof From>;

/**
 * Looks up what a disk is to be made from: a disk, or a snapshot of one. Runs in the admitting transaction.
 * @throws BakeryError `source-unknown` (invalid), `disk-is-root` (forbidden).
 */
export async function planCopy(trx: Executor, id: string): Promise<CopyFrom & { sizeMiB: number }> {
  const snapshot = await findSnapshot(trx, id);
  if (snapshot?.state === 'ready') {
    return { kind: 'snapshot', id, disk: snapshot.disk, inUse: false, sizeMiB: snapshot.sizeMiB };
  }
  const disk = await requireDataDisk(trx, id as DiskId).catch((error: unknown) => {
    if (!(error instanceof BakeryError) || error.code !== 'disk-unknown') throw error;
    throw new BakeryError('invalid', 'source-unknown', `there is no disk and no snapshot ${id}`);
  });
  return { kind: 'disk', id, disk: disk.id, inUse: disk.pi !== undefined, sizeMiB: disk.sizeMiB };
}

/** The refusal of a size that is not larger than what there is. */
export function notLarger(sizeMiB: number): BakeryError {
  return new BakeryError('invalid', 'disk-not-larger', `it has ${sizeMiB} MiB already, and is never made smaller`);
}
