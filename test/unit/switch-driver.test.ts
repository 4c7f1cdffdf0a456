import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTick } from 'node:timers/promises';
import { BakeryError } from '../../core/errors.ts';
import type { Mac, PiId } from '../../core/ids.ts';
import type { Pi, PiPort } from '../../core/pi.ts';
import { type OffOutcome, type PowerDriver, PowerFault, type PowerReach } from '../../server/power/driver.ts';
import { createPowerService } from '../../server/power/service.ts';
import { createSwitchDriver, type TightPower } from '../../server/power/switches/driver.ts';
import { createSwitchSurveys } from '../../server/power/switches/surveys.ts';
import { createSwitchWriter } from '../../server/power/switches/writer.ts';
import { fakeClock } from '../lab/fake-clock.ts';
import { type ToySwitch, toySwitch } from '../lab/toy-switch.ts';

const [ONE, TWO, FREE, LOST] = ['00000001', '00000002', '00000003', '00000004'] as [PiId, PiId, PiId, PiId];
const [MAC, OTHER_MAC] = ['dc:a6:32:b0:23:c3', 'd8:3a:dd:00:00:01'] as [Mac, Mac];
const PI5 = 0xc04170;
const limits = { callTimeoutMs: 10_000, settleMs: 3_000 };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** Pis on the ports 1 and 2 of a switch, one of a switch that is not there, and the service around it all. */
function setUp(toy: ToySwitch, { reach = 'by-hand' as PowerReach } = {}) {
  const clock = fakeClock();
  const world = {
    bound: new Map<PiId, PiPort>([
      [ONE, { switch: 'a', port: '1' }],
      [TWO, { switch: 'a', port: '2' }],
      [LOST, { switch: 'gone', port: '9' }],
    ]),
    /** The inventory, where it says another thing. */
    owner: undefined as ((port: PiPort) => PiId | undefined) | undefined,
    mac: undefined as Mac | undefined,
    told: [] as TightPower[],
    byHand: [] as string[],
  };
  const find = (name: string) => (name === 'a' ? toy.open : undefined);
  const writer = createSwitchWriter({ find, limits, clock });
  const surveys = createSwitchSurveys({ find, turn: writer.turn, limits, clock });
  const fallback: PowerDriver = {
    name: 'fallback',
    reach: () => reach,
    queueOf: (pi) => pi,
    on: async (pi) => void world.byHand.push(`on ${pi}`),
    async off(pi): Promise<OffOutcome> {
      world.byHand.push(`off ${pi}`);
      return 'unconfirmed';
    },
  };
  const ownerOf = ({ switch: name, port }: PiPort) =>
    [...world.bound].find(([, one]) => one.switch === name && one.port === port)?.[0];
  const driver = createSwitchDriver({
    boundPort: (pi) => world.bound.get(pi),
    switches: { find },
    async owner(port): Promise<Pick<Pi, 'id' | 'mac' | 'revision'> | undefined> {
      const id = (world.owner ?? ownerOf)(port);
      return id && { id, mac: world.mac, revision: PI5 };
    },
    writer,
    surveys,
    fallback,
    onTight: async (tight) => void world.told.push(tight),
    clock,
  });
  const calls: string[] = [];
  const service = createPowerService({
    driver,
    clock,
    log: quiet,
    onCall: (call) => calls.push(`${call.driver} ${call.action} ${call.outcome}`),
  });
  return { world, clock, surveys, service, calls };
}

const coded = (code: string, text = /./) => {
  return (error: unknown) => error instanceof BakeryError && error.code === code && text.test(error.message);
};

test('a Pi goes to the port it is bound to, one that is bound to none to the driver of the environment', async () => {
  const toy = toySwitch('a');
  const { service, world, calls } = setUp(toy);
  await service.on(ONE);
  assert.equal(await service.off(TWO), 'off');
  assert.equal(await service.off(FREE), 'unconfirmed');
  assert.deepEqual(
    [...toy.ports],
    [
      ['1', 'on'],
      ['2', 'off'],
    ],
  );
  assert.deepEqual(world.byHand, [`off ${FREE}`]);
  assert.deepEqual(calls, ['toy on done', 'toy off done', 'fallback off unconfirmed']);
  assert.deepEqual([service.reach(ONE), service.reach(FREE)], ['port', 'by-hand']);
  assert.equal(await service.observe(ONE), 'on');
  assert.equal(await service.observe(FREE), undefined);
});

