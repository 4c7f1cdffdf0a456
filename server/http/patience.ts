import { BakeryError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';

/** Clients give up after 10 s; what cannot begin by now is told as a conflict. */
const PATIENCE_MS = 8_500;
const STEP_MS = 100;

/**
 * Tries `begin` again while what it needs is busy with something short (an attach under way when the unbake comes), for
 * at most 8.5 s; then the conflict, which names the holder, is the answer.
 */
export async function whenFree<T>(clock: Clock, begin: () => Promise<T>): Promise<T> {
  const until = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    try {
      return await begin();
    } catch (error) {
      const busy = error instanceof BakeryError && error.code === 'busy';
      if (!busy || clock.monotonic() >= until) throw error;
      await clock.sleep(STEP_MS);
    }
  }
}
