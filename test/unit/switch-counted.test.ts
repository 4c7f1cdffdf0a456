import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { PowerTimeout } from '../../server/power/bounded.ts';
import { PowerFault } from '../../server/power/driver.ts';
import { countCalls, noCalls } from '../../server/power/switches/counted.ts';
import type { PowerSwitch } from '../../server/power/switches/kind.ts';

const { signal } = new AbortController();
const hang = () => new Promise<never>(() => undefined);

test('calls of a switch are counted by what was asked and how it ended, and answer as they did', async () => {
  const counts = noCalls();
  let isBroken = false;
  const device = countCalls(
    {
      async set() {
        if (isBroken) throw new PowerFault('fatal', 'no such port');
      },
      query: async (ports) => new Map(ports.map((port) => [port, 'on'])),
      survey: async () => ({ description: 'toy', ports: [] }),
    },
    counts,
  );
  await device.set(new Map(), signal);
  assert.deepEqual(await device.query?.(['1'], signal), new Map([['1', 'on']]));
  assert.deepEqual(await device.survey?.(signal), { description: 'toy', ports: [] });
  isBroken = true;
  await assert.rejects(device.set(new Map(), signal), { message: 'no such port' });
  assert.deepEqual(counts, {
    set: { done: 1, failed: 1 },
    query: { done: 1, failed: 0 },
    survey: { done: 1, failed: 0 },
  });
});

test('a device that cannot tell or close cannot with its calls counted', () => {
  const device: PowerSwitch = countCalls({ set: async () => undefined }, noCalls());
  assert.deepEqual(Object.keys(device), ['set']);
});

test('a call that hangs has failed when its time is over, once; one that somebody calls off has not', () => {
  const counts = noCalls();
  const device = countCalls({ set: hang, survey: hang }, counts);
  const reasons = [
    new PowerTimeout(10),
    new BakeryError('timeout', 'switch-timeout', 'late'),
    new DOMException('late', 'TimeoutError'),
    new BakeryError('unavailable', 'stopping', 'the server is stopping'),
    new DOMException('nobody waits', 'AbortError'),
  ];
  for (const reason of reasons) {
    const call = new AbortController();
    void device.set(new Map(), call.signal);
    call.abort(reason);
  }
  assert.deepEqual(counts.set, { done: 0, failed: 3 });
});

test('a call that ends after its time was over is not counted again', async () => {
  const counts = noCalls();
  const done = Promise.withResolvers<void>();
  const device = countCalls({ set: () => done.promise }, counts);
  const call = new AbortController();
  const setting = device.set(new Map(), call.signal);
  call.abort(new PowerTimeout(10));
  done.resolve();
  await setting;
  assert.deepEqual(counts.set, { done: 0, failed: 1 });
});
