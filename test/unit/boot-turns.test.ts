import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PiId } from '../../core/ids.ts';
import type { BootClass, BootLimits } from '../../netboot/boots/storm.ts';
import { createBootTurns } from '../../server/power/turns.ts';
import { handClock } from '../lab/fake-clock.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const [A, B, C] = ['0000000a', '0000000b', '0000000c'] as [PiId, PiId, PiId];
const many = (count: number) => Array.from({ length: count }, (_, i) => `0000000${i}` as PiId);
/** What waits for ever where a protection is missing fails. */
const LIMIT = { timeout: 20_000 };

function setUp(limits: Partial<BootLimits> = {}, classOf: (pi: PiId) => BootClass = () => 'other') {
  const clock = handClock();
  const began = clock.monotonic();
  const signs = new Map<PiId, number>();
  const turns = createBootTurns({
    classOf: async (pi) => classOf(pi),
    lastSign: (pi) => signs.get(pi),
    limits: { atOnce: 0, firstRomAtOnce: 0, staggerMs: 0, ...limits },
    clock,
    log: quiet,
  });
  /** Who got a turn, and when, in ms from the start. */
  const got: string[] = [];
  const take = async (pi: PiId, signal?: AbortSignal) => {
    const turn = await turns.take(pi, signal);
    got.push(`${pi} ${clock.monotonic() - began}`);
    return turn;
  };
  return { clock, turns, take, got, signs };
}

test('power-ons are spread in time', LIMIT, async () => {
  const { take, clock, got } = setUp({ staggerMs: 500 });
  for (const pi of [A, B, C]) void take(pi);
  await clock.pass(5_000);
  assert.deepEqual(got, [`${A} 0`, `${B} 500`, `${C} 1000`]);
});

test('who is up makes room at once, and who is never heard after a minute', LIMIT, async () => {
  const { take, turns, clock, got } = setUp({ atOnce: 1 });
  for (const pi of [A, B, C]) void take(pi);
  await clock.pass(1_000);
  assert.deepEqual(turns.counts(), { underWay: { 'first-rom': 0, other: 1 }, waiting: { 'first-rom': 0, other: 2 } });
  turns.ended(A);
  await clock.pass(100_000);
  assert.deepEqual(got, [`${A} 0`, `${B} 1000`, `${C} 61000`]);
});

test('what is counted begins when the switch has done its work', LIMIT, async () => {
  const { take, clock, got } = setUp({ atOnce: 1 });
  const turn = await take(A);
  void take(B);
  await clock.pass(20_000);
  turn.begun();
  await clock.pass(100_000);
  assert.deepEqual(got, [`${A} 0`, `${B} 80000`]);
});

test('a boot that is heard keeps its turn, but not for ever', LIMIT, async () => {
  const { take, clock, got, signs } = setUp({ atOnce: 1 });
  for (const pi of [A, B]) void take(pi);
  for (let i = 0; i < 30; i++) {
    await clock.pass(30_000);
    signs.set(A, clock.now());
  }
  assert.deepEqual(got, [`${A} 0`, `${B} 300000`]);
});

test('what was heard before its power came is no sign of a boot', LIMIT, async () => {
  const { take, clock, got, signs } = setUp({ atOnce: 1 });
  signs.set(A, clock.now() - 1);
  for (const pi of [A, B]) void take(pi);
  await clock.pass(100_000);
  assert.deepEqual(got, [`${A} 0`, `${B} 60000`]);
});

test('who is called off while it waits is told at once, and takes no room', LIMIT, async () => {
  const { take, turns, clock, got } = setUp({ atOnce: 1 });
  await take(A);
  const abort = new AbortController();
  const second = take(B, abort.signal);
  void take(C);
  await clock.pass(1);
  abort.abort(new Error('called off'));
  await assert.rejects(second, /called off/);
  turns.ended(A);
  await clock.pass(0);
  assert.deepEqual(got, [`${A} 0`, `${C} 1`]);
  await assert.rejects(take(B, AbortSignal.abort(new Error('too late'))), /too late/);
});

test('who was not switched on gives its turn back, and an older turn takes nothing from a newer', LIMIT, async () => {
  const { take, turns, clock, got } = setUp({ atOnce: 1 });
  const failed = await take(A);
  failed.giveBack();
  await take(A);
  void take(B);
  await clock.pass(1);
  failed.giveBack();
  await clock.pass(1);
  assert.deepEqual(got, [`${A} 0`, `${A} 0`]);
  turns.ended(A);
  await clock.pass(0);
  assert.deepEqual(got.at(-1), `${B} 2`);
});

test('who boots already needs no other turn', LIMIT, async () => {
  const { take, turns } = setUp({ atOnce: 1, staggerMs: 10_000 });
  await take(A);
  await take(A);
  assert.deepEqual(turns.counts().underWay, { 'first-rom': 0, other: 1 });
});

test('few of the first ROM boot at a time, whoever else does', LIMIT, async () => {
  const { take, turns, clock } = setUp({ atOnce: 6, firstRomAtOnce: 2 }, (pi) =>
    pi < '00000005' ? 'first-rom' : 'other',
  );
  for (const pi of many(9)) void take(pi);
  await clock.pass(0);
  assert.deepEqual(turns.counts(), { underWay: { 'first-rom': 2, other: 4 }, waiting: { 'first-rom': 3, other: 0 } });
});

test('a server that stops gives no more turns', LIMIT, async () => {
  const { take, turns, clock, got } = setUp({ atOnce: 1 });
  await take(A);
  void take(B);
  await clock.pass(1);
  assert.deepEqual([A, B].map(turns.isWaiting), [false, true]);
  turns.stop();
  turns.ended(A);
  await clock.pass(100_000);
  assert.deepEqual(got, [`${A} 0`]);
});
