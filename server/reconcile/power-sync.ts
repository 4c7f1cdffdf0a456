import { describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { Pi } from '../../core/pi.ts';
import { findClaim } from '../../db/journal.ts';
import type { Db } from '../../db/open.ts';
import { findPi, listPis, setFault } from '../../db/pis.ts';
import type { PiPower } from '../operations/ports.ts';

/** With these words begins the fault of a Pi whose power is not what was wished. */
const FAULT = 'its power is not as wished';

/** What a round found of the Pis that were looked at. */
export interface PowerRound {
  readonly agree: number;
  readonly differ: number;
  readonly unknown: number;
}

/** Compares what was wished with what switches say. */
export interface PowerSync {
  /** One round over all Pis. */
  round(): Promise<void>;
  /** A round under way ends early: a switch that does not answer must not keep the server from ending. */
  stop(): void;
}

/** What is done about one observation. */
export type SyncDecision = 'leave' | 'suspect' | 'fault' | 'clear';

/**
 * Decides it: what differs twice in a row is a fault. `suspected` is the wish that it differed from last time. A fault of others stays as it is, and
 * `unknown` says nothing, neither for nor against.
 */
export function decideSync(facts: {
  readonly wish: 'on' | 'off';
  readonly observed: 'on' | 'off' | 'unknown' | undefined;
  readonly suspected: 'on' | 'off' | undefined;
  readonly fault: string | undefined;
}): SyncDecision {
  const { wish, observed, suspected, fault } = facts;
  const isOurs = fault?.startsWith(FAULT) === true;
  if (observed === undefined || observed === 'unknown') return 'leave';
  if (observed === wish) return 'clear';
  if (suspected !== wish) return 'suspect';
  return fault === undefined || isOurs ? 'fault' : 'leave';
}

/**
 * Builds it. It never switches anything: after a power cut, or a restart of the server, a rack that is off is told of, and a person decides. What it suspects
 * it remembers in memory alone.
 */
export function createPowerSync(options: {
  db: Db;
  power: Pick<PiPower, 'reach' | 'observe' | 'isSwitching'>;
  /** Pis that are looked at at a time. */
  workers: number;
  onRound(round: PowerRound): void;
  clock: Clock;
  log: Log;
}): PowerSync {
  const { db, power, workers, onRound, clock, log } = options;
  const suspicions = new Map<PiId, 'on' | 'off'>();
  const ending = new AbortController();

  /** A person has it, nobody knows whether it is on, or somebody is at it just now. */
  async function isLeftAlone(pi: Pi): Promise<boolean> {
    if (pi.maintenance || pi.quarantine || pi.awaitOff || power.isSwitching(pi.id)) return true;
    return (await findClaim(db, `pi:${pi.id}`)) !== undefined;
  }

  async function look(pi: Pi): Promise<keyof PowerRound | undefined> {
    if (!pi.desiredPower || power.reach(pi.id) !== 'port') {
      suspicions.delete(pi.id);
      // Nobody can say any more whether it is so.
      if (pi.fault?.startsWith(FAULT)) await setFault(db, pi.id, null, clock.now());
      return undefined;
    }
    if (await isLeftAlone(pi)) {
      suspicions.delete(pi.id);
      return undefined;
    }
    const observed = await power.observe(pi.id, ending.signal);
    if (observed === undefined) return undefined;
    // While the switch was asked, anything may have begun.
    const now = await findPi(db, pi.id);
    if (!now?.desiredPower || now.desiredPower !== pi.desiredPower || (await isLeftAlone(now))) return undefined;
    await settle(now, now.desiredPower, observed);
    if (observed === 'unknown') return 'unknown';
    return observed === now.desiredPower ? 'agree' : 'differ';
  }

  async function settle(pi: Pi, wish: 'on' | 'off', observed: 'on' | 'off' | 'unknown'): Promise<void> {
    const decision = decideSync({ wish, observed, suspected: suspicions.get(pi.id), fault: pi.fault });
    if (decision === 'suspect') suspicions.set(pi.id, wish);
    if (decision === 'fault') {
      const fault = `${FAULT}: it should be ${wish}, and its switch says ${observed}`;
      if (pi.fault !== fault) log.warn({ pi: pi.id, wish, observed }, 'the power of a Pi is not what was wished');
      await setFault(db, pi.id, fault, clock.now());
    }
    if (decision === 'clear') {
      suspicions.delete(pi.id);
      if (pi.fault?.startsWith(FAULT)) await setFault(db, pi.id, null, clock.now());
    }
  }

  return {
    async round() {
      const pis = await listPis(db);
      const counts = { agree: 0, differ: 0, unknown: 0 };
      // All take from the same list, each as soon as it is free.
      const rest = pis.values();
      async function work(): Promise<void> {
        for (const pi of rest) {
          if (ending.signal.aborted) return;
          try {
            const found = await look(pi);
            if (found) counts[found] += 1;
          } catch (error) {
            if (ending.signal.aborted) return;
            log.error({ pi: pi.id, error: describeError(error) }, 'the power of a Pi could not be compared');
          }
        }
      }
      await Promise.all(Array.from({ length: workers }, work));
      if (ending.signal.aborted) return;
      const known = new Set(pis.map(({ id }) => id));
      for (const id of suspicions.keys()) if (!known.has(id)) suspicions.delete(id);
      onRound(counts);
    },
    stop: () => ending.abort(),
  };
}