test('a Pi of a switch that is not there is out of reach and says which, unless the environment has a port for it', async () => {
  const { service, world } = setUp(toySwitch('a'));
  assert.equal(service.reach(LOST), 'none');
  await assert.rejects(service.off(LOST), coded('power-not-configured', /port 9 of the switch gone/));
  assert.deepEqual(world.byHand, []);
  const other = setUp(toySwitch('a'), { reach: 'port' });
  assert.equal(other.service.reach(LOST), 'port');
  await other.service.on(LOST);
  assert.deepEqual(other.world.byHand, [`on ${LOST}`]);
});

test('many Pis of one switch are switched in few calls', async () => {
  const toy = toySwitch('a');
  const { service, world } = setUp(toy);
  const pis = Array.from({ length: 24 }, (_, i) => `000000${(i + 16).toString(16)}` as PiId);
  for (const [i, pi] of pis.entries()) world.bound.set(pi, { switch: 'a', port: `${i + 10}` });
  await Promise.all(pis.map((pi) => service.on(pi)));
  const sets = toy.calls.filter((call) => call.startsWith('set'));
  assert.ok(sets.length <= 3, toy.calls.join('\n'));
  assert.equal(toy.most(), 1);
});

test('a switch whose read-back lags is asked again until it says so, and is set but once', async () => {
  const toy = toySwitch('a', { readBackMs: 60_000 });
  const { service, clock } = setUp(toy);
  let left = 6;
  toy.says = () => (left-- > 0 ? 'off' : 'on');
  await service.on(ONE);
  assert.deepEqual(
    toy.calls.filter((call) => call.startsWith('set')),
    ['set 1=on'],
  );
  assert.deepEqual(clock.slept, [250, 500, 1_000, 2_000, 5_000, 5_000]);
});

test('a port that stays as it was is tried again when the time of its read-back is over, and then has failed', async () => {
  const toy = toySwitch('a', { readBackMs: 3_000 });
  const { service, clock } = setUp(toy);
  toy.says = () => 'on';
  await assert.rejects(service.off(ONE), coded('power-failed', /still on/));
  assert.equal(toy.calls.filter((call) => call.startsWith('set')).length, 4);
  assert.deepEqual(clock.slept.slice(0, 5), [250, 500, 1_000, 1_250, 500]);
});

test('who reads back keeps the switch from nobody', async () => {
  const toy = toySwitch('a', { readBackMs: 60_000 });
  const { service } = setUp(toy);
  let isOn = false;
  toy.says = (port) => (port === '1' && !isOn ? 'off' : 'on');
  const lagging = service.on(ONE);
  while (toy.calls.length < 2) await nextTick();
  await service.on(TWO);
  isOn = true;
  await lagging;
  assert.equal(toy.calls.filter((call) => call.startsWith('set')).length, 2);
});

test('unknown is never off, and a switch that cannot tell is believed', async () => {
  const toy = toySwitch('a', { readBackMs: 1_000 });
  const { service } = setUp(toy);
  toy.says = () => 'unknown';
  assert.equal(await service.off(ONE), 'unconfirmed');
  assert.equal(await setUp(toySwitch('a', {}, { canTell: false })).service.off(ONE), 'off');
});

test('a port that another Pi, or none, is bound to by now is not switched', async () => {
  const toy = toySwitch('a');
  const { service, world } = setUp(toy);
  for (const owner of [TWO, undefined]) {
    world.owner = () => owner;
    await assert.rejects(service.off(ONE), coded('port-not-ours', /not bound to port 1 of switch a any more/));
  }
  assert.deepEqual(toy.calls, []);
});

