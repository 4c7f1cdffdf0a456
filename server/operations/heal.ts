import { z } from 'zod';
import { describeError } from '../../core/errors.ts';
import type { DiskId, PiId } from '../../core/ids.ts';
import { requireReadyDisk } from '../../db/disks.ts';
import type { Executor } from '../../db/open.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts } from './ports.ts';

const Params = z.object({
  disk: z.string().transform((id) => id as DiskId),
  fsUuid: z.string(),
  exportId: z.number(),
  /** Of a root: whose it is. */
  pi: z
    .string()
    .transform((id) => id as PiId)
    .optional(),
});
/** A disk whose file system has given up, and where it belongs. */
export type HealParams = z.output<typeof Params>;

/** Looks up what is needed. Runs in the admitting transaction. @throws BakeryError `disk-unknown` (not-found). */
export async function planHeal(trx: Executor, id: DiskId): Promise<HealParams> {
  const disk = await requireReadyDisk(trx, id);
  const place = disk.role === 'root' && disk.pi ? { pi: disk.pi } : {};
  return { disk: id, fsUuid: disk.fsUuid, exportId: disk.exportId, ...place };
}

/**
 * Repairs a volume whose file system became read-only by an error: it has to be unmounted for that. Its export comes back
 * under the same id, so its clients go on with the handles they have. The keeper of exports leaves a broken volume out while
 * this operation holds its disk; one that is not mounted is never exported.
 */
export function healKind(ports: OperationPorts): OperationKind<HealParams> {
  const { volumes, exports, places, log } = ports;
  const placeOf = ({ disk, pi }: HealParams) => (pi ? places.root(pi) : places.disk(disk));
  const mount = (params: HealParams) => volumes.mount({ id: params.disk, fsUuid: params.fsUuid, at: placeOf(params) });
  return {
    kind: 'heal',
    version: 1,
    afterCrash: 'resume',
    parse: (params) => Params.parse(params),
    claims: ({ disk }) => [{ resource: `disk:${disk}`, purpose: 'heal' }],
    admit: async (trx, { disk }) => void (await requireReadyDisk(trx, disk)),
    steps: [
      // Not undone: what should be exported is converged to all the time, and this no longer keeps the volume out of it.
      { name: 'withdraw', timeoutMs: 60_000, do: ({ params }) => exports.converge([params.exportId]) },
      {
        name: 'unmount',
        timeoutMs: 60_000,
        do: ({ params }) => volumes.unmount({ id: params.disk, at: placeOf(params) }),
        async undo({ params }) {
          // One that cannot be mounted is the Pi's fault then, and mounting is tried again all the time. To get stuck here would
          // keep its Pi from being unbaked.
          await mount(params).catch((error: unknown) => {
            log.error({ disk: params.disk, error: describeError(error) }, 'a broken volume cannot be mounted again');
          });
        },
      },
      { name: 'check', timeoutMs: 60 * 60_000, do: ({ params }) => volumes.check({ id: params.disk }) },
      { name: 'mount', timeoutMs: 60_000, do: ({ params }) => mount(params) },
      {
        name: 'export',
        timeoutMs: 60_000,
        async do({ params }) {
          await mount(params);
          await exports.converge([params.exportId]);
        },
      },
    ],
    commit: async () => undefined,
  };
}
