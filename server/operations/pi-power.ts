import { BakeryError, describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { addFeedEvent } from '../../db/events.ts';
import type { Db } from '../../db/open.ts';
import { patchPi, setFault } from '../../db/pis.ts';
import type { PiPower } from './ports.ts';

/** The power service, as this needs it (fulfilled by server/power). */
export interface PowerPort extends Pick<PiPower, 'controls' | 'reach' | 'whyNone' | 'observe'> {
  on(pi: PiId, signal?: AbortSignal): Promise<void>;
  off(pi: PiId, signal?: AbortSignal): Promise<'off' | 'unconfirmed'>;
  cycle(pi: PiId, signal?: AbortSignal, whenOff?: () => Promise<void>): Promise<void>;
}

/** Whose turn it is to boot (fulfilled by server/power). */
export interface TurnPort {
  /** Resolves when the Pi may be switched on; rejects with the signal's reason. */
  take(pi: PiId, signal: AbortSignal): Promise<{ begun(): void; giveBack(): void }>;
  /** Its boot is over: it is off. */
  ended(pi: PiId): void;
}

/** How often Pis were cycled (fulfilled by server/power). */
export interface CyclePort {
  /** Notes one; false when it is one too many. */
  count(pi: PiId): boolean;
  waitMs(pi: PiId): number;
}

/** For how long after a power-on a Pi's boot is expected: it may take a new address then (design §6). */
const BOOT_EXPECTED_MS = 10 * 60_000;

/** A request that ends with power. */
interface Start {
  readonly how: 'on' | 'cycle';
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/**
 * Power of Pis with the wish in the inventory first. What fails is a fault on the Pi, cleared by the next that works. "Off"
 * overtakes an "on" or a cycle under way, so that nothing switches a Pi on behind an unbake. A newer cycle overtakes them too, and
 * its outcome is theirs: a client that repeats the call must not be refused because of itself. On waits for its turn, where a
 * driver does it; off never waits.
 */
export function createPiPower(options: {
  db: Db;
  power: PowerPort;
  turns: TurnPort;
  cycles: CyclePort;
  /** Its newest boot came up, and its power was not taken since. May be some seconds behind. */
  isUp(pi: PiId): boolean;
  clock: Clock;
  log: Log;
}): PiPower {
  const { db, power, turns, cycles, isUp, clock, log } = options;
  /** Those under way that end with power. */
  const starts = new Map<PiId, Start>();
  /** How many requests of each Pi are under way. */
  const requests = new Map<PiId, number>();
  /** Those whose power was taken here and not given again: whatever `isUp` says yet, to switch them on boots them. */
  const taken = new Set<PiId>();

  async function asRequest<T>(pi: PiId, act: () => Promise<T>): Promise<T> {
    requests.set(pi, (requests.get(pi) ?? 0) + 1);
    try {
      return await act();
    } finally {
      const left = (requests.get(pi) ?? 1) - 1;
      if (left > 0) requests.set(pi, left);
      else requests.delete(pi);
    }
  }

  /** More than there should be is told, not refused: who may be refused was asked before (`planPower`). */
  async function countCycle(pi: PiId): Promise<void> {
    if (cycles.count(pi)) return;
    log.warn({ pi }, 'a Pi is power-cycled again and again');
    await addFeedEvent(db, { type: 'pi.cycled-often', pi }, clock.now()).catch((error) =>
      log.warn({ pi, error: describeError(error) }, 'that could not be told'),
    );
  }

  /** It has a fault, unless somebody called it off: that ends with an error of ours, a time limit does not. */
  async function failed(pi: PiId, how: string, { error, signal }: { error: unknown; signal: AbortSignal | undefined }) {
    if (signal?.aborted && signal.reason instanceof BakeryError) return;
    log.warn({ pi, error: describeError(error) }, `power-${how} failed`);
    await setFault(db, pi, `power-${how} failed: ${messageOf(error)}`, clock.now());
  }

  function start(pi: PiId, how: Start['how'], signal: AbortSignal | undefined): Promise<void> {
    const abort = new AbortController();
    starts.get(pi)?.abort.abort(new BakeryError('conflict', 'overtaken', 'another power request came after this one'));
    const done = run(pi, { how, abort, signal });
    starts.set(pi, { how, abort, done });
    return done;
  }

  async function run(
    pi: PiId,
    { how, abort, signal }: Pick<Start, 'how' | 'abort'> & { signal: AbortSignal | undefined },
  ): Promise<void> {
    const either = signal ? AbortSignal.any([abort.signal, signal]) : abort.signal;
    let turn: Awaited<ReturnType<TurnPort['take']>> | undefined;
    const expectBoot = () => patchPi(db, pi, { bootExpectedUntil: clock.now() + BOOT_EXPECTED_MS });
    async function beforeOn(): Promise<void> {
      // To switch on what is up boots nothing.
      const boots = power.controls(pi) && (taken.has(pi) || !isUp(pi));
      if (boots) turn = await turns.take(pi, either);
      // Not before its turn: while it is off, whoever asks in its name is somebody else.
      await expectBoot();
    }
    async function whenOff(): Promise<void> {
      taken.add(pi);
      turns.ended(pi);
      await beforeOn();
    }
    try {
      await patchPi(db, pi, { desiredPower: 'on' });
      if (how === 'cycle') await power.cycle(pi, either, whenOff);
      else {
        await beforeOn();
        await power.on(pi, either);
      }
      taken.delete(pi);
      turn?.begun();
      await expectBoot();
      await setFault(db, pi, null, clock.now());
    } catch (error) {
      turn?.giveBack();
      const newer = starts.get(pi);
      const isOvertaken = abort.signal.aborted && newer !== undefined && newer.abort !== abort;
      if (isOvertaken && (newer.how === 'cycle' || how === 'on')) return newer.done;
      await failed(pi, how, { error, signal: either });
      throw error;
    } finally {
      if (starts.get(pi)?.abort === abort) starts.delete(pi);
    }
  }

  async function off(pi: PiId, signal: AbortSignal | undefined): Promise<'off' | 'unconfirmed'> {
    starts.get(pi)?.abort.abort(new BakeryError('conflict', 'overtaken', 'a power-off came after this one'));
    await patchPi(db, pi, { desiredPower: 'off', bootExpectedUntil: null });
    taken.add(pi);
    const outcome = await power.off(pi, signal).catch(async (error): Promise<'unconfirmed'> => {
      // A Pi on no port cannot be switched by anybody but a person.
      if (error instanceof BakeryError && error.code === 'power-not-configured') return 'unconfirmed';
      await failed(pi, 'off', { error, signal });
      throw error;
    });
    // Whoever takes that address now is another.
    if (outcome === 'off') await patchPi(db, pi, { address: null });
    turns.ended(pi);
    await setFault(db, pi, null, clock.now());
    return outcome;
  }

  return {
    controls: (pi) => power.controls(pi),
    reach: (pi) => power.reach(pi),
    whyNone: (pi) => power.whyNone(pi),
    cycleWaitMs: (pi) => cycles.waitMs(pi),
    isSwitching: (pi) => requests.has(pi),
    observe: (pi, signal) => power.observe(pi, signal),
    on: (pi, signal) => asRequest(pi, () => start(pi, 'on', signal)),
    async cycle(pi, signal) {
      await asRequest(pi, () => Promise.all([start(pi, 'cycle', signal), countCycle(pi)]));
    },
    off: (pi, signal) => asRequest(pi, () => off(pi, signal)),
  };
}

function messageOf(error: unknown): string {
  return error instanceof BakeryError ? error.message : 'an internal error occurred';
}
