import type { Clock } from '../../core/host/clock.ts';
import type { PiId } from '../../core/ids.ts';

const HOUR_MS = 3_600_000;

/** How often Pis were power-cycled in the last hour. */
export interface CycleLimit {
  /** Notes one. @returns false when it is more than there should be. */
  count(pi: PiId): boolean;
  /** How long until another is within the limit, in ms; 0 for now. */
  waitMs(pi: PiId): number;
}

/**
 * At most `perHour` cycles of a Pi in any hour; 0 is no limit. A loop that cycles a Pi for ever wears out the board and what is written on at that moment.
 * Kept in memory alone: a new server begins with none.
 */
export function createCycleLimit({ perHour, clock }: { perHour: number; clock: Clock }): CycleLimit {
  const cycles = new Map<PiId, readonly number[]>();
  const recent = (pi: PiId) => (cycles.get(pi) ?? []).filter((at) => at > clock.monotonic() - HOUR_MS);

  function waitMs(pi: PiId): number {
    const oldest = recent(pi).at(-perHour);
    return perHour === 0 || oldest === undefined ? 0 : oldest + HOUR_MS - clock.monotonic();
  }

  return {
    waitMs,
    count(pi) {
      if (perHour === 0) return true;
      const isWithin = waitMs(pi) === 0;
      cycles.set(pi, [...recent(pi), clock.monotonic()].slice(-perHour));
      return isWithin;
    },
  };
}
