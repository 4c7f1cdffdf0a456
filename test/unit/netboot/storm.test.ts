import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mac } from '../../../core/ids.ts';
import {
  type BootClass,
  type BootLimits,
  type BootUnderWay,
  bootClass,
  endsAt,
  nextStart,
  stillUnderWay,
} from '../../../netboot/boots/storm.ts';

const OLD_MAC = 'b8:27:eb:64:24:7d' as Mac;
const LIMITS: BootLimits = { atOnce: 3, firstRomAtOnce: 1, staggerMs: 500 };
const boot = (kind: BootClass, startedAt: number, heardAt?: number): BootUnderWay => ({
  class: kind,
  startedAt,
  heardAt,
});
const rom = (name: string) => ({ class: 'first-rom' as const, name });
const other = (name: string) => ({ class: 'other' as const, name });

test('boards with the boot ROM of the 3B are a class of their own, told by revision, else by MAC', () => {
  const of = (revision: number | undefined, mac?: Mac) => bootClass({ revision, mac });
  // 3B, 2B v1.2, CM3; then 2B v1.1, 3B+, 4B, Zero 2 W.
  for (const revision of [0xa02082, 0xa22042, 0xa020a0]) assert.equal(of(revision), 'first-rom');
  for (const revision of [0xa01041, 0xa020d3, 0xd03114, 0x902120]) assert.equal(of(revision, OLD_MAC), 'other');
  assert.equal(of(undefined, OLD_MAC), 'first-rom');
  assert.equal(of(undefined, 'dc:a6:32:01:02:03' as Mac), 'other');
  assert.equal(of(undefined), 'other');
});

test('a boot is under way while it is heard, has a minute for its first sign, and five at most', () => {
  assert.equal(stillUnderWay(boot('other', 0), 59_999), true);
  assert.equal(stillUnderWay(boot('other', 0), 60_000), false);
  assert.equal(endsAt(boot('other', 0, 50_000)), 90_000);
  assert.equal(endsAt(boot('other', 0, 290_000)), 300_000);
});

test('the first who came is next, once the last start is long enough ago', () => {
  const waiting = [other('a'), other('b')];
  const at = (now: number) => nextStart({ underWay: [boot('other', 1_000)], waiting, lastStartAt: 1_000 }, LIMITS, now);
  assert.deepEqual(at(1_499), { kind: 'wait', until: 1_500 });
  assert.deepEqual(at(1_500), { kind: 'start', who: other('a') });
});

test('no more boot than the limits allow, and a class that has no room keeps no other waiting', () => {
  const state = { underWay: [boot('first-rom', 0)], waiting: [rom('a'), other('b')], lastStartAt: 0 };
  assert.deepEqual(nextStart(state, LIMITS, 1_000), { kind: 'start', who: other('b') });
  const onlyRoms = { ...state, waiting: [rom('a')] };
  assert.deepEqual(nextStart(onlyRoms, LIMITS, 1_000), { kind: 'wait', until: 60_000 });
  const full = { ...state, underWay: [boot('other', 0), boot('other', 10), boot('other', 20, 900)] };
  assert.deepEqual(nextStart(full, LIMITS, 1_000), { kind: 'wait', until: 40_900 });
  assert.deepEqual(nextStart(full, LIMITS, 40_900), { kind: 'start', who: rom('a') });
});

test('a limit of 0 is none, and where nobody waits nothing is to be done', () => {
  const none: BootLimits = { atOnce: 0, firstRomAtOnce: 0, staggerMs: 0 };
  const underWay = Array.from({ length: 500 }, () => boot('first-rom', 0));
  assert.deepEqual(nextStart({ underWay, waiting: [rom('a')], lastStartAt: 0 }, none, 0), {
    kind: 'start',
    who: rom('a'),
  });
  assert.deepEqual(nextStart({ underWay, waiting: [], lastStartAt: 0 }, LIMITS, 0), { kind: 'wait', until: undefined });
});
