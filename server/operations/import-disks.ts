import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { BakeformName, DiskId, PiId } from '../../core/ids.ts';
import { findBakeform } from '../../db/bakeforms.ts';
import { addDisk, mintExportId, removeDisk, setDiskState } from '../../db/disks.ts';
import { admitLegacyPi, noteImport } from '../../db/legacy.ts';
import type { Executor } from '../../db/open.ts';
import { movePi, patchPi } from '../../db/pis.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts } from './ports.ts';

const Disk = z.object({
  id: z.string().transform((id) => id as DiskId),
  role: z.enum(['root', 'data']),
  /** Its place at the Pi; 0 is the root. */
  position: z.number().optional(),
  sizeMiB: z.number(),
  fsUuid: z.string(),
  exportId: z.number(),
  /** The folder it is copied from, and its name below BAKERY_ROOT. */
  from: z.string(),
  source: z.string(),
});

const Params = z.object({
  pi: z
    .string()
    .transform((id) => id as PiId)
    .optional(),
  bakeform: z.object({ name: z.string().transform((name) => name as BakeformName), volume: z.string() }).optional(),
  /** The folder with the boot files that the original served to this Pi. */
  boot: z.string().optional(),
  disks: z.array(Disk),
  /** What a person should know of it, kept with the result. */
  notes: z.array(z.string()),
});
/** Disks of the original, and the Pi they belong to, with the ids minted for them. */
export type ImportDisksParams = z.output<typeof Params>;

/** What is to be imported in one go: a Pi with all of its disks, or one disk of nobody. */
export interface ImportWish {
  readonly pi?: PiId | undefined;
  readonly bakeform?: BakeformName | undefined;
  readonly boot?: string | undefined;
  readonly disks: readonly {
    readonly id: DiskId;
    readonly role: 'root' | 'data';
    readonly position: number | undefined;
    readonly sizeMiB: number;
    readonly from: string;
    readonly source: string;
  }[];
  readonly notes: readonly string[];
}

/** Mints what the disks need beside the ids that they keep. Runs in the admitting transaction. */
export async function planImportDisks(trx: Executor, wish: ImportWish): Promise<z.input<typeof Params>> {
  const disks: z.input<typeof Disk>[] = [];
  for (const disk of wish.disks) {
    disks.push({ ...disk, fsUuid: randomUUID(), exportId: await mintExportId(trx) });
  }
  const bakeform = wish.bakeform && (await findBakeform(trx, wish.bakeform));
  return {
    pi: wish.pi,
    bakeform: bakeform?.state === 'ready' ? { name: bakeform.name, volume: bakeform.volumeId } : undefined,
    boot: wish.boot,
    disks,
    notes: [...wish.notes],
  };
}

/**
 * Takes disks of the original Bakery over into volumes, ids and order kept; with a Pi, that Pi is baked at the end. What it is
 * made from is only read, so an import that fails is undone and tried again at the next start.
 */
export function importDisksKind(ports: OperationPorts): OperationKind<ImportDisksParams> {
  const { volumes, takeover, places } = ports;
  const placeOf = (disk: ImportDisksParams['disks'][number], pi: PiId | undefined) =>
    disk.role === 'root' && pi ? places.root(pi) : places.disk(disk.id);
  const mount = (disk: ImportDisksParams['disks'][number], pi: PiId | undefined) =>
    volumes.mount({ id: disk.id, fsUuid: disk.fsUuid, at: placeOf(disk, pi) });

  return {
    kind: 'import-disks',
    version: 1,
    afterCrash: 'rollback',
    parse: (params) => Params.parse(params),
    claims: ({ pi, disks }) => [
      ...(pi ? [{ resource: `pi:${pi}`, purpose: 'import' }] : []),
      ...disks.map(({ id }) => ({ resource: `disk:${id}`, purpose: 'import' })),
    ],
    async admit(trx, { pi, bakeform, disks }) {
      if (pi) {
        await movePi(trx, pi, 'bake');
        if (bakeform) await patchPi(trx, pi, { bakeform });
      }
      for (const disk of disks) {
        await addDisk(trx, {
          id: disk.id,
          role: disk.role,
          state: 'making',
          sizeMiB: disk.sizeMiB,
          pi,
          position: disk.position,
          fsUuid: disk.fsUuid,
          exportId: disk.exportId,
          now: ports.clock.now(),
        });
      }
    },
    steps: [
      {
        name: 'make',
        timeoutMs: 24 * 3_600_000,
        async do({ params }) {
          for (const { id, fsUuid, role, sizeMiB, from } of params.disks) {
            if (role === 'root') await takeover.createRoot({ id, fsUuid, from, boot: params.boot });
            else await volumes.createDisk({ id, fsUuid, sizeMiB });
          }
        },
        async undo({ params }) {
          // Ids come from outside here: what has another UUID is not of this operation's making.
          for (const { id, fsUuid } of params.disks.toReversed()) await volumes.remove({ id, fsUuid });
        },
      },
      {
        name: 'fill',
        timeoutMs: 24 * 3_600_000,
        async do({ params, signal }) {
          for (const { id, fsUuid, role, from } of params.disks) {
            signal.throwIfAborted();
            await takeover.fill({ id, fsUuid, role, from, signal });
          }
        },
        async undo({ params }) {
          for (const { id } of params.disks.toReversed()) await takeover.unfill({ id });
        },
      },
      {
        name: 'mount',
        timeoutMs: 5 * 60_000,
        async do({ params }) {
          for (const disk of params.disks) await mount(disk, params.pi);
        },
        async undo({ params }) {
          for (const disk of params.disks.toReversed()) {
            await volumes.unmount({ id: disk.id, at: placeOf(disk, params.pi) });
          }
        },
      },
      {
        name: 'boot',
        timeoutMs: 10 * 60_000,
        async do({ params }) {
          if (params.pi && params.boot !== undefined) {
            await takeover.placeBoot({ mountPoint: places.root(params.pi), from: params.boot });
          }
        },
      },
    ],
    async commit(trx, { params }) {
      const at = ports.clock.now();
      for (const disk of params.disks) {
        const { id, position } = disk;
        // What the clean-up may delete: of a data disk's folder only what was copied.
        const source = disk.role === 'data' ? `${disk.source}/disk.img` : disk.source;
        await setDiskState(trx, id, 'ready');
        const text = params.pi
          ? `place ${position} of Pi ${params.pi}`
          : ['attached to no Pi', ...params.notes].join('; ');
        await noteImport(trx, { item: `disk:${id}`, outcome: 'done', text, source, at });
      }
      if (!params.pi) return;
      await movePi(trx, params.pi, 'baked');
      await admitLegacyPi(trx, params.pi);
      const text = [`baked, ${params.disks.length} disks`, ...params.notes].join('; ');
      await noteImport(trx, { item: `pi:${params.pi}`, outcome: 'done', text, at });
    },
    async unwound(trx, { params }) {
      for (const { id } of params.disks) await removeDisk(trx, id);
      if (!params.pi) return;
      await patchPi(trx, params.pi, { bakeform: null });
      await movePi(trx, params.pi, 'undone');
    },
    async retried(trx, { params }) {
      if (params.pi) await movePi(trx, params.pi, 'retry-bake');
    },
  };
}
