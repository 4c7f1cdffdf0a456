import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTick } from 'node:timers/promises';
import { BakeryError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import { type PiId, requirePiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { type OffOutcome, type PowerDriver, PowerFault, type PowerReach } from '../../server/power/driver.ts';
import { createPowerService, type PowerCall, type PowerSettings } from '../../server/power/service.ts';
import { fakeClock } from '../lab/fake-clock.ts';
import { size } from '../sizes.ts';

const PI = requirePiId('687680cd');
const OTHER = requirePiId('00000002');
const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A switch in memory: notes what it is asked and when, and answers as the test says. */
function fakeDriver(clock: Clock, behaviour: Partial<PowerDriver> = {}) {
  const calls: { verb: 'on' | 'off'; pi: PiId; at: number }[] = [];
  const driver: PowerDriver = {
    name: 'fake',
    reach: (): PowerReach => 'port',
    queueOf: () => 'one switch',
    on: async () => {},
    off: async (): Promise<OffOutcome> => 'off',
    ...behaviour,
  };
  const noted: PowerDriver = {
    ...driver,
    on(pi, signal) {
      calls.push({ verb: 'on', pi, at: clock.now() });
      return driver.on(pi, signal);
    },
    off(pi, signal) {
      calls.push({ verb: 'off', pi, at: clock.now() });
      return driver.off(pi, signal);
    },
  };
  return { noted, calls };
}

function setUp(behaviour: Partial<PowerDriver> = {}, settings: Partial<PowerSettings> = {}) {
  const clock = fakeClock();
  const { noted, calls } = fakeDriver(clock, behaviour);
  return { clock, calls, service: createPowerService({ driver: noted, clock, log: quiet, settings }) };
}

const code = (expected: string) => (error: unknown) => error instanceof BakeryError && error.code === expected;
const hang = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));

test('cycle switches off, waits the minimum off time and switches on', async () => {
  const { service, calls } = setUp({}, { minOffMs: 5_000 });
  await service.cycle(PI);
  assert.deepEqual(
    calls.map((call) => call.verb),
    ['off', 'on'],
  );
  assert.equal((calls[1]?.at ?? 0) - (calls[0]?.at ?? 0), 5_000);
});

test('on waits for the rest of the minimum off time, and not at all when the Pi was not switched off by us', async () => {
  const { service, clock, calls } = setUp({}, { minOffMs: 5_000 });
  await service.on(PI);
  assert.deepEqual(clock.slept, []);
  await service.off(PI);
  await clock.sleep(3_000);
  await service.on(PI);
  assert.equal((calls[2]?.at ?? 0) - (calls[1]?.at ?? 0), 5_000);
});

test('a retryable fault climbs the ladder and then works', async () => {
  let left = 3;
  const { service, clock } = setUp({
    on: async () => {
      left -= 1;
      if (left >= 0) throw new PowerFault('retryable', 'busy');
    },
  });
  await service.on(PI);
  assert.deepEqual(clock.slept, [500, 1_000, 2_000]);
});

test('a retryable fault that stays ends after the ladder, its text in the detail only', async () => {
  const secret = 'http://admin:pw@switch/ is busy';
  const { service, calls } = setUp({ on: () => Promise.reject(new PowerFault('retryable', secret)) });
  await assert.rejects(service.on(PI), (error) => {
    assert.ok(code('power-failed')(error) && error instanceof BakeryError);
    assert.equal(error.detail, secret);
    assert.ok(!error.message.includes('switch/'));
    return true;
  });
  assert.equal(calls.length, 4);
});

test('a fatal fault, and anything that is not a PowerFault, is not tried again', async () => {
  for (const fault of [new PowerFault('fatal', 'no such port'), new TypeError('a bug')]) {
    const { service, calls } = setUp({ off: () => Promise.reject(fault) });
    await assert.rejects(service.off(PI), code('power-failed'));
    assert.equal(calls.length, 1);
  }
});

test('a hanging driver is aborted at its limit and becomes power-timeout', async () => {
  let aborted = 0;
  const { service } = setUp(
    { on: (_, signal) => hang(signal).finally(() => (aborted += 1)) },
    { callTimeoutMs: 10_000, retryDelaysMs: [500] },
  );
  await assert.rejects(service.on(PI), code('power-timeout'));
  assert.equal(aborted, 2);
});

