import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextRound } from 'node:timers/promises';
import { createPoll, pollMs } from '../../../netboot/tftp/poll.ts';

const steady = (ms: number) => ({ smoothed: ms, variation: 0 });

test('a thread looks for an acknowledgement that is about to come, and sleeps for one that takes its time', () => {
  assert.deepEqual(
    [undefined, steady(0.05), steady(0.2), steady(0.3), steady(20)].map((roundTrip) => pollMs(roundTrip, 1)),
    [0, 0.2, 0.2, 0, 0],
  );
});

test('a thread with more than two transfers never looks for one of them alone', () => {
  assert.deepEqual(
    [1, 2, 3, 300].map((transfers) => pollMs(steady(0.05), transfers)),
    [0.2, 0.2, 0, 0],
  );
});

test('looking for it ends when its time is over, however often it was begun', async () => {
  let [now, asked] = [0, 0];
  const poll = createPoll(() => {
    asked++;
    return now;
  });
  poll.during(0);
  await nextRound();
  assert.ok(asked <= 1, 'no loop');
  asked = 0;

  poll.during(0.9);
  poll.during(0.5);
  const begun = asked;
  for (let round = 0; round < 5; round++) await nextRound();
  assert.ok(asked - begun >= 8 && asked - begun <= 12, 'one look for each round of the loop');
  now = 0.95;
  await nextRound();
  await nextRound();
  const ended = asked;
  await nextRound();
  await nextRound();
  assert.equal(asked, ended);

  poll.during(1);
  await nextRound();
  assert.ok(asked > ended, 'begun anew');
  now = 9;
});

test('a thread that loses its processor while it looks sleeps for a while', async () => {
  let [now, asked] = [0, 0];
  const poll = createPoll(() => {
    asked++;
    return now;
  });
  poll.during(10);
  now = 5;
  await nextRound();
  await nextRound();
  const ended = asked;
  now = 4_900;
  poll.during(10);
  await nextRound();
  await nextRound();
  assert.equal(asked, ended + 1, 'it only looks at the clock');
  now = 5_006;
  poll.during(1);
  await nextRound();
  assert.ok(asked > ended + 2, 'and looks again then');
  now = 9_000;
});
