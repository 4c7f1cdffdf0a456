import { z } from 'zod';
import type { DiskId, PiId } from '../../core/ids.ts';
import type { Executor } from '../../db/open.ts';
import { movePi, patchPi } from '../../db/pis.ts';
import { destroyClaims, destroySteps, disksOn, forgetDestroyed } from './destroy.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts } from './ports.ts';

const Params = z.object({
  pi: z.string().transform((id) => id as PiId),
  disks: z.array(z.string().transform((id) => id as DiskId)),
});
/** The Pi and the disks that end with it. */
export type UnbakeParams = z.output<typeof Params>;

/** Names the disks that are on the Pi now. Runs in the admitting transaction. */
export async function planUnbake(trx: Executor, pi: PiId): Promise<UnbakeParams> {
  return { pi, disks: await disksOn(trx, pi) };
}

/** Powers a Pi off, destroys its disks and puts it back in the fridge. Once begun it must end: there is no undo. */
export function unbakeKind(ports: OperationPorts): OperationKind<UnbakeParams> {
  const { db, power, clock } = ports;
  return {
    kind: 'unbake',
    version: 1,
    afterCrash: 'forward',
    parse: (params) => Params.parse(params),
    claims: (params) => destroyClaims(params, 'unbake'),
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
      ...destroySteps<UnbakeParams>(ports),
    ],
    async commit(trx, { params, outputs }) {
      await forgetDestroyed(trx, params, { outputs, now: clock.now() });
      await patchPi(trx, params.pi, { bakeform: null });
      await movePi(trx, params.pi, 'cleaned');
    },
    retried: async (trx, { params }) => void (await movePi(trx, params.pi, 'retry-unbake')),
  };
}