test('a driver that ignores its signal does not hold its switch for ever', async () => {
  const { service } = setUp({ on: () => new Promise(() => {}) }, { retryDelaysMs: [] });
  await assert.rejects(service.on(PI), code('power-timeout'));
  assert.equal(await service.off(PI), 'off');
});

test('a cycle aborted in its pause leaves the Pi off', async () => {
  const { service, calls } = setUp();
  const abort = new AbortController();
  const reason = new Error('overtaken');
  const cycle = service.cycle(PI, abort.signal);
  while (calls.length === 0) await nextTick();
  abort.abort(reason);
  await assert.rejects(cycle, (error) => error === reason);
  assert.equal(await service.off(PI), 'off');
  assert.deepEqual(
    calls.map((call) => call.verb),
    ['off', 'off'],
  );
});

test('a request aborted during a call ends that call, and the next one waits until it has let go', async () => {
  const letGo = Promise.withResolvers<void>();
  const { service, calls } = setUp(
    { on: (_, signal) => hang(signal).catch(() => letGo.promise) },
    { settleMs: 60_000 },
  );
  const abort = new AbortController();
  const on = service.on(PI, abort.signal);
  while (calls.length === 0) await nextTick();
  abort.abort();
  const off = service.off(PI);
  await nextTick();
  assert.equal(calls.length, 1);
  letGo.resolve();
  await assert.rejects(on, { name: 'AbortError' });
  await off;
  assert.equal(calls.length, 2);
});

test('a request aborted while it waits ends at once and does not let the next one overtake', async () => {
  const first = Promise.withResolvers<void>();
  const { service, calls } = setUp({ on: () => first.promise }, { callTimeoutMs: 1e9 });
  const abort = new AbortController();
  const one = service.on(PI);
  const two = service.on(PI, abort.signal);
  const three = service.off(PI);
  await nextTick();
  abort.abort();
  await assert.rejects(two, { name: 'AbortError' });
  assert.equal(calls.length, 1);
  first.resolve();
  await Promise.all([one, three]);
  assert.deepEqual(
    calls.map((call) => call.verb),
    ['on', 'off'],
  );
});

test('every call of the driver is told once, a retry as one more, with how it ended and how long it took', async () => {
  const told: string[] = [];
  const clock = fakeClock();
  const outcomes = ['fault', 'hang', 'work', 'refuse', 'ask', 'leave'];
  const driver: PowerDriver = {
    ...fakeDriver(clock).noted,
    async off(_pi, signal) {
      const next = outcomes.shift();
      if (next === 'fault') throw new PowerFault('retryable', 'busy');
      if (next === 'refuse') throw new PowerFault('fatal', 'no such port');
      if (next === 'hang' || next === 'leave') return hang(signal);
      return next === 'ask' ? 'unconfirmed' : 'off';
    },
  };
  const onCall = ({ driver: name, action, outcome, seconds }: PowerCall) =>
    void told.push(`${name} ${action} ${outcome} ${seconds}`);
  const settings = { callTimeoutMs: 4_000, retryDelaysMs: [500, 500] };
  const service = createPowerService({ driver, clock, log: quiet, settings, onCall });
  await service.off(PI);
  await assert.rejects(service.off(PI), code('power-failed'));
  await service.off(PI);
  const abort = new AbortController();
  const left = service.off(PI, abort.signal);
  setImmediate(() => abort.abort(new Error('enough')));
  await assert.rejects(left, /enough/);
  await service.on(PI);
  assert.deepEqual(told.slice(0, 4), [
    'fake off failed 0',
    'fake off timeout 4',
    'fake off done 0',
    'fake off refused 0',
  ]);
  assert.equal(told[4], 'fake off unconfirmed 0');
  assert.match(told[5] ?? '', /^fake off aborted /);
  assert.equal(told[6], 'fake on done 0');
  assert.equal(told.length, 7);
});

test('a Pi that is bound to no port is a conflict that names the driver', async () => {
  const { service, calls } = setUp({ reach: () => 'none' });
  assert.equal(service.controls(PI), false);
  for (const request of [service.on(PI), service.off(PI), service.cycle(PI)]) {
    await assert.rejects(request, (error) => code('power-not-configured')(error) && /fake/.test(String(error)));
  }
  assert.equal(calls.length, 0);
});

