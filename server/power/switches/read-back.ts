import type { Clock } from '../../../core/host/clock.ts';
import { PowerFault } from '../driver.ts';
import type { PortPower } from './kind.ts';

/** Pauses between two questions, in ms; the last goes on. */
const PAUSES_MS = [250, 500, 1_000, 2_000, 5_000];

/**
 * Asks until the answer is `wanted` or `forMs` are over, once at least: what a switch says of itself may lag behind what it did. An `ask` that fails
 * in a way that may pass is no answer.
 * @returns the last answer, which is `wanted`, or `unknown` (and that is never the same as off), or undefined where the switch cannot tell.
 * @throws PowerFault (retryable) when it still says the opposite, or does not answer; and the signal's reason.
 */
export async function readBack(options: {
  readonly ask: () => Promise<PortPower | undefined>;
  readonly wanted: 'on' | 'off';
  readonly forMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<PortPower | undefined> {
  const { ask, wanted, forMs, clock, signal } = options;
  const until = clock.monotonic() + forMs;
  for (let i = 0; ; i += 1) {
    const { answer, fault } = await asked(ask);
    signal.throwIfAborted();
    if (!fault && (answer === wanted || answer === undefined)) return answer;
    const rest = until - clock.monotonic();
    if (rest <= 0) {
      if (fault) throw fault;
      if (answer === 'unknown') return answer;
      throw new PowerFault('retryable', `the switch says that the port is still ${answer}`, {
        told: `its switch says that it is still ${answer}`,
      });
    }
    await clock.sleep(Math.min(rest, PAUSES_MS[i] ?? PAUSES_MS.at(-1) ?? rest), signal);
  }
}

async function asked(ask: () => Promise<PortPower | undefined>) {
  try {
    return { answer: await ask(), fault: undefined };
  } catch (error) {
    if (error instanceof PowerFault && error.severity === 'retryable') return { answer: undefined, fault: error };
    throw error;
  }
}
