import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PowerFault } from '../../server/power/driver.ts';
import {
  Answer,
  Devices,
  planOverrides,
  readPower,
  readSurvey,
  Stations,
  type UnifiDevice,
} from '../../server/power/switches/unifi-device.ts';
import { sample } from '../lab/switches/sample.ts';

const deviceOf = (changed: object = {}): UnifiDevice => {
  const [device] = Answer.parse(sample('unifi', 'device')).data as [object];
  return Devices.parse([{ ...device, ...changed }])[0];
};
const portOff = sample('unifi', 'a port that is off');
const on = (port: string) => new Map([[port, 'on' as const]]);
const off = (port: string) => new Map([[port, 'off' as const]]);
const fault = (severity: string) => (error: unknown) => error instanceof PowerFault && error.severity === severity;

describe('what a UniFi controller tells', () => {
  test('a published switch is read: what it feeds, what it may feed, and what never feeds', () => {
    const { description, ports } = readSurvey(deviceOf(), [], 'fc:ec:da:11:22:33');
    assert.equal(description, 'UniFi US16P150 4.0.42.10433');
    assert.deepEqual(ports, [
      { port: '9', label: 'Port 9', power: 'on', delivers: false, milliwatts: 0, link: false, macs: [] },
      { port: '16', label: 'Port 16', power: 'on', delivers: true, milliwatts: 2520, link: true, macs: [] },
    ]);
  });

  test('a port that is off by its mode and draws power is on', () => {
    const draws = { ...(portOff as object), poe_enable: true, poe_power: '2.10' };
    const modeless = { port_idx: 4, port_poe: true, poe_enable: false };
    const power = readPower(deviceOf({ port_table: [portOff, { ...draws, port_idx: 2 }, modeless] }));
    assert.deepEqual(
      [...power],
      [
        ['3', 'off'],
        ['2', 'on'],
        ['4', 'unknown'],
      ],
    );
  });

  test('a switch that is not connected tells nothing of its ports', () => {
    for (const state of [0, 5, 6]) {
      assert.deepEqual([...readPower(deviceOf({ state })).values()], ['unknown', 'unknown']);
      const { ports } = readSurvey(deviceOf({ state }), [], '');
      assert.deepEqual(Object.keys(ports[1] ?? {}), ['port', 'label', 'power', 'macs']);
    }
  });

  test('stations are those of this switch', () => {
    const here = { mac: 'DC:A6:32:01:36:C2', sw_mac: 'FC:EC:DA:11:22:33', sw_port: 16 };
    const wireless = { mac: 'dc:a6:32:01:36:c3' };
    const clients = Stations.parse([...Answer.parse(sample('unifi', 'stations')).data, here, wireless]);
    const { ports } = readSurvey(deviceOf(), clients, 'fc:ec:da:11:22:33');
    assert.deepEqual(
      ports.map(({ macs }) => macs),
      [[], ['dc:a6:32:01:36:c2']],
    );
  });

  test('a member that means nothing to us may be anything; a mode that is none is no answer', () => {
    const odd = { ...(portOff as object), name: null, portconf_id: 7, up: 'yes', poe_power: [], poe_voltage: {} };
    assert.deepEqual([...readPower(deviceOf({ port_table: [odd] }))], [['3', 'off']]);
    assert.throws(() => deviceOf({ port_table: [{ ...odd, poe_mode: 1 }] }));
  });

  test('a budget is told only where there is one', () => {
    assert.equal(readSurvey(deviceOf({ total_max_power: 0 }), [], '').budget, undefined);
    const { budget } = readSurvey(deviceOf({ total_max_power: 150 }), [], '');
    assert.deepEqual(budget, { limitMilliwatts: 150_000, usedMilliwatts: 2520 });
  });
});

describe('what is wished of a UniFi controller', () => {
  const { port_overrides } = sample('unifi', 'overrides') as { port_overrides: [object, object] };

  test('all other overrides, and all other members of its own, are sent as they were', () => {
    const device = deviceOf({ port_overrides });
    assert.deepEqual(planOverrides(device, off('9')), [port_overrides[0], { ...port_overrides[1], poe_mode: 'off' }]);
    assert.deepEqual(device.port_overrides, port_overrides);
  });

  test('a port without an override gets one that keeps its profile', () => {
    const added = { port_idx: 16, poe_mode: 'off', portconf_id: '5a32aa4ee4babd4452422ddd22222' };
    assert.deepEqual(planOverrides(deviceOf({ port_overrides }), off('16')), [...port_overrides, added]);
  });

  test('a port comes back with detection, and one that is on stays in its mode', () => {
    const wished = (poe_mode: string) => deviceOf({ port_overrides: [{ port_idx: 9, poe_mode }] });
    assert.deepEqual(planOverrides(wished('off'), on('9')), [{ port_idx: 9, poe_mode: 'auto' }]);
    assert.equal(planOverrides(wished('pasv24'), on('9')), undefined);
  });

  test('what is wished already is not written again, however old the table of ports is', () => {
    const wishedOn = [{ port_idx: 3, poe_mode: 'auto' }];
    assert.equal(planOverrides(deviceOf({ port_table: [portOff], port_overrides: wishedOn }), on('3')), undefined);
    assert.equal(
      planOverrides(deviceOf({ port_overrides: [{ port_idx: 16, poe_mode: 'off' }] }), off('16')),
      undefined,
    );
    assert.equal(planOverrides(deviceOf(), on('16')), undefined);
  });

  test('a change goes on top of one that the switch is taking up', () => {
    const busy = deviceOf({ state: 5, port_overrides: [{ port_idx: 9, poe_mode: 'off' }] });
    assert.deepEqual(
      planOverrides(busy, off('16'))?.map(({ port_idx }) => port_idx),
      [9, 16],
    );
  });

  test('a switch that is not connected gets no change, which it would take up later', () => {
    for (const state of [0, 4, 6, 99]) {
      assert.throws(() => planOverrides(deviceOf({ state }), off('16')), fault('retryable'));
      assert.equal(planOverrides(deviceOf({ state }), on('16')), undefined);
    }
    assert.throws(() => planOverrides(deviceOf({ state: 0, port_table: [] }), off('16')), fault('retryable'));
  });

  test('a port that cannot feed is refused for good', () => {
    for (const port of ['17', '1', '016', 'x'])
      assert.throws(() => planOverrides(deviceOf(), off(port)), fault('fatal'));
  });
});
