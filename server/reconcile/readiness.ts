import { describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';

/** `degraded`: it works, and a person should look; `not-ready`: what it is for cannot be done now. */
export type PartState = 'ready' | 'degraded' | 'not-ready';

/** How one part of the server is. The detail may be read by anybody: no paths, no addresses, no names. */
export interface Judgement {
  readonly state: PartState;
  readonly detail: string;
}

/** A part and how it is. */
export interface PartReport<N extends string> extends Judgement {
  readonly part: N;
}

/** An answer is told again for so long: whoever asks needs no token, and must not make work. */
const FRESH_MS = 1_000;
/** A part that does not say within this how it is, is not ready. */
const LIMIT_MS = 3_000;

/**
 * Asks each part how it is, all at once. What throws or does not answer is not ready: this never throws, and never takes much
 * longer than its limit. A check that hangs is not begun again before it has ended.
 */
export function createReadiness<N extends string>(options: {
  checks: { readonly [P in N]: () => Judgement | Promise<Judgement> };
  clock: Clock;
  log: Log;
}): () => Promise<readonly PartReport<N>[]> {
  const { clock, log } = options;
  const parts = Object.entries(options.checks) as [N, () => Judgement | Promise<Judgement>][];
  const running = new Map<N, Promise<Judgement>>();

  function begin(part: N, check: () => Judgement | Promise<Judgement>): Promise<Judgement> {
    const judged = Promise.try(check)
      .catch((error): Judgement => {
        log.warn({ part, error: describeError(error) }, 'a part of the server cannot be asked how it is');
        return { state: 'not-ready', detail: 'it cannot be asked how it is' };
      })
      .finally(() => running.delete(part));
    running.set(part, judged);
    return judged;
  }

  async function ask(part: N, check: () => Judgement | Promise<Judgement>): Promise<PartReport<N>> {
    const enough = new AbortController();
    const late = clock.sleep(LIMIT_MS, enough.signal).then(
      (): Judgement => ({ state: 'not-ready', detail: `it does not answer within ${LIMIT_MS / 1_000} s` }),
      () => undefined,
    );
    const judged = await Promise.race([running.get(part) ?? begin(part, check), late]);
    enough.abort();
    return { part, state: 'not-ready', detail: '', ...judged };
  }

  let last: { readonly at: number; readonly reports: Promise<readonly PartReport<N>[]> } | undefined;
  return () => {
    const now = clock.monotonic();
    if (last && now - last.at < FRESH_MS) return last.reports;
    last = { at: now, reports: Promise.all(parts.map(([part, check]) => ask(part, check))) };
    return last.reports;
  };
}
