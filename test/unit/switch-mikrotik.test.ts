import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  feeding,
  Hosts,
  Interfaces,
  Monitor,
  Ports,
  powerOf,
  Resource,
  readSurvey,
  type Tables,
} from '../../server/power/switches/mikrotik-tables.ts';
import { sample } from '../lab/switches/sample.ts';

const TABLES: Tables = {
  resource: Resource.parse(sample('mikrotik', 'resource')),
  ports: Ports.parse(sample('mikrotik', 'ports')),
  monitor: Monitor.parse(sample('mikrotik', 'monitor')),
  interfaces: Interfaces.parse(sample('mikrotik', 'interfaces')),
  hosts: Hosts.parse(sample('mikrotik', 'hosts')),
};

describe('what RouterOS tells', () => {
  test('published tables are read together, without the addresses of the bridge itself', () => {
    assert.deepEqual(readSurvey(TABLES), {
      description: 'MikroTik CCR1016-12S-1S+ RouterOS 7.1beta4 (development)',
      ports: [
        {
          port: 'ether1',
          label: 'defconf',
          power: 'on',
          delivers: true,
          milliwatts: 7200,
          link: true,
          macs: ['bc:c7:46:9c:fc:e4'],
        },
        { port: 'ether2', power: 'off', delivers: false, link: false, macs: [] },
      ],
    });
  });

  test('the board is an object by itself in later versions', () => {
    assert.deepEqual(Resource.parse(sample('mikrotik', 'resource of 7.20.5')), {
      'board-name': 'hAP ax^2',
      version: '7.20.5 (stable)',
    });
  });

  test('what the API measured and learned is read as well: it has the same members', () => {
    const monitor = Monitor.parse(sample('mikrotik', 'measured over the API'));
    const hosts = Hosts.parse(sample('mikrotik', 'hosts over the API'));
    const ports = Ports.parse([{ '.id': '*5', name: 'ether5', 'poe-out': 'forced-on' }, ...TABLES.ports]);
    const [fed, first] = readSurvey({ ...TABLES, ports, monitor, hosts }).ports;
    assert.deepEqual(fed, { port: 'ether5', power: 'on', delivers: true, milliwatts: 4000, macs: [] });
    assert.deepEqual(first?.macs, ['3c:22:fb:12:34:56']);
  });

  test('what a model does not measure is left out, not zero', () => {
    const monitor = [{ name: 'ether1', 'poe-out-status': 'powered-on' }];
    const [port] = readSurvey({ ...TABLES, monitor, interfaces: [], hosts: [] }).ports;
    assert.deepEqual(port, { port: 'ether1', power: 'on', delivers: true, macs: [] });
  });

  test('forced-on is on, on whichever pairs, and a word that nobody knows is no state', () => {
    const powers = ['off', 'auto-on', 'forced-on', 'forced-on-a', 'forced-on-bt', 'soon'].map((word) =>
      powerOf({ '.id': '*1', name: 'ether1', 'poe-out': word }),
    );
    assert.deepEqual(powers, ['off', 'on', 'on', 'on', 'on', 'unknown']);
    assert.deepEqual(
      feeding(TABLES.ports).map(({ name }) => name),
      ['ether1', 'ether2'],
    );
  });
});
