/** How many failures in a row one address may have, and how soon each is forgotten. */
const BURST = 20;
const FORGOTTEN_MS = 3_000;
/** Addresses that are remembered; a hundred bytes each. */
const MOST_ADDRESSES = 10_000;

/** How far ahead the time is, at most, from which on all failures of an address are forgotten. */
const FULL_MS = BURST * FORGOTTEN_MS;

/** Counts failures by address. */
export interface FailureLimit {
  /** For how many ms more the address has too many; 0 when it has not. */
  blockedMs(address: string): number;
  fail(address: string): void;
  /** Addresses it remembers. */
  size(): number;
}

/**
 * A leaky bucket for each address. It counts failures, by the clock that cannot be set. When too many addresses fail, those whose last failure is longest ago are forgotten.
 */
export function createFailureLimit(clock: { monotonic(): number }): FailureLimit {
  const clearAt = new Map<string, number>();
  return {
    blockedMs(address) {
      const left = (clearAt.get(address) ?? 0) - clock.monotonic();
      return Math.max(0, Math.ceil(left - (FULL_MS - FORGOTTEN_MS)));
    },
    fail(address) {
      const now = clock.monotonic();
      const moved = Math.max(now, clearAt.get(address) ?? 0) + FORGOTTEN_MS;
      clearAt.delete(address);
      clearAt.set(address, Math.min(moved, now + FULL_MS));
      const [oldest] = clearAt.keys();
      if (clearAt.size > MOST_ADDRESSES && oldest !== undefined) clearAt.delete(oldest);
    },
    size: () => clearAt.size,
  };
}
