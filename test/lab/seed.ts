/** Chance that can be had again: the same seed gives the same choices. */
export interface Chance {
  readonly seed: number;
  /** 0 up to, not including, 1. */
  fraction(): number;
  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number;
  /** One of them; throws when there is none. */
  pick<T>(from: readonly T[]): T;
  /** All of them in another order. */
  shuffled<T>(list: readonly T[]): T[];
}

/** Chance from a seed, by mulberry32. */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (end: number) => Math.floor(fraction() * end);
  return {
    seed,
    fraction,
    below,
    pick<T>(from: readonly T[]): T {
      if (from.length === 0) throw new Error('there is nothing to pick from');
      return from[below(from.length)] as T;
    },
    shuffled<T>(list: readonly T[]): T[] {
      const rest = [...list];
      return list.map(() => rest.splice(below(rest.length), 1)[0] as T);
    },
  };
}

/** Chance from BAKERY_TEST_SEED, else from a new seed; prints which, so that a failure can be had again. */
export function seededChance(what: string): Chance {
  const given = process.env.BAKERY_TEST_SEED;
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  if (!Number.isSafeInteger(seed)) throw new Error(`BAKERY_TEST_SEED=${given} is no whole number`);
  process.stdout.write(`${what}: BAKERY_TEST_SEED=${seed}\n`);
  return chanceFrom(seed);
}
