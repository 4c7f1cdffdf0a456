import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PiId } from '../../core/ids.ts';
import { createCycleLimit } from '../../server/power/cycles.ts';

test('a Pi is cycled so many times in any hour, each Pi for itself', () => {
  let now = 5e9;
  const clock = { now: () => 0, monotonic: () => now, sleep: async () => undefined };
  const limit = createCycleLimit({ perHour: 2, clock });
  const [one, two] = ['00000001', '00000002'] as [PiId, PiId];
  assert.deepEqual([limit.waitMs(one), limit.count(one)], [0, true]);
  now += 60_000;
  assert.deepEqual([limit.waitMs(one), limit.count(one)], [0, true]);
  assert.equal(limit.waitMs(one), 3_540_000);
  assert.deepEqual([limit.waitMs(two), limit.count(two)], [0, true]);
  assert.equal(limit.count(one), false, 'it counts all the same');
  now += 3_540_000;
  assert.ok(limit.waitMs(one) > 0, 'of three the newer two are in the last hour');
  now += 3_600_000;
  assert.equal(limit.waitMs(one), 0);
  const none = createCycleLimit({ perHour: 0, clock });
  assert.deepEqual(
    Array.from({ length: 99 }, () => none.count(one)),
    Array(99).fill(true),
  );
  assert.equal(none.waitMs(one), 0);
});
