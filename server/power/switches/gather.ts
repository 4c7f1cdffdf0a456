import type { Queues } from '../queues.ts';
import { unlessAborted } from '../queues.ts';

/** Somebody who waits for what is done about one port. */
export interface Gathered<Ask, Answer> {
  readonly ask: Ask;
  readonly port: string;
  /** Aborted when nobody waits for it any more. */
  readonly signal: AbortSignal;
  answer(answer: Answer): void;
  refuse(error: unknown): void;
}

/** Requests that are gathered while their switch is busy, and go together when it is its turn. */
export interface Gathering<Ask, Answer> {
  /** Waits for the answer; rejects with the signal's reason when aborted, at once. */
  add(switchName: string, port: string, ask: Ask, signal: AbortSignal): Promise<Answer>;
}

/**
 * Makes one. `send` has the turn of the switch; it must answer or refuse each of them and not throw, and gets a port once at a time. `most`: how many go
 * together. Who gives up while waiting is left out; of those under way, `send` goes on for the others.
 */
export function createGathering<Ask, Answer>(options: {
  readonly queues: Queues;
  readonly most: (switchName: string) => number;
  readonly send: (switchName: string, batch: readonly Gathered<Ask, Answer>[]) => Promise<void>;
}): Gathering<Ask, Answer> {
  const { queues, most, send } = options;
  const waiting = new Map<string, Gathered<Ask, Answer>[]>();

  /** Takes the first of each port, in the order they came. */
  function take(name: string): Gathered<Ask, Answer>[] {
    const all = waiting.get(name) ?? [];
    const ports = new Set<string>();
    const batch = all.filter(({ port }) => ports.size < most(name) && !ports.has(port) && ports.add(port));
    drop(name, batch);
    return batch;
  }

  function drop(name: string, gone: readonly Gathered<Ask, Answer>[]): void {
    const left = (waiting.get(name) ?? []).filter((one) => !gone.includes(one));
    if (left.length > 0) waiting.set(name, left);
    else waiting.delete(name);
  }

  return {
    async add(name, port, ask, signal) {
      signal.throwIfAborted();
      const done = Promise.withResolvers<Answer>();
      done.promise.catch(() => undefined);
      const one = { ask, port, signal, answer: done.resolve, refuse: done.reject };
      waiting.set(name, [...(waiting.get(name) ?? []), one]);
      // A turn for each: what an earlier one has taken along leaves nothing for a later to do.
      void queues.run(name, async () => {
        const batch = take(name);
        if (batch.length > 0) await send(name, batch);
      });
      try {
        return await unlessAborted(done.promise, signal);
      } finally {
        drop(name, [one]);
      }
    },
  };
}
