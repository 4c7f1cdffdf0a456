import { describeError } from '../core/errors.ts';
import type { Clock } from '../core/host/clock.ts';
import type { Log } from '../core/log.ts';
import { newestEvent } from './events.ts';
import type { Executor } from './open.ts';

/** How often the feed is looked at while somebody waits. */
const POLL_MS = 200;

/** Waiting for new events. */
export interface FeedWatch {
  /** True once there is an event after number `seq`; false after `ms`, or at once when `signal` aborts. */
  after(seq: number, wait: { ms: number; signal: AbortSignal }): Promise<boolean>;
}

interface Waiter {
  readonly seq: number;
  readonly until: number;
  resolve(isThere: boolean): void;
}

/**
 * Watches the feed by asking the database, so that events of any process are seen; one question for all who wait, and none
 * while nobody does.
 */
export function watchFeed(ex: Executor, options: { clock: Clock; log: Log }): FeedWatch {
  const { clock, log } = options;
  const waiting = new Set<Waiter>();
  let isPolling = false;

  async function look(): Promise<void> {
    const newest = await newestEvent(ex);
    const now = clock.monotonic();
    for (const waiter of [...waiting]) {
      if (newest > waiter.seq) waiter.resolve(true);
      else if (now >= waiter.until) waiter.resolve(false);
    }
  }

  async function poll(): Promise<void> {
    if (isPolling) return;
    isPolling = true;
    for (;;) {
      await clock.sleep(POLL_MS);
      if (waiting.size === 0) break;
      await look().catch((error) => log.warn({ error: describeError(error) }, 'the feed could not be read'));
    }
    isPolling = false;
  }

  return {
    after(seq, { ms, signal }) {
      if (signal.aborted) return Promise.resolve(false);
      return new Promise((resolve) => {
        const waiter: Waiter = {
          seq,
          until: clock.monotonic() + ms,
          resolve(isThere) {
            waiting.delete(waiter);
            signal.removeEventListener('abort', onAbort);
            resolve(isThere);
          },
        };
        const onAbort = () => waiter.resolve(false);
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.add(waiter);
        void poll();
      });
    },
  };
}
