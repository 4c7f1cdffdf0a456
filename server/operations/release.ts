import { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';
import type { DiskId, PiId } from '../../core/ids.ts';
import { findClaim, releaseClaims, setOperationState } from '../../db/journal.ts';
import type { Executor } from '../../db/open.ts';
import { movePi, patchPi, requirePi } from '../../db/pis.ts';
import { destroyClaims, destroySteps, disksOn, forgetDestroyed } from './destroy.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts } from './ports.ts';

const Params = z.object({
  pi: z.string().transform((id) => id as PiId),
  disks: z.array(z.string().transform((id) => id as DiskId)),
  /** A person has seen that it is off; else it is flagged until a boot shows that it was. */
  isOff: z.boolean(),
});
/** A held Pi and what is left on it. */
export type ReleaseParams = z.output<typeof Params>;

/**
 * Ends the stuck operation that holds the Pi, in the admitting transaction: its claims pass to the release.
 * @throws BakeryError `pi-unknown` (not-found), `pi-not-held` (conflict).
 */
export async function planRelease(
  trx: Executor,
  wish: { pi: PiId; isOff: boolean; now: number },
): Promise<ReleaseParams> {
  const pi = await requirePi(trx, wish.pi);
  if (pi.state !== 'held') throw new BakeryError('conflict', 'pi-not-held', `Pi ${pi.id} is ${pi.state}, not held`);
  const holder = await findClaim(trx, `pi:${pi.id}`);
  if (holder) {
    const error = { kind: 'conflict', code: 'released', message: 'a person released its Pi' };
    const ended = await setOperationState(trx, holder.operation, {
      from: ['stuck'],
      to: 'failed',
      error,
      now: wish.now,
    });
    if (ended) await releaseClaims(trx, holder.operation);
  }
  return { pi: pi.id, disks: await disksOn(trx, pi.id), isOff: wish.isOff };
}

/**
 * Cleans a held Pi up without its power switch and puts it in the fridge. It stays held until nothing is left: a release
 * that gets stuck can be tried again or be released again.
 */
export function releaseKind(ports: OperationPorts): OperationKind<ReleaseParams> {
  const { clock } = ports;
  return {
    kind: 'release',
    version: 1,
    afterCrash: 'forward',
    parse: (params) => Params.parse(params),
    claims: (params) => destroyClaims(params, 'release'),
    admit: (trx, { pi }) => patchPi(trx, pi, { desiredPower: 'off', bootExpectedUntil: null, address: null }),
    steps: destroySteps<ReleaseParams>(ports),
    async commit(trx, { params, outputs }) {
      await forgetDestroyed(trx, params, { outputs, now: clock.now() });
      await patchPi(trx, params.pi, { bakeform: null, awaitOff: !params.isOff, fault: null });
      await movePi(trx, params.pi, 'release');
    },
  };
}
