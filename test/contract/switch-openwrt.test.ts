import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openwrtUbus } from '../../server/power/switches/openwrt-ubus.ts';
import { makeTrust } from '../lab/switches/trust.ts';
import { UbusSwitch } from '../lab/switches/ubus-switch.ts';
import { faultOf, never } from './switch-expect.ts';
import { makeOpenwrtBench } from './switch-http-benches.ts';
import { partsFor } from './switch-parts.ts';
import { switchSuite } from './switch-suite.ts';

switchSuite('openwrt-ubus', makeOpenwrtBench, { leavesOut: ['several ports'] });

const off = new Map([['lan1', 'off' as const]]);

describe('a switch with OpenWrt', () => {
  test('a command that is told as a parse error and was carried out is a success', async (t) => {
    const { device, far, changes } = await makeOpenwrtBench(t);
    await device.set(off, never);
    await device.set(off, never);
    assert.equal(far.gives('lan1'), 'off');
    assert.deepEqual(await changes(), ['off lan1', 'off lan1']);
  });

  test('ports of which it knows nothing are unknown, and switched all the same', async (t) => {
    const { device, far } = await makeOpenwrtBench(t);
    far.isUnknown = true;
    assert.equal((await device.query?.(['lan1'], never))?.get('lan1'), 'unknown');
    await device.set(off, never);
    assert.equal(far.gives('lan1'), 'off');
  });

  test('a session is used as long as it lives; a right that is missing costs one login', async (t) => {
    const bench = await makeOpenwrtBench(t);
    const { device, far } = bench;
    await device.set(off, never);
    await device.query?.(['lan1'], never);
    assert.equal(far.logins, 1);
    far.rights.delete('manage');
    const fault = await faultOf(bench, device.set(off, never));
    assert.equal(fault.severity, 'fatal');
    assert.match(fault.message, /access denied/);
    assert.equal(far.logins, 2);
  });

  test('without realtek-poe it may be that it is about to start', async (t) => {
    const bench = await makeOpenwrtBench(t);
    bench.far.hasPoe = false;
    const fault = await faultOf(bench, bench.device.survey?.(never) ?? assert.fail());
    assert.equal(fault.severity, 'retryable');
    assert.match(fault.message, /realtek-poe/);
  });

  test('a port that its configuration does not enable is refused for good', async (t) => {
    const bench = await makeOpenwrtBench(t);
    const fault = await faultOf(bench, bench.device.set(new Map([['lan9', 'on']]), never));
    assert.equal(fault.severity, 'fatal');
    assert.match(fault.message, /etc.config.poe/);
  });

  test('it is reached over TLS where it has it', async (t) => {
    const trust = makeTrust();
    const login = { username: 'root', password: 'bread and butter' };
    const far = await new UbusSwitch({ ...login, tls: trust }).start();
    t.after(() => far.close());
    const settings = { url: far.url, ...login, certificateSha256: trust.certificateSha256 };
    const device = openwrtUbus.open(settings, partsFor([]));
    t.after(() => device.close?.());
    await device.set(off, never);
    assert.equal(far.gives('lan1'), 'off');
    const plain = { ...settings, url: far.url.replace('https:', 'http:') };
    assert.ok(!openwrtUbus.settings.safeParse(plain).success, 'a certificate where none will be shown');
  });
});
