import type { RoundTrip } from './retry.ts';

/** A client that takes longer than this to acknowledge, in ms, is waited for asleep. */
const LONGEST_MS = 0.2;
/** With more transfers than these a thread has something to do meanwhile. */
const FEW = 2;

/**
 * For how many ms a thread looks for the acknowledgement of what it just sent before it sleeps; 0: it sleeps at once. To be put to sleep
 * and woken again costs a processor as much as to look for so long, and the transfer a third of its speed where the client answers in
 * tens of microseconds: an emulated Pi, a fast wire (docs/performance.md).
 */
export function pollMs(roundTrip: RoundTrip | undefined, transfers: number): number {
  if (!roundTrip || transfers > FEW || roundTrip.smoothed > LONGEST_MS) return 0;
  return LONGEST_MS;
}

/** A look that came later than this after the one before, in ms: others want the processor. */
const TAKEN_MS = 2;
/** Who looks all the time has its share of the processor taken by that, and waits longer for it than who sleeps: for so long, in ms, it sleeps. */
const REST_MS = 5_000;

/** Keeps a thread's event loop from sleeping for a moment. */
export interface Poll {
  /** From now on for that many ms; what was begun earlier and goes on longer goes on. */
  during(ms: number): void;
}

/**
 * Looks for events without a pause: a loop with something immediate to do polls, and does not wait (libuv, uv_backend_timeout). Not for a while
 * after it lost the processor in that.
 */
export function createPoll(now: () => number = () => performance.now()): Poll {
  let until = 0;
  let restsUntil = 0;
  let lookedAt = 0;
  let isUnderWay = false;
  function look(): void {
    lookedAt = now();
    setImmediate(again);
  }
  function again(): void {
    const at = now();
    if (at - lookedAt > TAKEN_MS) restsUntil = at + REST_MS;
    isUnderWay = at < until && at >= restsUntil;
    if (isUnderWay) look();
  }
  return {
    during(ms) {
      const at = now();
      if (ms <= 0 || at < restsUntil) return;
      until = Math.max(until, at + ms);
      if (isUnderWay) return;
      isUnderWay = true;
      look();
    },
  };
}
