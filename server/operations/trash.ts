import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';
import type { BakeformName, DiskId, PiId } from '../../core/ids.ts';
import { addDisk, findDisk, mintExportId, removeDisk, setDiskState } from '../../db/disks.ts';
import type { Executor } from '../../db/open.ts';
import { findPi, movePi, patchPi, requirePi } from '../../db/pis.ts';
import { removeSnapshotsOf } from '../../db/snapshots.ts';
import { addTrash, removeTrash, requireTrashed } from '../../db/trash.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts } from './ports.ts';
import { dropSnapshotsOf } from './snapshots.ts';

/** What the step that ends a volume says: it is kept in the trash, or gone. */
export const Discarded = z.object({ trashed: z.boolean() });

/** Removes a destroyed disk's row, and notes that its volume lies in the trash when it does. */
export async function forgetDisk(ex: Executor, id: DiskId, facts: { trashed: boolean; now: number }): Promise<void> {
  const disk = await findDisk(ex, id);
  if (!disk) return;
  const pi = disk.pi ? await findPi(ex, disk.pi) : undefined;
  const isRoot = disk.role === 'root';
  if (facts.trashed) {
    await addTrash(ex, {
      id,
      role: disk.role,
      sizeMiB: disk.sizeMiB,
      fsUuid: disk.fsUuid,
      pi: disk.pi,
      bakeform: isRoot ? pi?.bakeform : undefined,
      bakeformVolume: isRoot ? pi?.bakeformVolume : undefined,
      discardedAt: facts.now,
    });
  }
  // In the trash it keeps its snapshots.
  if (!facts.trashed) await removeSnapshotsOf(ex, id);
  await removeDisk(ex, id);
}

const PurgeParams = z.object({ disk: z.string().transform((id) => id as DiskId) });

/** Deletes a disk from the trash for good. */
export function purgeKind(ports: OperationPorts): OperationKind<z.output<typeof PurgeParams>> {
  return {
    kind: 'purge',
    version: 1,
    afterCrash: 'forward',
    parse: (params) => PurgeParams.parse(params),
    claims: ({ disk }) => [{ resource: `disk:${disk}`, purpose: 'purge' }],
    admit: async (trx, { disk }) => void (await requireTrashed(trx, disk)),
    steps: [
      {
        name: 'delete',
        timeoutMs: 60_000,
        async do({ params }) {
          await dropSnapshotsOf(ports, params.disk);
          await ports.volumes.purge({ id: params.disk });
        },
      },
    ],
    async commit(trx, { params }) {
      await removeSnapshotsOf(trx, params.disk);
      await removeTrash(trx, params.disk);
    },
  };
}

const RestoreParams = z.object({
  disk: z.string().transform((id) => id as DiskId),
  fsUuid: z.string(),
  exportId: z.number(),
  sizeMiB: z.number(),
  /** Of a root: the Pi it goes back to, and what it was cloned from. */
  root: z
    .object({
      pi: z.string().transform((id) => id as PiId),
      bakeform: z.string().transform((name) => name as BakeformName),
      golden: z.string(),
    })
    .optional(),
});
/** A destroyed disk and what it needs to live again. */
export type RestoreParams = z.output<typeof RestoreParams>;

/**
 * Looks the disk up in the trash and mints what it needs. Runs in the admitting transaction.
 * @throws BakeryError `not-in-trash` (not-found), `pi-unknown` (not-found): its Pi was forgotten.
 */
export async function planRestore(trx: Executor, id: DiskId): Promise<RestoreParams> {
  const trashed = await requireTrashed(trx, id);
  const { pi, bakeform, bakeformVolume } = trashed;
  const plan = { disk: id, fsUuid: trashed.fsUuid, exportId: await mintExportId(trx), sizeMiB: trashed.sizeMiB };
  if (trashed.role !== 'root') return plan;
  if (!pi || !bakeform) throw new BakeryError('conflict', 'restore-without-pi', 'nobody knows whose root that was');
  await requirePi(trx, pi);
  return { ...plan, root: { pi, bakeform, golden: bakeformVolume ?? randomUUID() } };
}

/** Takes a destroyed disk out of the trash: a data disk, attached to nothing; a root, under its Pi, which is baked then. */
export function restoreKind(ports: OperationPorts): OperationKind<RestoreParams> {
  const { db, volumes, exports, places } = ports;
  const placeOf = ({ disk, root }: RestoreParams) => (root ? places.root(root.pi) : places.disk(disk));
  return {
    kind: 'restore',
    version: 1,
    afterCrash: 'rollback',
    parse: (params) => RestoreParams.parse(params),
    claims: ({ disk, root }) => [
      { resource: `disk:${disk}`, purpose: 'restore' },
      ...(root ? [{ resource: `pi:${root.pi}`, purpose: 'restore its root' }] : []),
    ],
    async admit(trx, { disk, fsUuid, exportId, sizeMiB, root }) {
      if (root) {
        const pi = await requirePi(trx, root.pi);
        if (pi.state !== 'fridge') {
          throw new BakeryError(
            'conflict',
            'pi-in-use',
            `Pi ${pi.id} is ${pi.state}: its old root needs it in the fridge`,
          );
        }
        await movePi(trx, root.pi, 'bake');
        await patchPi(trx, root.pi, { bakeform: { name: root.bakeform, volume: root.golden } });
      }
      const place = root ? { role: 'root' as const, pi: root.pi, position: 0 } : { role: 'data' as const };
      await addDisk(trx, {
        pi: undefined,
        position: undefined,
        ...place,
        id: disk,
        state: 'making',
        sizeMiB,
        fsUuid,
        exportId,
        now: ports.clock.now(),
      });
    },
    steps: [
      {
        name: 'recover',
        timeoutMs: 60_000,
        do: ({ params }) => volumes.recover({ id: params.disk }),
        undo: ({ params }) => volumes.discard({ id: params.disk }),
      },
      {
        name: 'mount',
        timeoutMs: 60_000,
        do: ({ params }) => volumes.mount({ id: params.disk, fsUuid: params.fsUuid, at: placeOf(params) }),
        undo: ({ params }) => volumes.unmount({ id: params.disk, at: placeOf(params) }),
      },
      {
        name: 'export',
        timeoutMs: 60_000,
        async do({ params }) {
          await setDiskState(db, params.disk, 'ready');
          await exports.converge([params.exportId]);
        },
        async undo({ params }) {
          await setDiskState(db, params.disk, 'removing');
          await exports.converge([params.exportId]);
        },
      },
    ],
    async commit(trx, { params }) {
      await removeTrash(trx, params.disk);
      if (params.root) await movePi(trx, params.root.pi, 'baked');
    },
    async unwound(trx, { params }) {
      await removeDisk(trx, params.disk);
      if (!params.root) return;
      await patchPi(trx, params.root.pi, { bakeform: null });
      await movePi(trx, params.root.pi, 'undone');
    },
    async retried(trx, { params }) {
      if (params.root) await movePi(trx, params.root.pi, 'retry-bake');
    },
  };
}