test('a Pi reached by hand is not controlled, its off is unconfirmed and its cycle does not pause', async () => {
  const { service, clock } = setUp({ reach: () => 'by-hand', off: async () => 'unconfirmed' });
  assert.equal(service.controls(PI), false);
  assert.equal(await service.off(PI), 'unconfirmed');
  await service.cycle(PI);
  assert.deepEqual(clock.slept, []);
});

test('read-back: the opposite is tried again, unknown is never off', async () => {
  let answers: ('on' | 'off' | 'unknown')[] = ['on', 'off'];
  const { service, calls } = setUp({ query: async () => answers.shift() ?? 'unknown' });
  assert.equal(await service.off(PI), 'off');
  assert.equal(calls.length, 2);
  assert.equal(await service.off(PI), 'unconfirmed');
  answers = Array(4).fill('off');
  await assert.rejects(service.on(PI), code('power-failed'));
});

test('pauses of one Pi do not keep the switch from another', async () => {
  const { service, calls } = setUp({}, { minOffMs: 5_000 });
  await Promise.all([service.cycle(PI), service.cycle(OTHER)]);
  assert.deepEqual(
    calls.map((call) => call.verb),
    ['off', 'off', 'on', 'on'],
  );
});

test('one call at a time per switch, and every Pi ends as its last request says', async () => {
  const pis = Array.from({ length: 12 }, (_, i) => requirePiId((i + 1).toString(16).padStart(8, '0')));
  const queueOf = (pi: PiId) => `switch ${Number.parseInt(pi, 16) % 3}`;
  const busy = new Map<string, number>();
  const state = new Map<PiId, 'on' | 'off'>();
  let most = 0;
  const call = async (pi: PiId, to: 'on' | 'off') => {
    const now = (busy.get(queueOf(pi)) ?? 0) + 1;
    busy.set(queueOf(pi), now);
    most = Math.max(most, now);
    await nextTick();
    busy.set(queueOf(pi), now - 1);
    if (Math.random() < 0.05) throw new PowerFault('retryable', 'busy');
    state.set(pi, to);
  };
  const { service } = setUp(
    { queueOf, on: (pi) => call(pi, 'on'), off: (pi) => call(pi, 'off').then(() => 'off') },
    { retryDelaysMs: Array(50).fill(1), minOffMs: 3 },
  );
  const last = new Map<PiId, 'on' | 'off'>();
  const requests = Array.from({ length: size('powerRequests') }, () => {
    const pi = pis[Math.floor(Math.random() * pis.length)] ?? PI;
    const kind = (['on', 'off', 'cycle'] as const)[Math.floor(Math.random() * 3)] ?? 'on';
    last.set(pi, kind === 'off' ? 'off' : 'on');
    return service[kind](pi);
  });
  await Promise.all(requests);
  assert.equal(most, 1);
  assert.deepEqual(state, new Map([...state].map(([pi]) => [pi, last.get(pi)])));
});

test('a switch is asked once what is, and does not say where it cannot tell; one that fails or hangs is unknown, never off', async () => {
  const observe = async (behaviour: Partial<PowerDriver>) => setUp(behaviour).service.observe(PI);
  let asked = 0;
  const broken = async () => {
    asked += 1;
    throw new PowerFault('retryable', 'no route to host');
  };
  assert.equal(await observe({ query: async () => 'on' }), 'on');
  assert.equal(await observe({ query: async () => 'off' }), 'off');
  assert.equal(await observe({}), undefined);
  assert.equal(await observe({ query: async () => 'on', reach: () => 'by-hand' }), undefined);
  assert.deepEqual([await observe({ query: broken }), asked], ['unknown', 1]);
  assert.equal(await observe({ query: (_pi, signal) => hang(signal) }), 'unknown');
  const abort = new AbortController();
  const waiting = setUp({ query: (_pi, signal) => hang(signal) }).service.observe(PI, abort.signal);
  abort.abort(new Error('the client waits no longer'));
  await assert.rejects(waiting, /waits no longer/);
});
