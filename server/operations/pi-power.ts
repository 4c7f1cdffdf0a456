import { BakeryError, describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { Db } from '../../db/open.ts';
import { patchPi, setFault } from '../../db/pis.ts';
import type { PiPower } from './ports.ts';

/** The power service, as this needs it (fulfilled by server/power). */
export interface PowerPort {
  controls(pi: PiId): boolean;
  off(pi: PiId, signal?: AbortSignal): Promise<'off' | 'unconfirmed'>;
  cycle(pi: PiId, signal?: AbortSignal): Promise<void>;
}

/** For how long after a power-on a Pi's boot is expected: it may take a new address then (design §6). */
const BOOT_EXPECTED_MS = 10 * 60_000;

/**
 * Power of Pis with the wish in the inventory first. A cycle that fails is a fault on the Pi, cleared by the next one
 * that works. "Off" overtakes a cycle under way, so that nothing switches a Pi on behind an unbake.
 */
export function createPiPower(options: { db: Db; power: PowerPort; clock: Clock; log: Log }): PiPower {
  const { db, power, clock, log } = options;
  const cycles = new Map<PiId, AbortController>();
  return {
    controls: (pi) => power.controls(pi),

    async cycle(pi) {
      const abort = new AbortController();
      cycles.get(pi)?.abort(new BakeryError('conflict', 'overtaken', 'another power request came after this one'));
      cycles.set(pi, abort);
      try {
        await patchPi(db, pi, { desiredPower: 'on', bootExpectedUntil: clock.now() + BOOT_EXPECTED_MS });
        await power.cycle(pi, abort.signal);
        await patchPi(db, pi, { bootExpectedUntil: clock.now() + BOOT_EXPECTED_MS });
        await setFault(db, pi, null, clock.now());
      } catch (error) {
        if (!abort.signal.aborted) {
          log.warn({ pi, error: describeError(error) }, 'power-cycle failed');
          await setFault(db, pi, `power-cycle failed: ${messageOf(error)}`, clock.now());
        }
        throw error;
      } finally {
        if (cycles.get(pi) === abort) cycles.delete(pi);
      }
    },

    async off(pi) {
      cycles.get(pi)?.abort(new BakeryError('conflict', 'overtaken', 'a power-off came after this one'));
      await patchPi(db, pi, { desiredPower: 'off', bootExpectedUntil: null });
      const outcome = await power.off(pi).catch((error): 'unconfirmed' => {
        // A Pi on no port cannot be switched by anybody but a person.
        if (error instanceof BakeryError && error.code === 'power-not-configured') return 'unconfirmed';
        throw error;
      });
      await setFault(db, pi, null, clock.now());
      return outcome;
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof BakeryError ? error.message : 'an internal error occurred';
}
