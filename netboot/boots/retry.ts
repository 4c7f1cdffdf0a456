/** How often a Pi that does not come up is power-cycled, and how long it is left alone between. */
export interface RetryLimits {
  /** Cycles at most, until it was up once. 0: none. */
  readonly tries: number;
  /** Between the first cycle and the second, in ms; five times as long each time after, an hour at most. */
  readonly pauseMs: number;
}

const GROWTH = 5;
const LONGEST_PAUSE_MS = 3_600_000;

/** What is known of a Pi and its newest boot. */
export interface RetryFacts {
  /** `stopped`: no more is expected of it, and it is not up. */
  readonly boot: { readonly id: string; readonly state: 'under-way' | 'up' | 'stopped' } | undefined;
  /** It should be up, and may be switched by us: baked, wished on, and no person has it. */
  readonly isWanted: boolean;
  /** It answers at its address, or has its firmware and no address to ask at: whatever was not heard, it may run. */
  readonly mayRun: boolean;
  /** The cycles since it was up last, and when the last was; the boot of which it was told that there will be no more. */
  readonly tries: number;
  readonly lastTryAt: number | undefined;
  readonly givenUpOn: string | undefined;
}

/**
 * What is done: nothing (`leave`); `cycle` it; `give-up`, which is told once for each boot; or `forget` what was tried, for it came up
 * or is wanted no more.
 */
export type RetryDecision = 'leave' | 'cycle' | 'give-up' | 'forget';

/**
 * Decides it. A Pi that runs is never cycled: it must be certain that it does not. So what counts is a boot that was seen to begin and
 * to stop, never mere silence; and who may run all the same is left alone. `now` and `lastTryAt` are of a clock that nobody sets.
 */
export function decideRetry(facts: RetryFacts, limits: RetryLimits, now: number): RetryDecision {
  const { boot, tries, lastTryAt } = facts;
  if (boot?.state === 'up' || !facts.isWanted) return 'forget';
  if (boot?.state !== 'stopped' || facts.mayRun || limits.tries === 0) return 'leave';
  if (tries >= limits.tries) return facts.givenUpOn === boot.id ? 'leave' : 'give-up';
  const rest = tries === 0 ? 0 : Math.min(limits.pauseMs * GROWTH ** (tries - 1), LONGEST_PAUSE_MS);
  return lastTryAt !== undefined && now < lastTryAt + rest ? 'leave' : 'cycle';
}
