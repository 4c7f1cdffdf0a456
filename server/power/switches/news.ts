import { type BakeryError, describeError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/host/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Db } from '../../../db/open.ts';
import { setReached } from '../../../db/switches.ts';

/** How a survey ended: well, or with what a client would be told. */
export interface SurveyOutcome {
  readonly error?: BakeryError;
}

/** Who is told of each survey. */
export interface SwitchNews {
  /** Tells what is new in it: a switch that does not answer, or does again. Never throws. */
  surveyed(name: string, outcome: SurveyOutcome): Promise<void>;
}

/** Tells it in the feed of events. */
export function createSwitchNews({ db, clock, log }: { db: Db; clock: Clock; log: Log }): SwitchNews {
  return {
    async surveyed(name, outcome) {
      try {
        await setReached(db, name, { error: outcome.error, now: clock.now() });
      } catch (error) {
        log.warn({ switch: name, error: describeError(error) }, 'what a survey of a switch found could not be told');
      }
    },
  };
}
