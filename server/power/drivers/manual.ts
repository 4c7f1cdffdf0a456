import type { Log } from '../../../core/log.ts';
import type { PowerDriver } from '../driver.ts';

/** No switch at all: a person turns Pis on and off, and the log asks for it. */
export function createManualDriver({ log }: { readonly log: Log }): PowerDriver {
  return {
    name: 'manual',
    reach: () => 'by-hand',
    queueOf: (pi) => pi,
    async on(pi, signal) {
      signal.throwIfAborted();
      log.warn({ pi }, 'please switch this Pi on by hand');
    },
    async off(pi, signal) {
      signal.throwIfAborted();
      log.warn({ pi }, 'please switch this Pi off by hand');
      return 'unconfirmed';
    },
  };
}
