import { BakeryError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { bounded, type CallLimits, DEFAULT_CALL_LIMITS, PowerTimeout } from './bounded.ts';
import { type OffOutcome, type PowerDriver, PowerFault, type PowerReach } from './driver.ts';
import { createQueues } from './queues.ts';

/** Times of the power service, in ms. */
export interface PowerSettings extends CallLimits {
  /** Pauses before the second, third, … attempt; their number is the number of retries. */
  readonly retryDelaysMs: readonly number[];
  /** A Pi switched off stays off at least this long: shorter, and its supply may not drop far enough to reset it. */
  readonly minOffMs: number;
}

export const DEFAULT_POWER_SETTINGS: PowerSettings = {
  ...DEFAULT_CALL_LIMITS,
  retryDelaysMs: [500, 1_000, 2_000],
  minOffMs: 5_000,
};

/**
 * Power of single Pis. Requests for one Pi are done one after the other; calls to one switch too.
 *
 * Every request throws the signal's reason when aborted, and BakeryError
 * - `power-not-configured` (conflict): the Pi is bound to no port;
 * - `power-failed` (unavailable): refused, or still failing after the retries;
 * - `power-timeout` (timeout): the switch did not answer, retries included;
 * - what the driver throws as a BakeryError, as it is: `port-not-ours` (conflict).
 *
 * After a failure the Pi's power is unknown, which is never the same as off.
 */
export interface PowerService {
  /** True when the driver can switch this Pi without a person. */
  controls(pi: PiId): boolean;
  /** How its power is reached; from memory. */
  reach(pi: PiId): PowerReach;
  /** Why it is not reached at all, where there is more to say than that it is bound to no port. */
  whyNone(pi: PiId): string | undefined;
  /** Asks the switch, once; undefined where the driver has no way to ask. Throws nothing but the signal's reason. */
  observe(pi: PiId, signal?: AbortSignal): Promise<'on' | 'off' | 'unknown' | undefined>;
  /** Switches on; waits first while the Pi was switched off too short a time ago. */
  on(pi: PiId, signal?: AbortSignal): Promise<void>;
  /** Switches off; `unconfirmed` where only a person can, or where the switch cannot tell. */
  off(pi: PiId, signal?: AbortSignal): Promise<OffOutcome>;
  /**
   * Off, at least `minOffMs`, on; nothing else of this Pi comes between. It is switched on only when `whenOff`, called as soon as it
   * is off, has resolved. Aborted before that, or in the pause, it leaves the Pi off.
   */
  cycle(pi: PiId, signal?: AbortSignal, whenOff?: () => Promise<void>): Promise<void>;
}

/** One call of the driver. A ladder of retries is several. */
export interface PowerCall {
  readonly pi: PiId;
  readonly driver: string;
  readonly action: 'on' | 'off';
  /** `refused`: the same call will fail again; `failed`: it may work in a moment; `aborted`: by who asked. */
  readonly outcome: 'done' | 'unconfirmed' | 'timeout' | 'refused' | 'failed' | 'aborted';
  readonly seconds: number;
}

/** What the service is made of. */
export interface PowerServiceOptions {
  readonly driver: PowerDriver;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings?: Partial<PowerSettings>;
  /** Told of every call of the driver, after it. Must not throw. */
  readonly onCall?: (call: PowerCall) => void;
}

/** A power service around one driver. */
export function createPowerService({ driver, clock, log, settings: given, onCall }: PowerServiceOptions): PowerService {
  const settings = { ...DEFAULT_POWER_SETTINGS, ...given };
  const pis = createQueues();
  const switches = createQueues();
  const nameOf = (pi: PiId) => driver.mannersOf?.(pi)?.name ?? driver.name;
  const isSelfPaced = (pi: PiId) => driver.mannersOf?.(pi)?.selfPaced === true;
  /** When Pis that are off by our doing went off. */
  const offSince = new Map<PiId, number>();

  /** One call, within its time, told to whoever counts them. */
  async function counted<T>(
    pi: PiId,
    action: PowerCall['action'],
    call: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const began = clock.monotonic();
    const ended = (outcome: PowerCall['outcome']) =>
      onCall?.({ pi, driver: nameOf(pi), action, outcome, seconds: (clock.monotonic() - began) / 1_000 });
    try {
      const said = isSelfPaced(pi)
        ? await call(signal ?? new AbortController().signal)
        : await bounded(call, { ...settings, clock, signal });
      ended(said === 'unconfirmed' ? 'unconfirmed' : 'done');
      return said;
    } catch (error) {
      const failed = isRetryable(error) ? 'failed' : 'refused';
      ended(signal?.aborted ? 'aborted' : error instanceof PowerTimeout ? 'timeout' : failed);
      throw error;
    }
  }

  /** Climbs the retry ladder. The pauses are spent outside the switch's queue: others may use it meanwhile. */
  async function persist<T>(
    pi: PiId,
    verb: 'on' | 'off',
    call: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const attempt = () => counted(pi, verb, call, signal);
        return await (isSelfPaced(pi) ? attempt() : switches.run(driver.queueOf(pi), attempt, signal));
      } catch (error) {
        signal?.throwIfAborted();
        const pause = settings.retryDelaysMs[attempt];
        if (pause === undefined || !isRetryable(error)) throw failure(pi, verb, error);
        log.warn(
          { pi, driver: nameOf(pi), error: String(error) },
          `switching ${verb} failed, trying again in ${pause} ms`,
        );
        await clock.sleep(pause, signal);
      }
    }
  }

  /** What the switch says after a call; nothing where it cannot, or where the driver has asked already. */
  async function readBack(pi: PiId, signal: AbortSignal) {
    return isSelfPaced(pi) ? undefined : driver.query?.(pi, signal);
  }

  async function switchOn(pi: PiId, signal: AbortSignal | undefined): Promise<void> {
    const off = offSince.get(pi);
    const rest = off === undefined ? 0 : off + settings.minOffMs - clock.monotonic();
    if (rest > 0) await clock.sleep(rest, signal);
    // Forgotten before the call: when it fails, nobody knows that the Pi is still off.
    offSince.delete(pi);
    await persist(
      pi,
      'on',
      async (callSignal) => {
        await driver.on(pi, callSignal);
        const state = await readBack(pi, callSignal);
        if (state === 'off') throw new PowerFault('retryable', 'the switch says that the port is still off');
      },
      signal,
    );
    log.info({ pi, driver: nameOf(pi) }, 'switched on');
  }

  async function switchOff(pi: PiId, signal: AbortSignal | undefined): Promise<OffOutcome> {
    const outcome = await persist(
      pi,
      'off',
      async (callSignal): Promise<OffOutcome> => {
        const said = await driver.off(pi, callSignal);
        const state = await readBack(pi, callSignal);
        if (state === 'on') throw new PowerFault('retryable', 'the switch says that the port is still on');
        return state === 'unknown' ? 'unconfirmed' : said;
      },
      signal,
    );
    // An unconfirmed off counts too: if it did work, the Pi must not come back at once.
    if (driver.reach(pi) === 'port') offSince.set(pi, clock.monotonic());
    log.info({ pi, driver: nameOf(pi), outcome }, 'switched off');
    return outcome;
  }

  /** `task` in the Pi's own queue, for Pis the driver knows. */
  function inTurn<T>(pi: PiId, task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return pis.run(
      pi,
      async () => {
        if (driver.reach(pi) !== 'none') return task();
        throw new BakeryError(
          'conflict',
          'power-not-configured',
          driver.whyNone?.(pi) ?? `Pi ${pi} is bound to no port of the power driver ${driver.name}`,
        );
      },
      signal,
    );
  }

  return {
    controls: (pi) => driver.reach(pi) === 'port',
    reach: (pi) => driver.reach(pi),
    whyNone: (pi) => driver.whyNone?.(pi),
    async observe(pi, signal) {
      if (!driver.query || driver.reach(pi) !== 'port') return undefined;
      try {
        // Not in the Pi's own queue: a cycle may stand in its pause, and this changes nothing.
        const ask = (limit: AbortSignal) => Promise.resolve(driver.query?.(pi, limit));
        if (isSelfPaced(pi)) return await ask(signal ?? new AbortController().signal);
        return await switches.run(driver.queueOf(pi), () => bounded(ask, { ...settings, clock, signal }), signal);
      } catch (error) {
        signal?.throwIfAborted();
        log.warn({ pi, driver: nameOf(pi), error: String(error) }, 'the switch does not say whether a Pi is on');
        return 'unknown';
      }
    },
    on: (pi, signal) => inTurn(pi, () => switchOn(pi, signal), signal),
    off: (pi, signal) => inTurn(pi, () => switchOff(pi, signal), signal),
    cycle: (pi, signal, whenOff) =>
      inTurn(
        pi,
        async () => {
          await switchOff(pi, signal);
          await whenOff?.();
          await switchOn(pi, signal);
        },
        signal,
      ),
  };
}

function isRetryable(error: unknown): boolean {
  return error instanceof PowerFault && error.severity === 'retryable';
}

/** The error a caller sees. Addresses, credentials and output of the switch stay in the detail. */
function failure(pi: PiId, verb: 'on' | 'off', error: unknown): BakeryError {
  if (error instanceof BakeryError) return error;
  const options = { detail: error instanceof Error ? error.message : String(error), cause: error };
  if (error instanceof PowerTimeout) {
    return new BakeryError('timeout', 'power-timeout', `the power switch of Pi ${pi} did not answer in time`, options);
  }
  const told = error instanceof PowerFault && error.told ? `: ${error.told}` : '';
  return new BakeryError('unavailable', 'power-failed', `Pi ${pi} could not be switched ${verb}${told}`, options);
}
