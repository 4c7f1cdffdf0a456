import { decodeRevision } from '../../../core/revision.ts';
import type { DatedSurvey } from './surveys.ts';

/**
 * The most that boards draw by themselves, in mW at the switch; what hangs on their USB is not in it.
 * - Pi 5 and 4: about 12 W and 8 W (raspberrypi.com/news/introducing-raspberry-pi-5, "Power and cooling").
 * - Pi 3: 3.7 W for a 3B and 5.1 W for a 3B+ with all cores busy (pidramble.com/wiki/benchmarks/power-consumption), and what a PoE HAT loses. The
 *   first PoE HAT is of class 2, of which a switch gives 7 W at most (IEEE 802.3-2018, table 33-7). Boards before draw no more.
 */
const DRAW_MILLIWATTS: { readonly [processor: string]: number } = {
  BCM2712: 12_000,
  BCM2711: 8_000,
  BCM2837: 6_000,
  BCM2836: 6_000,
  BCM2835: 6_000,
};
/** Of a board of which nothing is known: a Pi 4. */
const UNKNOWN_MILLIWATTS = 8_000;

/** The most that a board of that revision code draws, in mW. */
export function drawOf(revision: number | undefined): number {
  const processor = revision === undefined ? undefined : decodeRevision(revision)?.processor;
  return DRAW_MILLIWATTS[processor ?? ''] ?? UNKNOWN_MILLIWATTS;
}

/** What was done to a port by us, `at` in ms of `Clock.monotonic`; `draws` in mW when it is on. */
export interface SwitchedPort {
  readonly to: 'on' | 'off';
  readonly at: number;
  readonly draws: number;
}

/** A power-on that may be more than the switch has, in mW. */
export interface Shortage {
  readonly leftMilliwatts: number;
  readonly needsMilliwatts: number;
}

/**
 * Compares what a port will draw with what its switch had left when it was surveyed, less what was switched on since and more what was
 * switched off. Undefined when it fits, or when nobody knows.
 */
export function shortageOf(facts: {
  readonly port: string;
  readonly needsMilliwatts: number;
  readonly last: DatedSurvey | undefined;
  readonly switched: ReadonlyMap<string, SwitchedPort>;
}): Shortage | undefined {
  const { port, needsMilliwatts, last, switched } = facts;
  const budget = last?.survey.budget;
  if (!last || !budget) return undefined;
  const drawn = new Map(
    last.survey.ports.map((one) => [
      one.port,
      one.milliwatts ?? (one.delivers ? (switched.get(one.port)?.draws ?? UNKNOWN_MILLIWATTS) : 0),
    ]),
  );
  let used = budget.usedMilliwatts - (drawn.get(port) ?? 0);
  for (const [other, { to, at, draws }] of switched) {
    if (other === port || at < last.at) continue;
    used += (to === 'on' ? draws : 0) - (drawn.get(other) ?? 0);
  }
  const leftMilliwatts = Math.max(0, budget.limitMilliwatts - used);
  return needsMilliwatts > leftMilliwatts ? { leftMilliwatts, needsMilliwatts } : undefined;
}

/** As people write it: `7.5 W`. */
export function inWatts(milliwatts: number): string {
  return `${Math.round(milliwatts / 100) / 10} W`;
}
