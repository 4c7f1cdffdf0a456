import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { converse } from '../../server/power/switches/snmp/conversation.ts';
import { SnmpSettings } from '../../server/power/switches/snmp/settings.ts';
import { snmpPoe } from '../../server/power/switches/snmp-poe.ts';
import { type SnmpSwitchOptions, startSnmpSwitch } from '../lab/switches/snmp-switch.ts';
import { never } from './switch-expect.ts';
import { partsFor } from './switch-parts.ts';

const READS = 'reads-secret/89';

async function started(t: TestContext, options: SnmpSwitchOptions, settings: object = {}) {
  const communities = [
    { name: 'private', mayWrite: true },
    { name: READS, mayWrite: false },
  ];
  const device = await startSnmpSwitch({ communities, ...options });
  t.after(() => device.close());
  const logged: string[] = [];
  const reached = { host: '127.0.0.1', port: device.port, version: '2c', community: 'private', ...settings };
  return { device, driver: snmpPoe.open(reached, partsFor(logged)), reached, logged };
}

test('a survey tells power, links, names, stations and budget of a stack', async (t) => {
  for (const stations of ['q-bridge', 'bridge'] as const) {
    const { device, driver } = await started(t, { groups: 2, portsOfGroup: 2, budget: 10, mib: { stations } });
    device.box.plug('1.1', 4);
    device.box.plug('2.2', 6);
    device.box.describe('1.1', { alias: 'oven\u001b 3', macs: ['b8:27:eb:00:00:02', 'b8:27:eb:00:00:01'] });
    device.box.describe('2.1', { isUp: true, macs: ['dc:a6:32:00:00:01'] });
    await driver.set(
      new Map([
        ['1.1', 'on'],
        ['2.2', 'on'],
        ['1.2', 'on'],
      ]),
      never,
    );
    assert.deepEqual(await driver.survey?.(never), {
      description: 'Bakery lab switch, 802.3at',
      budget: { limitMilliwatts: 20_000, usedMilliwatts: 10_000 },
      ports: [
        {
          port: '1.1',
          power: 'on',
          delivers: true,
          label: '1/0/1 (oven  3)',
          link: true,
          macs: ['b8:27:eb:00:00:01', 'b8:27:eb:00:00:02'],
        },
        { port: '1.2', power: 'on', delivers: false, label: '1/0/2', link: false, macs: [] },
        { port: '2.1', power: 'off', delivers: false, label: '2/0/1', link: true, macs: ['dc:a6:32:00:00:01'] },
        { port: '2.2', power: 'on', delivers: true, label: '2/0/2', link: true, macs: [] },
      ],
    });
  }
});

test('a port that is on and gets no power, because there is none left, is told as it is', async (t) => {
  const { device, driver } = await started(t, { portsOfGroup: 2, budget: 10 });
  for (const port of ['1.1', '1.2']) device.box.plug(port, 7);
  await driver.set(
    new Map([
      ['1.1', 'on'],
      ['1.2', 'on'],
    ]),
    never,
  );
  const told = async () => (await driver.survey?.(never))?.ports.map(({ power, delivers }) => [power, delivers]);
  assert.deepEqual(await told(), [
    ['on', true],
    ['on', false],
  ]);
  await driver.set(new Map([['1.1', 'off']]), never);
  assert.deepEqual(await told(), [
    ['off', false],
    ['on', true],
  ]);
});

test('no link and no addresses are told where no interface can be told from the others', async (t) => {
  const interfaceName = () => 'port';
  const { driver, logged } = await started(t, { portsOfGroup: 2, mib: { interfaceName } }, { interfaces: 'name' });
  assert.deepEqual((await driver.survey?.(never))?.ports, [
    { port: '1.1', power: 'off', delivers: false },
    { port: '1.2', power: 'off', delivers: false },
  ]);
  assert.match(logged.join('\n'), /no rule finds the interfaces/);
});

test('a switch without PoE ports is told as such', async (t) => {
  const { driver } = await started(t, { groups: 0 });
  const failed = { severity: 'fatal', message: /tells of no PoE port/ };
  await assert.rejects(driver.survey?.(never) ?? assert.fail(), failed);
});

test('who may only read can survey, and is told why nothing is switched', async (t) => {
  const { device, driver } = await started(t, {}, { community: READS });
  assert.equal((await driver.survey?.(never))?.ports.length, 8);
  const failed = { severity: 'fatal', message: /noAccess: it may be read and not written to/ };
  await assert.rejects(driver.set(new Map([['1.1', 'on']]), never), failed);
  assert.deepEqual(device.changes, []);
});

test('many ports are switched sixteen to a message, of which each is done whole or not at all', async (t) => {
  const { device, driver } = await started(t, { portsOfGroup: 24 });
  const ports = Array.from({ length: 20 }, (_, at) => `1.${at + 1}`);
  const all = (power: 'on' | 'off') => new Map(ports.map((port) => [port, power]));
  await driver.set(all('on'), never);
  assert.equal(device.asked, 2);
  assert.deepEqual(
    device.changes,
    ports.map((port) => `on ${port}`),
  );
  assert.equal((await driver.query?.(ports, never))?.size, 20);
  assert.equal(device.asked, 4);
  // The seventeenth is not there: the sixteen of the first message are off, and no other.
  const wrong = new Map([...[...all('off')].slice(0, 16), ['1.25', 'off'] as const, ...[...all('off')].slice(16)]);
  await assert.rejects(driver.set(wrong, never), { severity: 'fatal' });
  assert.deepEqual(
    device.changes.slice(20),
    ports.slice(0, 16).map((port) => `off ${port}`),
  );
  // A name that is none is seen before anything is asked.
  await assert.rejects(
    driver.set(
      new Map([
        ['1.1', 'on'],
        ['2', 'on'],
      ]),
      never,
    ),
    { severity: 'fatal' },
  );
  assert.equal(device.asked, 6);
});

test('of ports that are asked for, those that are not there are left out', async (t) => {
  const { driver } = await started(t, {});
  assert.deepEqual(await driver.query?.(['1.1', '1.9'], never), new Map([['1.1', 'off']]));
  await assert.rejects(driver.query?.(['1.9'], never) ?? assert.fail(), { severity: 'fatal' });
});

test('a table is read no further than its limit', async (t) => {
  const { device, reached } = await started(t, { portsOfGroup: 24 });
  const settings = SnmpSettings.parse(reached);
  const table = await converse(settings, never, (conversation) => conversation.walk(['1.3.6.1.2.1.105.1.1.1.3'], 5));
  assert.deepEqual([...table.rows.keys()], ['1.1', '1.2', '1.3', '1.4', '1.5']);
  assert.equal(table.isWhole, false);
  assert.equal(device.asked, 1);
});
