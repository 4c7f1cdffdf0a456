import { type BakeryError, describeError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/host/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Db } from '../../../db/open.ts';
import { judgePorts, setReached } from '../../../db/switches.ts';

/** How a survey ended: with the ports that it listed (undefined: none, which says nothing), or with what a client would be told. */
export type SurveyOutcome = { readonly listed: ReadonlySet<string> | undefined } | { readonly error: BakeryError };

/** Who is told of each survey. */
export interface SwitchNews {
  /** Tells what is new in it: a switch that does not answer, or does again, and Pis whose port it does not list. Never throws. */
  surveyed(name: string, outcome: SurveyOutcome): Promise<void>;
}

/** Tells it in the feed of events. */
export function createSwitchNews({ db, clock, log }: { db: Db; clock: Clock; log: Log }): SwitchNews {
  return {
    async surveyed(name, outcome) {
      try {
        await db.transaction().execute(async (trx) => {
          const now = clock.now();
          if ('error' in outcome) return setReached(trx, name, { error: outcome.error, now });
          await setReached(trx, name, { error: undefined, now });
          if (outcome.listed) await judgePorts(trx, name, outcome.listed, now);
        });
      } catch (error) {
        log.warn({ switch: name, error: describeError(error) }, 'what a survey of a switch found could not be told');
      }
    },
  };
}
