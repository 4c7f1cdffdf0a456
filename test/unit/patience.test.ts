import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { systemClock } from '../../core/host/clock.ts';
import { whenFree } from '../../server/http/patience.ts';

/** A clock whose sleeps take no time, and tell how long they would have been. */
function makeClock(slept: (ms: number) => void = () => undefined) {
  let now = 0;
  const clock = {
    ...systemClock,
    monotonic: () => now,
    // One that is longer than any patience is that for the answer: it ends with the work.
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
        if (signal) return;
        now += ms;
        slept(ms);
        setImmediate(resolve);
      }),
  };
  return clock;
}
const busy = () => new BakeryError('conflict', 'busy', 'disk 1 is held by attach 2');

test('a call waits while what it needs is busy, and begins when it is free', async () => {
  let tries = 0;
  const begin = async () => {
    tries++;
    if (tries < 5) throw busy();
    return 'begun';
  };
  assert.equal(await whenFree(makeClock(), { destroyed: false }, begin), 'begun');
  assert.equal(tries, 5);
});

test('a call whose patience ends is told who held it', async () => {
  let waited = 0;
  const clock = makeClock((ms) => {
    waited += ms;
  });
  await assert.rejects(
    whenFree(clock, { destroyed: false }, () => Promise.reject(busy())),
    /held by attach 2/,
  );
  assert.equal(waited, 8_500);
});

test('a call never begins whose client has hung up while it waited', async () => {
  const connection = { destroyed: false };
  let tries = 0;
  const clock = makeClock(() => {
    connection.destroyed = tries === 3;
  });
  const begin = async () => {
    tries++;
    throw busy();
  };
  await assert.rejects(whenFree(clock, connection, begin), /held by attach 2/);
  assert.equal(tries, 3);
});

test('a call that cannot be done for another reason is not tried again', async () => {
  let tries = 0;
  const begin = async () => {
    tries++;
    throw new BakeryError('not-found', 'disk-unknown', 'there is no disk 1');
  };
  await assert.rejects(whenFree(makeClock(), { destroyed: false }, begin), /no disk 1/);
  assert.equal(tries, 1);
});
