import type { Socket } from 'node:net';
import { BakeryError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';

/** Clients of the original give up after 10 s; what cannot begin by now is told as a conflict. */
const PATIENCE_MS = 8_500;
/** What has begun, and not ended by now, is told as going on. */
const ANSWER_MS = 9_200;
/** A call whose work may go on unseen is answered after this long. */
const ENOUGH_MS = 8_000;
const STEP_MS = 100;

/**
 * The outcome of `work`, or after 9.2 s the error that it goes on.
 * @throws BakeryError `still-running` (timeout), and what `work` throws.
 */
export async function inTime<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const late = clock.sleep(ANSWER_MS, ended.signal).then(() => {
    const message = 'that takes longer than clients wait for; ask again, or look at the operations';
    throw new BakeryError('timeout', 'still-running', message);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    ended.abort();
    // Nobody waits for the loser any more; an operation's fault is in the journal.
    for (const loser of [work, late]) loser.catch(() => undefined);
  }
}

/** Resolves when `work` is done, or after 8 s: it goes on then. @throws what `work` throws until then. */
export async function inTimeOrLater(clock: Clock, work: Promise<void>): Promise<void> {
  const ended = new AbortController();
  const enough = clock.sleep(ENOUGH_MS, ended.signal).catch(() => undefined);
  await Promise.race([work, enough]).finally(() => ended.abort());
}

/** The connection that a call came on. */
type Connection = Pick<Socket, 'destroyed'>;

/**
 * Tries `begin` again while what it needs is busy with something short (an attach under way when the unbake comes), for
 * at most 8.5 s; then the conflict, which names the holder, is the answer. What began is waited for as `inTime` does.
 *
 * What has not begun when the client hangs up never begins: its turn could come after calls that the same client made
 * later, and an attach that it gave up on would then undo its detach.
 */
export async function whenFree<T>(clock: Clock, connection: Connection, begin: () => Promise<T>): Promise<T> {
  const until = clock.monotonic() + PATIENCE_MS;
  async function persist(): Promise<T> {
    for (;;) {
      try {
        return await begin();
      } catch (error) {
        const busy = error instanceof BakeryError && error.code === 'busy';
        if (!busy || clock.monotonic() >= until) throw error;
        await clock.sleep(STEP_MS);
        if (connection.destroyed) throw error;
      }
    }
  }
  return inTime(clock, persist());
}
