import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideRetry, type RetryFacts } from '../../../netboot/boots/retry.ts';

const LIMITS = { tries: 3, pauseMs: 100 };
const stopped: RetryFacts = {
  boot: { id: 'a', state: 'stopped' },
  isWanted: true,
  mayRun: false,
  tries: 0,
  lastTryAt: undefined,
  givenUpOn: undefined,
};
const decide = (change: Partial<RetryFacts>, now = 0, limits = LIMITS) =>
  decideRetry({ ...stopped, ...change }, limits, now);

test('a Pi whose boot stopped is cycled, again after pauses that grow, and then given up, which is told once', () => {
  assert.equal(decide({}), 'cycle');
  assert.equal(decide({ tries: 1, lastTryAt: 1_000 }, 1_099), 'leave');
  assert.equal(decide({ tries: 1, lastTryAt: 1_000 }, 1_100), 'cycle');
  assert.equal(decide({ tries: 2, lastTryAt: 1_000 }, 1_499), 'leave');
  assert.equal(decide({ tries: 2, lastTryAt: 1_000 }, 1_500), 'cycle');
  assert.equal(decide({ tries: 3, lastTryAt: 1_000 }, 1_001), 'give-up');
  assert.equal(decide({ tries: 3, lastTryAt: 1_000, givenUpOn: 'a' }, 9_999_999), 'leave');
  assert.equal(decide({ tries: 3, lastTryAt: 1_000, givenUpOn: 'b' }), 'give-up', 'a person has cycled it, in vain');
  const many = { tries: 99, pauseMs: 100 };
  assert.equal(decide({ tries: 50, lastTryAt: 0 }, 3_600_000, many), 'cycle', 'an hour at most');
});

test('a Pi that runs, or may, is left alone: one that answers, that boots, of which nothing is known', () => {
  assert.equal(decide({ mayRun: true }), 'leave');
  assert.equal(decide({ boot: undefined }), 'leave');
  assert.equal(decide({ boot: { id: 'a', state: 'under-way' } }), 'leave');
});

test('what was tried is forgotten of a Pi that is up, or that nobody wants up', () => {
  assert.equal(decide({ boot: { id: 'a', state: 'up' }, tries: 2 }), 'forget');
  assert.equal(decide({ isWanted: false }), 'forget');
});

test('with no tries nothing is done, and nothing told', () => {
  assert.equal(decide({}, 0, { tries: 0, pauseMs: 100 }), 'leave');
});
