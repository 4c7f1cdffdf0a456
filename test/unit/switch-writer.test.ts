import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTick } from 'node:timers/promises';
import { PowerFault } from '../../server/power/driver.ts';
import { createSwitchSurveys } from '../../server/power/switches/surveys.ts';
import { createSwitchWriter } from '../../server/power/switches/writer.ts';
import { fakeClock } from '../lab/fake-clock.ts';
import { type ToySwitch, toySwitch } from '../lab/toy-switch.ts';

const limits = { callTimeoutMs: 10_000, settleMs: 3_000 };
const never = () => new AbortController().signal;

function setUp(...toys: ToySwitch[]) {
  const clock = fakeClock();
  const switches = new Map(toys.map((toy) => [toy.open.name, toy.open]));
  const find = (name: string) => switches.get(name);
  const writer = createSwitchWriter({ find, limits, clock });
  const set = (name: string, port: string, to: 'on' | 'off', signal = never()) =>
    writer.set(name, port, { to, mayGo: async () => undefined }, signal);
  return { clock, writer, switches, find, set };
}

/** A `set` that goes on only when a test opens it. */
function held(toy: ToySwitch) {
  const gate = Promise.withResolvers<void>();
  toy.onSet = async (changes) => {
    await gate.promise;
    toy.apply(changes);
  };
  return gate.resolve;
}

const isUnderWay = async (toy: ToySwitch, calls = 1) => {
  while (toy.calls.length < calls) await nextTick();
};

test('what is asked while a call is under way goes together in one call after it, where the kind batches', async () => {
  const toy = toySwitch('a');
  const { set } = setUp(toy);
  const open = held(toy);
  const first = set('a', '1', 'on');
  await isUnderWay(toy);
  const others = [set('a', '2', 'on'), set('a', '3', 'off'), set('a', '4', 'on')];
  open();
  await Promise.all([first, ...others]);
  assert.deepEqual(toy.calls, ['set 1=on', 'set 2=on 3=off 4=on']);
});

test('a kind that does not batch gets one port at a time, and no switch more than one call', async () => {
  const toy = toySwitch('a', { batches: false });
  const { set, writer } = setUp(toy);
  await Promise.all([set('a', '1', 'on'), set('a', '2', 'on'), writer.query('a', '1', never()), set('a', '3', 'off')]);
  assert.deepEqual(toy.calls.toSorted(), ['query 1', 'set 1=on', 'set 2=on', 'set 3=off']);
  assert.equal(toy.most(), 1);
});

test('one port is set once in a call, and last as it was asked last', async () => {
  const toy = toySwitch('a');
  const { set } = setUp(toy);
  const open = held(toy);
  const all = [set('a', '9', 'on')];
  await isUnderWay(toy);
  all.push(set('a', '1', 'on'), set('a', '1', 'off'), set('a', '2', 'on'));
  open();
  await Promise.all(all);
  assert.deepEqual(toy.calls, ['set 9=on', 'set 1=on 2=on', 'set 1=off']);
});

test('a slow switch keeps no other waiting', async () => {
  const [slow, quick] = [toySwitch('slow'), toySwitch('quick')];
  const { set } = setUp(slow, quick);
  const open = held(slow);
  const waiting = set('slow', '1', 'on');
  await isUnderWay(slow);
  await set('quick', '1', 'on');
  open();
  await waiting;
});

