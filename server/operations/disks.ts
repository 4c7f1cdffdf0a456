import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { NewFileSystem } from '../../core/disk.ts';
import { BakeryError } from '../../core/errors.ts';
import { type DiskId, mintDiskId, type PiId } from '../../core/ids.ts';
import { addDisk, mintExportId, removeDisk, requireFreeName, requireReadyDisk, setDiskState } from '../../db/disks.ts';
import type { Executor } from '../../db/open.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts } from './ports.ts';
import { CopyFrom, dropSnapshotsOf, liveDisk, notLarger, planCopy } from './snapshots.ts';
import { Discarded, forgetDisk } from './trash.ts';

const Id = z.string().transform((id) => id as DiskId);

const CreateParams = z.object({
  disk: Id,
  fsUuid: z.string(),
  exportId: z.number(),
  sizeMiB: z.number(),
  name: z.string().optional(),
  fileSystem: z.object({ type: z.enum(['ext4', 'xfs']), label: z.string().optional() }).optional(),
  /** What it is made from, and the size it gets then when that is larger. */
  from: CopyFrom.extend({ growTo: z.number().optional() }).optional(),
});
/** A new disk's size and the ids minted for it. */
export type CreateDiskParams = z.output<typeof CreateParams>;

/** What a new disk should be: of a size, or made from a disk or snapshot and then at least as large. */
export interface DiskWish {
  readonly sizeMiB?: number | undefined;
  readonly name?: string | undefined;
  readonly from?: string | undefined;
  /** Made in it while nobody else has it; not with `from`, which brings its own. */
  readonly fileSystem?: NewFileSystem | undefined;
}

/**
 * Mints the ids of a new disk. Runs in the admitting transaction.
 * @throws BakeryError `disk-name-taken` (conflict), `source-unknown`, `disk-not-larger` (invalid), `disk-is-root` (forbidden).
 */
export async function planCreateDisk(trx: Executor, wish: DiskWish): Promise<CreateDiskParams> {
  if (wish.name !== undefined) await requireFreeName(trx, wish.name);
  const minted = { disk: mintDiskId(), fsUuid: randomUUID(), exportId: await mintExportId(trx) };
  const name = wish.name === undefined ? {} : { name: wish.name };
  if (wish.from === undefined) {
    if (wish.sizeMiB === undefined) throw new BakeryError('invalid', 'bad-request', 'a disk needs a size');
    const { sizeMiB, fileSystem } = wish;
    return { ...minted, ...name, sizeMiB, ...(fileSystem ? { fileSystem } : {}) };
  }
  const { sizeMiB: least, ...from } = await planCopy(trx, wish.from);
  const sizeMiB = wish.sizeMiB ?? least;
  if (sizeMiB < least) throw notLarger(least);
  return { ...minted, ...name, sizeMiB, from: { ...from, ...(sizeMiB > least ? { growTo: sizeMiB } : {}) } };
}

/** Makes a disk: a volume of its own that holds one sparse `disk.img`. */
export function createDiskKind(ports: OperationPorts): OperationKind<CreateDiskParams> {
  const { volumes, places } = ports;
  return {
    kind: 'create-disk',
    version: 1,
    afterCrash: 'rollback',
    parse: (params) => CreateParams.parse(params),
    claims: ({ disk, from }) => [
      { resource: `disk:${disk}`, purpose: 'create' },
      // Snapshots go with their disk: whoever holds it keeps them from going.
      ...(from ? [{ resource: `disk:${from.disk}`, purpose: 'copy' }] : []),
    ],
    admit: (trx, params) =>
      addDisk(trx, {
        id: params.disk,
        role: 'data',
        state: 'making',
        sizeMiB: params.sizeMiB,
        pi: undefined,
        position: undefined,
        fsUuid: params.fsUuid,
        exportId: params.exportId,
        name: params.name,
        source: params.from?.id,
        now: ports.clock.now(),
      }),
    steps: [
      {
        name: 'make',
        timeoutMs: 2 * 3_600_000,
        do({ params: { disk: id, fsUuid, sizeMiB, fileSystem, from } }) {
          if (!from) return volumes.createDisk({ id, fsUuid, sizeMiB, fileSystem });
          const growTo = from.growTo === undefined ? {} : { growTo: from.growTo };
          const source =
            from.kind === 'snapshot' ? { kind: from.kind, id: from.id } : liveDisk({ ...from, id: from.disk }, places);
          return volumes.copyDisk({ id, from: source, fsUuid, ...growTo });
        },
        undo: ({ params }) => volumes.remove({ id: params.disk }),
      },
      {
        name: 'mount',
        timeoutMs: 60_000,
        do: ({ params }) => volumes.mount({ id: params.disk, fsUuid: params.fsUuid, at: places.disk(params.disk) }),
        undo: ({ params }) => volumes.unmount({ id: params.disk, at: places.disk(params.disk) }),
      },
    ],
    commit: (trx, { params }) => setDiskState(trx, params.disk, 'ready'),
    unwound: (trx, { params }) => removeDisk(trx, params.disk),
  };
}

const DeleteParams = z.object({ disk: Id });

/** Destroys a disk that is attached to no Pi; its volume goes to the trash. */
export function deleteDiskKind(ports: OperationPorts): OperationKind<z.output<typeof DeleteParams>> {
  const { volumes, places } = ports;
  return {
    kind: 'delete-disk',
    version: 1,
    afterCrash: 'forward',
    parse: (params) => DeleteParams.parse(params),
    claims: ({ disk }) => [{ resource: `disk:${disk}`, purpose: 'delete' }],
    async admit(trx, params) {
      const disk = await requireReadyDisk(trx, params.disk);
      if (disk.pi) throw attachedTo(disk.id, disk.pi);
      await setDiskState(trx, disk.id, 'removing');
    },
    steps: [
      {
        name: 'unmount',
        timeoutMs: 60_000,
        do: ({ params }) => volumes.unmount({ id: params.disk, at: places.disk(params.disk) }),
      },
      {
        name: 'discard',
        timeoutMs: 60_000,
        async do({ params }) {
          if (ports.keepsTrash) await volumes.discard({ id: params.disk });
          else {
            await dropSnapshotsOf(ports, params.disk);
            await volumes.remove({ id: params.disk });
          }
          return { trashed: ports.keepsTrash };
        },
      },
    ],
    commit: (trx, { params, outputs }) =>
      forgetDisk(trx, params.disk, { ...Discarded.parse(outputs.discard), now: ports.clock.now() }),
  };
}

/** The refusal of what needs a disk that is on no Pi. */
export function attachedTo(disk: DiskId, pi: PiId): BakeryError {
  return new BakeryError('conflict', 'disk-attached', `disk ${disk} is attached to Pi ${pi}`);
}

/** The refusal of what needs a baked Pi. */
export function notBaked(pi: PiId, state: string): BakeryError {
  return new BakeryError('conflict', 'pi-not-baked', `Pi ${pi} is ${state}, not baked`);
}
