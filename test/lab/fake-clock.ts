import { setImmediate as nextTick } from 'node:timers/promises';
import type { Clock } from '../../core/host/clock.ts';

/**
 * Time that jumps to the next sleeper as soon as nothing else can go on, where going on takes no more than a few turns of the event
 * loop: not over sockets and files. `slept` are the sleeps that were not called off.
 */
export function fakeClock(): Clock & { readonly slept: number[] } {
  let now = 1_000_000;
  let running = false;
  const slept: number[] = [];
  const sleepers: { at: number; wake: () => void }[] = [];
  async function run() {
    if (running) return;
    running = true;
    while (sleepers.length > 0) {
      for (let i = 0; i < 5; i += 1) await nextTick();
      const next = sleepers.sort((a, b) => a.at - b.at).shift();
      if (!next) break;
      now = Math.max(now, next.at);
      next.wake();
    }
    running = false;
  }
  return {
    slept,
    now: () => now,
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const wake = () => {
          slept.push(ms);
          resolve();
        };
        const sleeper = { at: now + ms, wake };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          if (sleepers.includes(sleeper)) sleepers.splice(sleepers.indexOf(sleeper), 1);
          reject(signal.reason);
        });
        void run();
      }),
  };
}

/** Time that stands still but for `pass`. */
export interface HandClock extends Clock {
  /** Lets everything go on that needs no time; then `ms` pass, each sleeper waking at its time. */
  pass(ms: number): Promise<void>;
}

/** Makes one. Going on takes no more than a few turns of the event loop, as above. */
export function handClock(): HandClock {
  let now = 1_000_000;
  const sleepers = new Set<{ readonly at: number; wake(): void }>();
  async function settle(): Promise<void> {
    for (let i = 0; i < 5; i += 1) await nextTick();
  }
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const sleeper = { at: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          if (sleepers.delete(sleeper)) reject(signal.reason);
        });
      }),
    async pass(ms) {
      const until = now + ms;
      await settle();
      for (;;) {
        const [next] = [...sleepers].sort((a, b) => a.at - b.at);
        if (!next || next.at > until) break;
        sleepers.delete(next);
        now = Math.max(now, next.at);
        next.wake();
        await settle();
      }
      now = until;
      await settle();
    },
  };
}
