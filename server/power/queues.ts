/** Runs tasks of one key one after the other, in the order they came. */
export interface Queues {
  /** Waits for its turn and runs `task`; rejects with the signal's reason when aborted while still waiting. */
  run<T>(key: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** An empty set of queues; a key is forgotten when nothing waits for it any more. */
export function createQueues(): Queues {
  const tails = new Map<string, Promise<void>>();
  return {
    async run(key, task, signal) {
      const before = tails.get(key) ?? Promise.resolve();
      const turn = Promise.withResolvers<void>();
      // A waiter that gives up lets the next one through only after everything before it has ended too.
      const tail = before.then(() => turn.promise);
      tails.set(key, tail);
      void tail.then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
      try {
        await unlessAborted(before, signal);
        return await task();
      } finally {
        turn.resolve();
      }
    },
  };
}

/** `promise`, or the signal's reason as a rejection when that comes first. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