test('a port that is refused fails nobody else of its call', async () => {
  const toy = toySwitch('a');
  const { set } = setUp(toy);
  const open = held(toy);
  const first = set('a', '9', 'on');
  await isUnderWay(toy);
  const all = ['1', '2', '3'].map((port) => set('a', port, 'on'));
  toy.onSet = async (changes) => {
    if (changes.has('2')) throw new PowerFault('fatal', 'there is no port 2');
    toy.apply(changes);
  };
  open();
  await first;
  const ended = await Promise.allSettled(all);
  assert.deepEqual(
    ended.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(toy.calls.slice(1), ['set 1=on 2=on 3=on', 'set 1=on', 'set 2=on', 'set 3=on']);
});

test('a switch that refuses all of its ports is not asked for each of them', async () => {
  const toy = toySwitch('a');
  const { set } = setUp(toy);
  const open = held(toy);
  const first = set('a', '0', 'on');
  await isUnderWay(toy);
  const all = Array.from({ length: 24 }, (_, i) => set('a', `${i + 1}`, 'on'));
  toy.onSet = () => Promise.reject(new PowerFault('fatal', 'wrong password'));
  open();
  await first;
  for (const { status } of await Promise.allSettled(all)) assert.equal(status, 'rejected');
  assert.equal(toy.calls.length, 1 + 1 + 3);
});

test('what may work in a moment is not tried port by port: all of the call are told', async () => {
  const toy = toySwitch('a');
  const { set } = setUp(toy);
  const open = held(toy);
  const first = set('a', '9', 'on');
  await isUnderWay(toy);
  const all = ['1', '2'].map((port) => set('a', port, 'on'));
  toy.onSet = () => Promise.reject(new PowerFault('retryable', 'busy'));
  open();
  await first;
  for (const { status } of await Promise.allSettled(all)) assert.equal(status, 'rejected');
  assert.equal(toy.calls.length, 2);
});

test('who may not be switched after all is left out of the call, and told why', async () => {
  const toy = toySwitch('a');
  const { set, writer } = setUp(toy);
  const open = held(toy);
  const first = set('a', '9', 'on');
  await isUnderWay(toy);
  const foreign = writer.set('a', '1', { to: 'off', mayGo: () => Promise.reject(new Error('not ours')) }, never());
  foreign.catch(() => undefined);
  const ours = set('a', '2', 'off');
  open();
  await Promise.all([first, ours]);
  await assert.rejects(foreign, /not ours/);
  assert.deepEqual(toy.calls, ['set 9=on', 'set 2=off']);
});

test('who gives up while it waits is not switched or asked for, and waits no longer', async () => {
  const toy = toySwitch('a');
  const { set, writer } = setUp(toy);
  const open = held(toy);
  const first = set('a', '1', 'on');
  await isUnderWay(toy);
  const abort = new AbortController();
  const left = set('a', '2', 'on', abort.signal);
  const stays = set('a', '3', 'on');
  const unasked = writer.query('a', '4', abort.signal);
  const asked = writer.query('a', '5', never());
  abort.abort(new Error('overtaken'));
  for (const one of [left, unasked]) await assert.rejects(one, /overtaken/);
  open();
  await Promise.all([first, stays, asked]);
  assert.deepEqual(toy.calls, ['set 1=on', 'set 3=on', 'query 5']);
});

test('a call goes on while anybody waits for it, and is aborted with the last; the next waits until it has let go', async () => {
  const toy = toySwitch('a');
  const { set } = setUp(toy);
  const letGo = Promise.withResolvers<void>();
  let aborted = 0;
  const open = held(toy);
  const first = set('a', '9', 'on');
  await isUnderWay(toy);
  const aborts = [new AbortController(), new AbortController()];
  const both = aborts.map(({ signal }, i) => set('a', `${i + 1}`, 'on', signal));
  for (const one of both) one.catch(() => undefined);
  toy.onSet = async (_changes, signal) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    aborted += 1;
    await letGo.promise;
  };
  open();
  await first;
  await isUnderWay(toy, 2);
  aborts[0]?.abort(new Error('overtaken'));
  await assert.rejects(both[0] ?? Promise.resolve(), /overtaken/);
  await nextTick();
  assert.equal(aborted, 0);
  aborts[1]?.abort(new Error('cancelled'));
  await assert.rejects(both[1] ?? Promise.resolve(), /cancelled/);
  toy.onSet = undefined;
  const next = set('a', '1', 'off');
  await nextTick();
  assert.deepEqual([aborted, toy.calls.length], [1, 2]);
  letGo.resolve();
  await next;
  assert.deepEqual(toy.calls.slice(1), ['set 1=on 2=on', 'set 1=off']);
});

test('a switch that never answers holds its turn no longer than its limit', async () => {
  const toy = toySwitch('a');
  const { set, clock } = setUp(toy);
  toy.onSet = () => new Promise(() => undefined);
  await assert.rejects(set('a', '1', 'on'), { name: 'PowerTimeout', severity: 'retryable' });
  toy.onSet = undefined;
  await set('a', '1', 'off');
  assert.deepEqual(clock.slept, [10_000, 3_000]);
});

test('questions are gathered too; what is left out of the answer is unknown, and a switch that cannot tell says nothing', async () => {
  const [toy, mute] = [toySwitch('a'), toySwitch('mute', {}, { canTell: false })];
  const { writer, set } = setUp(toy, mute);
  await set('a', '1', 'on');
  const open = held(toy);
  const first = set('a', '2', 'on');
  await isUnderWay(toy, 2);
  const asked = ['1', '7'].map((port) => writer.query('a', port, never()));
  open();
  await first;
  assert.deepEqual(await Promise.all(asked), ['on', 'unknown']);
  assert.equal(toy.calls.at(-1), 'query 1 7');
  assert.equal(await writer.query('mute', '1', never()), undefined);
});

test('a switch that was taken away is told to who waits for it', async () => {
  const toy = toySwitch('a');
  const { set, switches, writer } = setUp(toy);
  switches.clear();
  await assert.rejects(set('a', '1', 'on'), { severity: 'fatal', told: 'the switch a is not there any more' });
  await assert.rejects(writer.query('a', '1', never()), { severity: 'fatal' });
});

test('a survey takes its turn, is ended at its limit, and the last is remembered', async () => {
  const toy = toySwitch('a');
  const { set, writer, clock, find, switches } = setUp(toy);
  const surveys = createSwitchSurveys({ find, turn: writer.turn, limits, clock });
  const [survey] = await Promise.all([surveys.take('a'), set('a', '1', 'on'), writer.query('a', '1', never())]);
  assert.equal(toy.most(), 1);
  assert.deepEqual([survey, surveys.last('a')?.survey], [toy.survey, toy.survey]);
  switches.set('a', toySwitch('a').open);
  assert.equal(surveys.last('a'), undefined, 'that is another device');
  switches.set('a', toy.open);
  Object.assign(toy.open.device, { survey: () => new Promise(() => undefined) });
  await assert.rejects(surveys.take('a'), { name: 'PowerTimeout' });
  await set('a', '1', 'off');
  assert.equal(await surveys.take('none'), undefined);
});
