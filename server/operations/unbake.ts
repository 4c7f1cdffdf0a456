import { z } from 'zod';
import type { DiskId, PiId } from '../../core/ids.ts';
import { findDisk, listDisksOf, setDiskState } from '../../db/disks.ts';
import type { Executor } from '../../db/open.ts';
import { movePi, patchPi } from '../../db/pis.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts } from './ports.ts';
import { Discarded, forgetDisk } from './trash.ts';

const Params = z.object({
  pi: z.string().transform((id) => id as PiId),
  disks: z.array(z.string().transform((id) => id as DiskId)),
});
/** The Pi and the disks that end with it. */
export type UnbakeParams = z.output<typeof Params>;

/** Names the disks that are on the Pi now. Runs in the admitting transaction. */
export async function planUnbake(trx: Executor, pi: PiId): Promise<UnbakeParams> {
  return { pi, disks: (await listDisksOf(trx, pi)).map((disk) => disk.id) };
}

/** Powers a Pi off, destroys its disks and puts it back in the fridge. Once begun it must end: there is no undo. */
export function unbakeKind(ports: OperationPorts): OperationKind<UnbakeParams> {
  const { db, volumes, exports, power, places, clock } = ports;
  return {
    kind: 'unbake',
    version: 1,
    afterCrash: 'forward',
    parse: (params) => Params.parse(params),
    claims: ({ pi, disks }) => [
      { resource: `pi:${pi}`, purpose: 'unbake' },
      ...disks.map((disk) => ({ resource: `disk:${disk}`, purpose: 'destroy with its Pi' })),
    ],
    admit: async (trx, { pi }) => void (await movePi(trx, pi, 'unbake')),
    steps: [
      {
        name: 'power-off',
        timeoutMs: 2 * 60_000,
        async do({ params }) {
          const outcome = await power.off(params.pi);
          await patchPi(db, params.pi, { awaitOff: outcome === 'unconfirmed', address: null });
          return outcome;
        },
      },
      {
        name: 'withdraw',
        timeoutMs: 60_000,
        async do({ params }) {
          const disks = await db.transaction().execute(async (trx) => {
            for (const disk of params.disks) await setDiskState(trx, disk, 'removing');
            return listDisksOf(trx, params.pi);
          });
          await exports.converge(disks.map((disk) => disk.exportId));
        },
      },
      {
        name: 'discard',
        timeoutMs: 5 * 60_000,
        async do({ params }) {
          for (const id of params.disks) {
            const role = (await findDisk(db, id))?.role;
            await volumes.unmount({ id, at: role === 'root' ? places.root(params.pi) : places.disk(id) });
            if (ports.keepsTrash) await volumes.discard({ id });
            else await volumes.remove({ id });
          }
          return { trashed: ports.keepsTrash };
        },
      },
    ],
    async commit(trx, { params, outputs }) {
      for (const disk of params.disks)
        await forgetDisk(trx, disk, { ...Discarded.parse(outputs.discard), now: clock.now() });
      await patchPi(trx, params.pi, { bakeform: null });
      await movePi(trx, params.pi, 'cleaned');
    },
    retried: async (trx, { params }) => void (await movePi(trx, params.pi, 'retry-unbake')),
  };
}
