import { describeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

/** Undoes, in reverse, what a start has done so far. */
export class Teardown {
  readonly #steps: (() => unknown)[] = [];
  add(step: () => unknown): void {
    this.#steps.push(step);
  }
  async run(log: Log): Promise<void> {
    for (const step of this.#steps.toReversed()) {
      try {
        await step();
      } catch (error) {
        log.warn({ error: describeError(error) }, 'a part did not stop in order');
      }
    }
  }
}
