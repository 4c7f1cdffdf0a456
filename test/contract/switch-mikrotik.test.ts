import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { faultOf, never } from './switch-expect.ts';
import { makeMikrotikBench } from './switch-http-benches.ts';
import { switchSuite } from './switch-suite.ts';

switchSuite('mikrotik', makeMikrotikBench, { leavesOut: ['several ports', 'lags'] });

describe('a switch with RouterOS', () => {
  test('a port that feeds without detection stays so when it is switched on', async (t) => {
    const { device, far } = await makeMikrotikBench(t);
    for (const mode of ['forced-on', 'forced-on-a', 'forced-on-bt']) {
      far.poeOut.set('ether3', mode);
      await device.set(new Map([['ether3', 'on']]), never);
      assert.equal(far.poeOut.get('ether3'), mode);
    }
    assert.deepEqual(far.changes, []);
  });

  test('a survey measures all ports at once, and ends', async (t) => {
    const { device, far } = await makeMikrotikBench(t);
    far.poeOut.set('ether9, spare', 'off');
    const { ports = [] } = (await device.survey?.(never)) ?? {};
    const bodies = far.requests.filter(({ path }) => path.endsWith('/monitor')).map(({ body }) => JSON.parse(body));
    assert.deepEqual(bodies, [{ numbers: 'ether1,ether2,ether3,ether4,ether5,ether6,ether7,ether8,*9', once: 'true' }]);
    assert.deepEqual(ports[0], {
      port: 'ether1',
      label: 'defconf',
      power: 'on',
      delivers: true,
      milliwatts: 7200,
      link: true,
      macs: ['bc:c7:46:9c:fc:e4'],
    });
    assert.equal(ports.find(({ port }) => port === 'ether3')?.delivers, false);
  });

  test('a model that feeds nothing is refused for good, in its own words', async (t) => {
    const bench = await makeMikrotikBench(t);
    bench.far.hasPoe = false;
    const fault = await faultOf(bench, bench.device.survey?.(never) ?? assert.fail());
    assert.equal(fault.severity, 'fatal');
    assert.match(fault.message, /no such command/);
  });

  test('a name with a colon cannot be sent, and is no setting', async (t) => {
    const { kind, settings } = await makeMikrotikBench(t);
    assert.ok(!kind.settings.safeParse({ ...settings, username: 'a:b' }).success);
    assert.ok(!kind.settings.safeParse({ ...settings, url: 'http://127.0.0.1' }).success);
  });
});
