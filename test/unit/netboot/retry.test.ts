import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measured, type RoundTrip, retryMs } from '../../../netboot/tftp/retry.ts';

const firmware = { windowSize: 1, timeoutMs: undefined };
const window = { windowSize: 4, timeoutMs: undefined };
const patient = { windowSize: 1, timeoutMs: 6_000 };
const steady = (ms: number) =>
  Array.from({ length: 50 }).reduce<RoundTrip | undefined>((before) => measured(before, ms), undefined);

test('firmware never gets a block again within a second, others after 0.3 s at first, and soon when they are fast', () => {
  assert.deepEqual(
    [undefined, steady(1)].map((roundTrip) => retryMs(firmware, roundTrip, 0)),
    [1000, 1000],
  );
  for (const client of [window, patient]) {
    assert.deepEqual(
      [undefined, steady(1)].map((roundTrip) => retryMs(client, roundTrip, 0)),
      [300, 100],
    );
  }
});

test('a slow client is waited for longer, an unsteady one more so', () => {
  assert.ok(retryMs(window, steady(700), 0) > 700);
  assert.ok(retryMs(firmware, steady(1500), 0) > 1500);
  const unsteady = [100, 900, 100, 900, 100, 900].reduce<RoundTrip | undefined>(measured, undefined);
  assert.ok(retryMs(window, unsteady, 0) > 1000);
});

test('each time without progress doubles it, up to 8 s, so that it outgrows the timeout of every client', () => {
  assert.deepEqual(
    [0, 1, 2, 5, 9].map((n) => retryMs(firmware, undefined, n)),
    [1000, 2000, 4000, 8000, 8000],
  );
  assert.deepEqual(
    [0, 3, 6, 9].map((n) => retryMs(patient, steady(1), n)),
    [100, 800, 6400, 8000],
  );
});

test('at first it is at most what the client named', () => {
  assert.equal(retryMs({ windowSize: 1, timeoutMs: 1_000 }, steady(3000), 0), 1000);
});
