import type { PiId } from '../../core/ids.ts';

/**
 * How a driver reaches the power of one Pi: through a port of a switch, only by asking a person, or not at all
 * (it is bound to no port of this driver).
 */
export type PowerReach = 'port' | 'by-hand' | 'none';

/** `unconfirmed`: nobody knows whether the Pi is off; a person must see to it. */
export type OffOutcome = 'off' | 'unconfirmed';

/** How the calls for one Pi are treated, where that is not as for all others of the driver. */
export interface PowerManners {
  /** The driver's name for this Pi. */
  readonly name: string;
  /**
   * `on` and `off` bound their own time, take turns at their switch and read back: the service adds retries and pauses alone, so that
   * requests for several ports can be gathered in one.
   */
  readonly selfPaced: boolean;
}

/**
 * Turns one request into what a kind of switch understands, once: no retries, no waiting, no state of its own. The
 * service around it (service.ts) does those, and calls one driver at most once at a time per `queueOf`.
 *
 * `on` and `off` may be repeated: switching on what is on is a success and does not interrupt its power. They end soon
 * after `signal` is aborted, and throw only `PowerFault`, the signal's reason, or a BakeryError that is told
 * as it is and not tried again.
 */
export interface PowerDriver {
  /** Its name in settings, logs and messages. */
  readonly name: string;
  /** Answers from memory or a small local file; never waits for a switch. */
  reach(pi: PiId): PowerReach;
  /** Why it reaches a Pi not at all, for anybody to read; absent where it is just bound to no port. */
  whyNone?(pi: PiId): string | undefined;
  /** From memory, as `reach`. */
  mannersOf?(pi: PiId): PowerManners | undefined;
  /** Names the switch this Pi hangs on, or whatever else takes one writer at a time. */
  queueOf(pi: PiId): string;
  on(pi: PiId, signal: AbortSignal): Promise<void>;
  off(pi: PiId, signal: AbortSignal): Promise<OffOutcome>;
  /** Reads the state back from the switch; only drivers whose switch can tell have it. Undefined: not of this Pi. */
  query?(pi: PiId, signal: AbortSignal): Promise<'on' | 'off' | 'unknown' | undefined>;
}

/** `fatal`: the same request will fail again. `retryable`: it may work in a moment. */
export type FaultSeverity = 'fatal' | 'retryable';

/**
 * What a driver throws. The text is for operators: it goes into a BakeryError's detail and never to a client. `told` is what
 * anybody may read of it: it stands in the message, and in the fault of the Pi.
 */
export class PowerFault extends Error {
  readonly severity: FaultSeverity;
  readonly told: string | undefined;

  constructor(severity: FaultSeverity, message: string, options: { cause?: unknown; told?: string } = {}) {
    super(message, options);
    this.name = 'PowerFault';
    this.severity = severity;
    this.told = options.told;
  }
}
