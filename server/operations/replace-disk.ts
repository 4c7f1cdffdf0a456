import { z } from 'zod';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { DiskId, SnapshotId } from '../../core/ids.ts';
import { resizeDisk, withholdDisk } from '../../db/disks.ts';
import type { Executor } from '../../db/open.ts';
import { requireReadySnapshot } from '../../db/snapshots.ts';
import { attachedTo } from './disks.ts';
import type { OperationKind, Step, StepContext } from './kind.ts';
import type { OperationPorts } from './ports.ts';
import { notLarger, requireDataDisk } from './snapshots.ts';

const Disk = z.object({ disk: z.string().transform((id) => id as DiskId), fsUuid: z.string(), exportId: z.number() });

/**
 * Replaces a disk's volume by another that was prepared beside it, under the same id, export id and UUID. Until then the old one is
 * as it was: a growth that is cut off, or has no room, has touched nothing. There is no way back once the new one is in its place.
 */
function replaceSteps<P extends z.output<typeof Disk>>(
  ports: OperationPorts,
  stage: (params: P) => Promise<void>,
): Step<P>[] {
  const { db, volumes, exports, places } = ports;
  const place = ({ disk, fsUuid }: P) => ({ id: disk, fsUuid, at: places.disk(disk) });
  async function show({ disk, exportId }: P): Promise<void> {
    await withholdDisk(db, disk, false);
    await exports.converge([exportId]);
  }
  return [
    {
      name: 'withdraw',
      timeoutMs: 60_000,
      async do({ params: { disk, exportId } }) {
        await withholdDisk(db, disk, true);
        await exports.converge([exportId]);
      },
      undo: ({ params }) => show(params),
    },
    {
      name: 'unmount',
      timeoutMs: 60_000,
      do: ({ params }) => volumes.unmount(place(params)),
      undo: ({ params }) => volumes.mount(place(params)),
    },
    {
      name: 'stage',
      timeoutMs: 2 * 3_600_000,
      do: ({ params }) => stage(params),
      undo: ({ params }) => volumes.unstage({ id: params.disk }),
    },
    {
      name: 'replace',
      timeoutMs: 60_000,
      noWayBack: true,
      do: ({ params }) => volumes.replace({ id: params.disk }),
    },
    {
      name: 'show',
      timeoutMs: 60_000,
      async do({ params }) {
        await volumes.mount(place(params));
        await show(params);
      },
    },
  ];
}

/** How a disk that may grow does: in a copy beside it, for which it is withdrawn; in use; or so and, where the kernel refuses that, beside it. Pure. */
export function growthWay(disk: { isAttached: boolean; mayInterrupt: boolean; growsMounted: boolean }) {
  if (!disk.isAttached || !disk.growsMounted) return 'beside';
  return disk.mayInterrupt ? 'in-use-or-beside' : 'in-use';
}

const GrowParams = Disk.extend({
  sizeMiB: z.number(),
  /** Those of before there was more than one have none. */
  way: z.enum(['beside', 'in-use', 'in-use-or-beside']).default('beside'),
});
/** A disk, the size it is to have, and how it gets it. */
export type GrowParams = z.output<typeof GrowParams>;

/**
 * Looks the disk up. Runs in the admitting transaction.
 * @throws BakeryError `disk-unknown` (not-found), `disk-is-root` (forbidden), `disk-not-larger` (invalid), `disk-attached` (conflict)
 * unless it can grow in use, or its Pi may be interrupted.
 */
export async function planGrow(
  trx: Executor,
  wish: { disk: DiskId; sizeMiB: number; mayInterrupt: boolean; growsMounted: boolean },
): Promise<GrowParams> {
  const { id, fsUuid, exportId, sizeMiB, pi } = await requireDataDisk(trx, wish.disk);
  if (pi && !wish.growsMounted && !wish.mayInterrupt) throw attachedTo(id, pi);
  if (wish.sizeMiB <= sizeMiB) throw notLarger(sizeMiB);
  const way = growthWay({ ...wish, isAttached: pi !== undefined });
  return { disk: id, fsUuid, exportId, sizeMiB: wish.sizeMiB, way };
}

const Extended = z.object({ isExtended: z.boolean() });
const isExtended = ({ outputs }: StepContext<GrowParams>) =>
  Extended.safeParse(outputs.extend).data?.isExtended === true;

