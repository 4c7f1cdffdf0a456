import type { Clock } from '../../core/host/clock.ts';
import { PowerFault } from './driver.ts';
import { unlessAborted } from './queues.ts';

/** Times of one call, in ms. */
export interface CallLimits {
  /** It is aborted after that, and counts as retryable. */
  readonly callTimeoutMs: number;
  /** How long an aborted call keeps its switch to itself, so that its late effect cannot undo the next call's. */
  readonly settleMs: number;
}

/** 3 s to settle: a program that is ended gets SIGKILL 2 s after SIGTERM. */
export const DEFAULT_CALL_LIMITS: CallLimits = { callTimeoutMs: 10_000, settleMs: 3_000 };

/** A call that did not end in time. Switching is idempotent, so it may be tried again. */
export class PowerTimeout extends PowerFault {
  constructor(limitMs: number) {
    super('retryable', `no answer within ${limitMs} ms`);
    this.name = 'PowerTimeout';
  }
}

/**
 * One call, ended at its limit or when `signal` is aborted; it ends only when the call has let go, or had its time to.
 * @throws PowerTimeout, the signal's reason, and whatever the call throws.
 */
export async function bounded<T>(
  call: (signal: AbortSignal) => Promise<T>,
  { callTimeoutMs, settleMs, clock, signal }: CallLimits & { clock: Clock; signal: AbortSignal | undefined },
): Promise<T> {
  signal?.throwIfAborted();
  const limit = new AbortController();
  const timers = new AbortController();
  const running = call(signal ? AbortSignal.any([signal, limit.signal]) : limit.signal);
  const timedOut = clock.sleep(callTimeoutMs, timers.signal).then(() => {
    throw new PowerTimeout(callTimeoutMs);
  });
  timedOut.catch(() => undefined);
  try {
    return await unlessAborted(Promise.race([running, timedOut]), signal);
  } catch (error) {
    limit.abort(error);
    const settled = running.then(
      () => undefined,
      () => undefined,
    );
    await Promise.race([settled, clock.sleep(settleMs, timers.signal)]);
    throw error;
  } finally {
    timers.abort();
  }
}