test('a port with several devices, or with another, is not switched; what software makes is no device', async () => {
  const toy = toySwitch('a');
  const { service, world, surveys } = setUp(toy);
  const learn = (...macs: string[]) => {
    toy.survey = { description: 'toy', ports: [{ port: '1', power: 'on', macs }] };
    return surveys.take('a');
  };
  await learn(MAC, OTHER_MAC);
  await assert.rejects(service.off(ONE), coded('port-not-ours', /2 devices/));
  world.mac = MAC;
  await learn(OTHER_MAC);
  await assert.rejects(service.off(ONE), coded('port-not-ours', /another device/));
  assert.deepEqual(toy.calls, ['survey', 'survey']);
  await learn(MAC, '02:42:ac:11:00:02', '52:54:00:12:34:56');
  assert.equal(await service.off(ONE), 'off');
});

test('a port is not refused for what was on it before a cable was moved', async () => {
  const toy = toySwitch('a');
  const { service, world, surveys, clock } = setUp(toy);
  const sees = (mac: string) => {
    toy.survey = { description: 'toy', ports: [{ port: '1', power: 'on', macs: [mac] }] };
  };
  world.mac = MAC;
  sees(OTHER_MAC);
  await surveys.take('a');
  sees(MAC);
  await clock.sleep(9_000);
  await assert.rejects(service.off(ONE), coded('port-not-ours', /another device/));
  await clock.sleep(1_000);
  assert.equal(await service.off(ONE), 'off');
  assert.deepEqual(toy.calls, ['survey', 'survey', 'set 1=off', 'query 1']);
});

/** A switch with `left` mW to give, whose port 2 draws 5 W. */
function budgeted(left: number, delivers: boolean) {
  const toy = toySwitch('a');
  toy.survey = {
    description: 'toy',
    budget: { limitMilliwatts: 65_000, usedMilliwatts: 65_000 - left },
    ports: [
      { port: '1', power: 'on', delivers, milliwatts: 0 },
      { port: '2', power: 'on', delivers: true, milliwatts: 5_000 },
    ],
  };
  return toy;
}

test('a Pi for which its switch has too little power is switched on all the same, and told of once', async () => {
  const toy = budgeted(11_000, true);
  const { service, world, surveys } = setUp(toy);
  await service.on(ONE);
  assert.deepEqual(world.told, [], 'nobody knows');
  await surveys.take('a');
  await service.on(ONE);
  const port = { switch: 'a', port: '1' };
  assert.deepEqual(world.told, [{ pi: ONE, port, leftMilliwatts: 11_000, needsMilliwatts: 12_000 }]);
  await service.on(TWO);
  assert.equal(world.told.length, 2, 'of what is left, the first takes 12 W; the second draws 5 W already');
});

test('a port that then gives nothing has failed, and the fault says why', async () => {
  const toy = budgeted(3_000, false);
  const { service, world, surveys } = setUp(toy);
  await surveys.take('a');
  await assert.rejects(
    service.on(ONE),
    coded('power-failed', /could not be switched on: .*its switch had 3 W left, and it may draw 12 W/),
  );
  assert.equal(world.told.length, 1);
  assert.equal(toy.calls.filter((call) => call.startsWith('set')).length, 4);
});

test('a switch that cannot be surveyed any more fails no power-on that it has done', async () => {
  const toy = budgeted(3_000, false);
  const { service, surveys } = setUp(toy);
  await surveys.take('a');
  Object.assign(toy.open.device, { survey: () => Promise.reject(new PowerFault('retryable', 'no such table')) });
  await service.on(ONE);
  assert.equal(toy.ports.get('1'), 'on');
});

test('a cycle ended in the middle of a read-back ends at once', async () => {
  const toy = toySwitch('a', { readBackMs: 60_000 });
  const { service } = setUp(toy);
  const abort = new AbortController();
  toy.says = () => {
    abort.abort(new Error('overtaken'));
    return 'on';
  };
  await assert.rejects(service.cycle(ONE, abort.signal), /overtaken/);
  assert.deepEqual(
    toy.calls.filter((call) => call.startsWith('set')),
    ['set 1=off'],
  );
});
