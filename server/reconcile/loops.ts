import { describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';

/** Something done again and again while the server runs. */
export interface Loop {
  readonly name: string;
  readonly everyMs: number;
  run(): Promise<void>;
}

/** Runs each loop on its own, never twice at a time; a failure is logged and the next round tries again. */
export function startLoops(loops: readonly Loop[], options: { clock: Clock; log: Log }): { stop(): Promise<void> } {
  const end = new AbortController();
  const running = loops.map(async (loop) => {
    while (!end.signal.aborted) {
      await options.clock.sleep(loop.everyMs, end.signal).catch(() => undefined);
      if (end.signal.aborted) return;
      try {
        await loop.run();
      } catch (error) {
        options.log.error({ loop: loop.name, error: describeError(error) }, 'a reconcile loop failed; it tries again');
      }
    }
  });
  return {
    async stop() {
      end.abort();
      await Promise.all(running);
    },
  };
}
