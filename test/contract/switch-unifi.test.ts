import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import { sample } from '../lab/switches/sample.ts';
import { faultOf, never } from './switch-expect.ts';
import { makeUnifiBench } from './switch-http-benches.ts';
import { partsFor } from './switch-parts.ts';
import { switchSuite } from './switch-suite.ts';

switchSuite('unifi, UniFi OS', (t) => makeUnifiBench(t, 'unifi-os'));

const on = (port: string) => new Map([[port, 'on' as const]]);
const json = (status: number, heading: string) => ({ status, body: JSON.stringify(sample('unifi', heading)) });

describe('a UniFi controller', () => {
  for (const how of ['application', 'api-key'] as const) {
    test(`switches, reads back and surveys (${how})`, async (t) => {
      const { device, far, gives } = await makeUnifiBench(t, how);
      await device.set(on('2'), never);
      assert.equal(await gives('2'), 'on');
      assert.equal((await device.query?.(['2'], never))?.get('2'), 'on');
      const survey = await device.survey?.(never);
      assert.deepEqual(survey?.ports.find(({ port }) => port === '3')?.macs, ['dc:a6:32:01:36:c2']);
      assert.equal(survey?.budget?.limitMilliwatts, 150_000);
      assert.deepEqual(
        far.requests.filter(({ path }) => path.endsWith('/login')).map(({ path }) => path),
        how === 'application' ? ['/api/login'] : [],
      );
    });
  }

  test('a key that is not known is final, and is not tried again', async (t) => {
    const bench = await makeUnifiBench(t, 'api-key');
    const device = bench.open('wrong', []);
    t.after(() => device.close?.());
    assert.equal((await faultOf(bench, device.set(on('2'), never))).severity, 'fatal');
    assert.equal(bench.far.requests.length, 1);
  });

  test('what others set on ports stays, also on the port that is switched', async (t) => {
    const { device, far } = await makeUnifiBench(t);
    const before = structuredClone(far.overrides);
    await device.set(on('2'), never);
    assert.deepEqual(
      far.overrides,
      before.map((override) => (override.port_idx === 2 ? { ...override, poe_mode: 'auto' } : override)),
    );
  });

  test('several ports are one write, and nothing is written when they are as wished', async (t) => {
    const { device, far } = await makeUnifiBench(t);
    const writes = () => far.requests.filter(({ method }) => method === 'PUT').length;
    const wish = new Map([
      ['2', 'on' as const],
      ['5', 'on' as const],
      ['4', 'on' as const],
    ]);
    await device.set(wish, never);
    assert.equal(writes(), 1);
    await device.set(wish, never);
    assert.equal(writes(), 1);
  });

  test('the token against forged requests is sent back as it was last told', async (t) => {
    const { device, far } = await makeUnifiBench(t);
    await device.set(on('2'), never);
    await device.set(new Map([['2', 'off']]), never);
    const sent = far.requests.filter(({ method }) => method === 'PUT').map(({ headers }) => headers['x-csrf-token']);
    assert.deepEqual(sent, ['csrf1', 'csrf2']);
    assert.equal(far.requests.filter(({ path }) => path.endsWith('/login')).length, 1);
  });

  test('the token may be told by the session cookie alone, and a new cookie takes the place of the old', async (t) => {
    const { device, far, gives } = await makeUnifiBench(t);
    far.tokenIn = 'cookie';
    for (const power of ['on', 'off', 'on'] as const) {
      await device.set(new Map([['2', power]]), never);
      assert.equal(await gives('2'), power);
    }
    const sent = far.requests.filter(({ method }) => method === 'PUT').map(({ headers }) => headers['x-csrf-token']);
    assert.deepEqual(sent, ['csrf1', 'csrf2', 'csrf3']);
    assert.equal(far.requests.filter(({ path }) => path.endsWith('/login')).length, 1);
  });

  for (const lost of ['forget', 'forgetTokens'] as const) {
    test(`a session that is lost between reading and writing costs one login, and one change (${lost})`, async (t) => {
      const { device, far, gives, changes } = await makeUnifiBench(t);
      await device.query?.(['2'], never);
      far.beforeWrite = () => far[lost]();
      await device.set(on('2'), never);
      assert.equal(await gives('2'), 'on');
      assert.deepEqual(await changes(), ['on 2']);
      const asked = far.requests.slice(3).map(({ method, path }) => `${method} ${path.split('/').at(-1)}`);
      const [write, ...rest] = ['PUT 235678987654345678', 'GET ', 'POST login', 'PUT 235678987654345678'];
      assert.deepEqual(asked, [`GET ${far.mac}`, write, ...rest]);
    });
  }

  test('a session that was forgotten costs one login, and a controller that forgets at once no more', async (t) => {
    const bench = await makeUnifiBench(t);
    const { device, far } = bench;
    const logins = () => far.requests.filter(({ path }) => path.endsWith('/login')).length;
    await device.query?.(['2'], never);
    far.forget();
    await device.query?.(['2'], never);
    assert.equal(logins(), 2);
    far.refusal = json(401, 'session expired');
    assert.equal((await faultOf(bench, device.set(on('2'), never))).severity, 'fatal');
    assert.equal(logins(), 3);
    const another = bench.open('right', []);
    t.after(() => another.close?.());
    assert.equal((await faultOf(bench, another.set(on('2'), never))).severity, 'fatal');
    assert.equal(logins(), 4, 'a session that was opened a moment ago is not opened again');
  });

  test('a login that was refused is told again, and not tried again for a while, which grows', async (t) => {
    const bench = await makeUnifiBench(t);
    const { far } = bench;
    let now = 0;
    const clock = { ...systemClock, monotonic: () => now };
    const device = bench.kind.open(bench.settings, { ...partsFor([]), clock });
    t.after(() => device.close?.());
    const logins = () => far.requests.filter(({ path }) => path.endsWith('/login')).length;
    far.loginRefusal = json(429, 'too many logins');
    for (const [count, minutes] of [1, 5, 10, 20, 20].entries()) {
      const first = await faultOf(bench, device.set(on('2'), never));
      assert.equal(first.severity, 'retryable');
      assert.match(first.message, /429: AUTHENTICATION_FAILED_LIMIT_REACHED$/);
      now += minutes * 60_000 - 1;
      const again = await faultOf(bench, device.query?.(['2'], never) ?? assert.fail());
      assert.equal(again.message, `${first.message}; not tried again for 1 min`);
      assert.deepEqual([again.severity, logins()], ['retryable', count + 1]);
      now += 1;
    }
    far.loginRefusal = undefined;
    await device.set(on('2'), never);
    far.forget();
    far.loginRefusal = json(429, 'too many logins');
    await faultOf(bench, device.set(on('5'), never));
    now += 60_000;
    far.loginRefusal = undefined;
    await device.set(on('5'), never);
  });

  test('a password that is wrong is tried once, however often it is asked for', async (t) => {
    const bench = await makeUnifiBench(t);
    const device = bench.open('wrong', []);
    t.after(() => device.close?.());
    for (let i = 0; i < 6; i++) {
      const fault = await faultOf(bench, device.set(on('2'), never));
      assert.equal(fault.severity, 'fatal');
      assert.match(fault.message, /403: AUTHENTICATION_FAILED/);
    }
    assert.equal(bench.far.requests.filter(({ path }) => path.endsWith('/login')).length, 1);
  });

  test('a controller that is not well refuses nobody: its login is tried again', async (t) => {
    const bench = await makeUnifiBench(t);
    bench.far.loginRefusal = { status: 502 };
    assert.equal((await faultOf(bench, bench.device.set(on('2'), never))).severity, 'retryable');
    bench.far.loginRefusal = undefined;
    await bench.device.set(on('2'), never);
  });

  test('a second factor is a final fault, which says what to use', async (t) => {
    const bench = await makeUnifiBench(t);
    bench.far.loginRefusal = { status: 499, body: '{"code":"MFA_AUTH_REQUIRED"}' };
    const fault = await faultOf(bench, bench.device.set(on('2'), never));
    assert.equal(fault.severity, 'fatal');
    assert.match(fault.message, /second factor/);
  });

  test('a login that may only look is refused for good', async (t) => {
    const bench = await makeUnifiBench(t);
    bench.far.refusal = { status: 403, body: '{"meta":{"rc":"error","msg":"api.err.NoPermission"},"data":[]}' };
    const fault = await faultOf(bench, bench.device.set(on('2'), never));
    assert.equal(fault.severity, 'fatal');
    assert.match(fault.message, /NoPermission/);
  });

  test('a switch that takes up a change takes another, and tells nothing meanwhile', async (t) => {
    const { device, far, gives } = await makeUnifiBench(t);
    await device.set(on('2'), never);
    far.state = 5;
    await device.set(on('5'), never);
    assert.deepEqual([await gives('2'), await gives('5')], ['on', 'on']);
    assert.equal((await device.query?.(['1'], never))?.get('1'), 'unknown');
  });

  test('a switch that is not connected is for later, and is not written to', async (t) => {
    const bench = await makeUnifiBench(t);
    bench.far.state = 0;
    const fault = await faultOf(bench, bench.device.set(on('2'), never));
    assert.equal(fault.severity, 'retryable');
    assert.match(fault.message, /disconnected/);
    assert.deepEqual(await bench.changes(), []);
  });

  test('a site without that switch is a final fault', async (t) => {
    const bench = await makeUnifiBench(t);
    bench.far.refusal = { status: 200, body: '{"meta":{"rc":"ok"},"data":[]}' };
    const fault = await faultOf(bench, bench.device.set(on('2'), never));
    assert.equal(fault.severity, 'fatal');
    assert.match(fault.message, /no device/);
  });

  test('it is known by a login or by a key, not by both and not by half of one', async (t) => {
    const { kind, settings } = await makeUnifiBench(t);
    const { username, password, ...where } = settings;
    const apiKey = 'key';
    for (const login of [{ username, password }, { apiKey }]) {
      assert.ok(kind.settings.safeParse({ ...where, ...login }).success);
    }
    for (const login of [{}, { username }, { password }, { username, password, apiKey }, { username, apiKey }]) {
      assert.ok(!kind.settings.safeParse({ ...where, ...login }).success);
    }
  });
});
