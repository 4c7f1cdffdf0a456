import { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';
import type { PiId } from '../../core/ids.ts';
import type { Executor } from '../../db/open.ts';
import { findPi, patchPi, requirePi } from '../../db/pis.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts, PiPower } from './ports.ts';
import { POWER_ON_MS } from './power-on.ts';

/** What is done to a Pi's power. */
export const PowerAction = z.enum(['on', 'off', 'cycle']);
export type PowerAction = z.output<typeof PowerAction>;

const Params = z.object({ pi: z.string().transform((id) => id as PiId), action: PowerAction });
/** A Pi and what is done to its power. */
export type PowerParams = z.output<typeof Params>;

/**
 * Checks that a Pi's power may be switched so. Runs in the admitting transaction.
 * @throws BakeryError `pi-unknown` (not-found), `pi-quarantined`, `power-not-configured`, `power-on-unbaked` (conflict),
 * `too-many-cycles` (too-many).
 */
export async function planPower(
  trx: Executor,
  wish: { pi: PiId; action: PowerAction; power: Pick<PiPower, 'reach' | 'whyNone' | 'cycleWaitMs'> },
): Promise<PowerParams> {
  const { action, power } = wish;
  const pi = await requirePi(trx, wish.pi);
  if (pi.quarantine) {
    throw new BakeryError('conflict', 'pi-quarantined', `Pi ${pi.id} is in quarantine: admit it first`);
  }
  if (power.reach(pi.id) === 'none') {
    const why = power.whyNone(pi.id) ?? `Pi ${pi.id} is bound to no port of the power driver`;
    throw new BakeryError('conflict', 'power-not-configured', why);
  }
  // The boot desk switches a Pi of the fridge off as soon as it asks, unless a person has it.
  if (action !== 'off' && pi.state === 'fridge' && !pi.maintenance) {
    throw new BakeryError(
      'conflict',
      'power-on-unbaked',
      `Pi ${pi.id} is in the fridge and has nothing to boot: bake it, or set its maintenance flag first`,
    );
  }
  const waitMs = action === 'cycle' ? power.cycleWaitMs(pi.id) : 0;
  if (waitMs > 0) {
    const minutes = Math.ceil(waitMs / 60_000);
    const message = `Pi ${pi.id} was power-cycled too often in the last hour; it may be again in ${minutes} min`;
    throw new BakeryError('too-many', 'too-many-cycles', message);
  }
  return { pi: pi.id, action };
}

/**
 * Switches a Pi on or off, or off and on. It holds the Pi meanwhile, so that nothing is baked or unbaked under it. Nothing is
 * taken back when it fails: what a switch did, nobody knows, and the Pi has a fault.
 */
export function powerKind(ports: OperationPorts): OperationKind<PowerParams> {
  const { db, power } = ports;
  return {
    kind: 'power',
    version: 1,
    afterCrash: 'resume',
    parse: (params) => Params.parse(params),
    claims: ({ pi, action }) => [{ resource: `pi:${pi}`, purpose: `power ${action}` }],
    // The wish is durable before anything is switched, and stays when that fails.
    admit: (trx, { pi, action }) => patchPi(trx, pi, { desiredPower: action === 'off' ? 'off' : 'on' }),
    steps: [
      {
        name: 'switch',
        timeoutMs: POWER_ON_MS,
        // After a crash a cycle is done anew: nobody knows how far it came.
        async do({ params: { pi, action }, signal }) {
          if (action !== 'off') return power[action](pi, signal);
          const outcome = await power.off(pi, signal);
          // What is switched off while it is free, is free only when it is off.
          const isFree = (await findPi(db, pi))?.state === 'fridge';
          if (isFree) await patchPi(db, pi, { awaitOff: outcome === 'unconfirmed' });
          return outcome;
        },
      },
    ],
    commit: async () => undefined,
  };
}