/**
 * Grows a data disk and its `disk.img`: in use, where its Pi notices nothing, or beside it. Then a disk that is attached is withdrawn meanwhile: what its Pi
 * reads or writes in that moment fails (ESTALE); after it the handles that it has are good again.
 */
export function growKind(ports: OperationPorts): OperationKind<GrowParams> {
  const { volumes, places, log } = ports;
  const beside = replaceSteps<GrowParams>(ports, ({ disk, sizeMiB }) => volumes.stage({ id: disk, growTo: sizeMiB }));
  const mounted = ({ disk, sizeMiB }: GrowParams) => ({ id: disk, at: places.disk(disk), sizeMiB });
  async function lengthen({ params }: StepContext<GrowParams>): Promise<void> {
    // After a crash: it was mounted when it was made larger.
    await volumes.mount({ ...mounted(params), fsUuid: params.fsUuid });
    await volumes.lengthen(mounted(params));
  }
  return {
    kind: 'grow-disk',
    version: 1,
    afterCrash: 'rollback',
    parse: (params) => GrowParams.parse(params),
    claims: ({ disk }) => [{ resource: `disk:${disk}`, purpose: 'grow' }],
    admit: async () => undefined,
    steps: [
      {
        // Nothing of it is undone: what it leaves is room that the next growth finds.
        name: 'extend',
        timeoutMs: 2 * 3_600_000,
        async do({ params }) {
          if (params.way === 'beside') return { isExtended: false };
          try {
            await volumes.extend(mounted(params));
            return { isExtended: true };
          } catch (error) {
            const isRefused = error instanceof BakeryError && error.code === 'growth-needs-interruption';
            if (!isRefused || params.way === 'in-use') throw error;
            log.warn({ disk: params.disk, error: describeError(error) }, 'a disk is withdrawn to grow');
            return { isExtended: false };
          }
        },
      },
      // What has grown where it is passes them over, but for the one with no way back: there it is told its new size.
      ...beside.map(
        (step): Step<GrowParams> => ({
          ...step,
          async do(context) {
            if (!isExtended(context)) return step.do(context);
            return step.noWayBack ? lengthen(context) : undefined;
          },
          async undo(context) {
            if (!isExtended(context)) await step.undo?.(context);
          },
        }),
      ),
    ],
    commit: (trx, { params }) => resizeDisk(trx, params.disk, params.sizeMiB),
  };
}

const RevertParams = Disk.extend({
  snapshot: z.string().transform((id) => id as SnapshotId),
  /** The disk's size, where it was smaller when the snapshot was taken. */
  growTo: z.number().optional(),
});
/** A disk and the snapshot of it that it is to be again. */
export type RevertParams = z.output<typeof RevertParams>;

/**
 * Looks both up. Runs in the admitting transaction.
 * @throws BakeryError `disk-unknown`, `snapshot-unknown` (not-found), `disk-attached` (conflict).
 */
export async function planRevert(trx: Executor, wish: { disk: DiskId; snapshot: string }): Promise<RevertParams> {
  const { id, fsUuid, exportId, sizeMiB, pi } = await requireDataDisk(trx, wish.disk);
  if (pi) throw attachedTo(id, pi);
  const snapshot = await requireReadySnapshot(trx, wish.snapshot);
  if (snapshot.disk !== id) {
    throw new BakeryError('not-found', 'snapshot-unknown', `disk ${id} has no snapshot ${wish.snapshot}`);
  }
  const growTo = sizeMiB > snapshot.sizeMiB ? { growTo: sizeMiB } : {};
  return { disk: id, fsUuid, exportId, snapshot: snapshot.id, ...growTo };
}

/** Puts a disk that is attached to no Pi back to what it was in a snapshot; its size stays. */
export function revertKind(ports: OperationPorts): OperationKind<RevertParams> {
  return {
    kind: 'revert-disk',
    version: 1,
    afterCrash: 'rollback',
    parse: (params) => RevertParams.parse(params),
    claims: ({ disk }) => [{ resource: `disk:${disk}`, purpose: 'restore a snapshot' }],
    admit: async () => undefined,
    steps: replaceSteps<RevertParams>(ports, ({ disk, snapshot, growTo }) =>
      ports.volumes.stage({
        id: disk,
        from: { kind: 'snapshot', id: snapshot },
        ...(growTo === undefined ? {} : { growTo }),
      }),
    ),
    commit: async () => undefined,
  };
}
