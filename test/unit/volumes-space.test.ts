import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  isAtLeast,
  maySpend,
  nextLevel,
  reserveOf,
  type SpaceLevel,
  type SpaceReading,
} from '../../exports/volumes/space.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** A pool of 100 GiB with four volumes, of which so much is free: its reserve is 5 GiB, 95 GiB may be used. */
function reading(availableGiB: number, more: Partial<SpaceReading> = {}): SpaceReading {
  const pool = { available: availableGiB * GIB, total: 100 * GIB };
  return { kind: 'reflink', pool, host: pool, growable: 0, unreserved: 0, dirty: 256 * MIB, ...more };
}

test('the reserve is 5 % of the pool, or all that may be dirty and more, but never over a quarter', () => {
  assert.equal(reserveOf({ total: 100 * GIB, dirty: 0 }), 5 * GIB);
  assert.equal(reserveOf({ total: 16 * GIB, dirty: 24 * 64 * MIB }), (24 * 64 + 256) * MIB);
  assert.equal(reserveOf({ total: 512 * MIB, dirty: 24 * 64 * MIB }), 128 * MIB);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 50 }), fc.integer({ min: 0, max: 2 ** 40 }), (total, dirty) => {
      const reserve = reserveOf({ total, dirty });
      assert.ok(reserve >= Math.min(total * 0.05, total / 4) && reserve <= Math.ceil(total / 4));
      if (dirty + 256 * MIB <= total / 4) assert.ok(reserve > dirty);
    }),
  );
});

test('levels begin at 80, 90 and 95 % of what may be used, and at the reserve', () => {
  // Of 95 GiB that may be used, 19 are left at 80 %, 9.5 at 90 %, 4.75 at 95 %; below them is the reserve of 5.
  const levels = [95, 24.1, 23.9, 14.6, 14.4, 9.8, 9.7, 5.1, 4.9].map((free) => nextLevel(reading(free), 'normal'));
  assert.deepEqual(levels, ['normal', 'normal', 'low', 'low', 'high', 'high', 'refuse', 'refuse', 'readonly']);
});

test('a level ends a good way below its beginning: it does not flap', () => {
  let level: SpaceLevel = 'normal';
  const seen = [24.1, 23.5, 24.5, 25, 26, 27, 4.9, 5.1, 6, 6.2, 6.3].map((free) => {
    level = nextLevel(reading(free), level);
    return level;
  });
  assert.deepEqual(seen, [
    'normal',
    'low',
    'low',
    'low',
    'low',
    'normal',
    'readonly',
    'readonly',
    'readonly',
    'readonly',
    'refuse',
  ]);
});

test('a pool that can grow is not full, but what cannot be written now makes exports read-only all the same', () => {
  assert.equal(nextLevel(reading(6, { kind: 'loop-xfs', growable: 400 * GIB }), 'normal'), 'normal');
  assert.equal(nextLevel(reading(4, { kind: 'loop-xfs', growable: 400 * GIB }), 'normal'), 'readonly');
});

test('the room of a full host counts where the host has not reserved all of the pool, and only there', () => {
  const host = { available: 1 * GIB, total: 200 * GIB };
  assert.equal(nextLevel(reading(60, { kind: 'loop-xfs', host }), 'normal'), 'normal');
  assert.equal(nextLevel(reading(60, { kind: 'loop-xfs', host, unreserved: 4096 }), 'normal'), 'readonly');
});

test('something new is refused when the pool would be at 95 % after it', () => {
  assert.equal(maySpend(reading(50), 40 * GIB), true);
  assert.equal(maySpend(reading(50), 41 * GIB), false);
  assert.equal(maySpend(reading(50, { kind: 'loop-xfs', growable: 100 * GIB }), 41 * GIB), true);
});

test('less room never makes a better level, and the order of levels is one', () => {
  const levels = fc.constantFrom<SpaceLevel>('normal', 'low', 'high', 'refuse', 'readonly');
  const free = fc.double({ min: 0, max: 100, noNaN: true });
  fc.assert(
    fc.property(free, free, levels, (a, b, previous) => {
      const [less, more] = [Math.min(a, b), Math.max(a, b)];
      assert.ok(isAtLeast(nextLevel(reading(less), previous), nextLevel(reading(more), previous)));
    }),
  );
});
