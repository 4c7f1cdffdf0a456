import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { PowerFault } from '../../server/power/driver.ts';
import {
  createHttpClient,
  HttpAddress,
  type HttpClient,
  HttpsAddress,
  type HttpTarget,
  statusFault,
  TRUST,
} from '../../server/power/switches/http-client.ts';
import { milliwatts, stations } from '../../server/power/switches/readings.ts';
import { never, openSockets, socketsFall, soon } from '../contract/switch-expect.ts';
import { makeTrust, type Trust } from '../lab/switches/trust.ts';
import { startWebDevice, type WebDevice } from '../lab/switches/web-device.ts';

const GET = { method: 'GET', path: '/' } as const;

/** A device that says hello, with a certificate of its own. */
async function helloDevice(t: TestContext): Promise<WebDevice & { readonly trust: Trust }> {
  const trust = makeTrust();
  const device = await startWebDevice(() => ({ status: 200, body: 'hello' }), trust);
  t.after(() => device.close());
  return { ...device, trust };
}

function clientOf(t: TestContext, target: HttpTarget): HttpClient {
  const client = createHttpClient(target);
  t.after(() => client.close());
  return client;
}

async function faultOf(asking: Promise<unknown>): Promise<PowerFault> {
  const error = await asking.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PowerFault, String(error));
  return error;
}

describe('the web client of switches', () => {
  test('takes a certificate by its fingerprint, in either spelling, or by itself', async (t) => {
    const { url, trust } = await helloDevice(t);
    const bare = trust.certificateSha256.replaceAll(':', '').toLowerCase();
    const targets = [
      { certificateSha256: trust.certificateSha256 },
      { certificateSha256: bare },
      { caPem: trust.cert },
    ];
    for (const how of targets) {
      const { status, text } = await clientOf(t, { url, ...how }).ask(GET, never);
      assert.deepEqual([status, text], [200, 'hello']);
    }
  });

  test('writes nothing to a device whose certificate changed, and says which it showed', async (t) => {
    const { url, trust, requests } = await helloDevice(t);
    const pinned = clientOf(t, { url, certificateSha256: makeTrust().certificateSha256 });
    const fault = await faultOf(pinned.ask({ ...GET, headers: { authorization: 'Basic c2VjcmV0' } }, never));
    assert.equal(fault.severity, 'fatal');
    assert.match(fault.message, new RegExp(trust.certificateSha256.replaceAll(':', '').toLowerCase()));
    assert.equal(requests.length, 0);
  });

  test('trusts nobody on its own word, and says what to set', async (t) => {
    const { url, requests } = await helloDevice(t);
    for (const target of [{ url }, { url, caPem: makeTrust().cert }]) {
      const fault = await faultOf(clientOf(t, target).ask(GET, never));
      assert.equal(fault.severity, 'fatal');
      assert.match(fault.message, /certificateSha256/);
    }
    assert.equal(requests.length, 0);
  });

  for (const how of ['certificateSha256', 'caPem'] as const) {
    test(`asks again over the connection that it has, and closes it at the end (${how})`, async (t) => {
      const trust = makeTrust();
      const before = openSockets();
      const server: Server = createServer(trust, (_, response) => response.end('hello'));
      let connections = 0;
      server.on('secureConnection', () => connections++);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      t.after(() => server.close());
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const trusted = how === 'caPem' ? { caPem: trust.cert } : { certificateSha256: trust.certificateSha256 };
      const client = clientOf(t, { url, ...trusted });
      for (let i = 0; i < 3; i++) await client.ask(GET, never);
      assert.equal(connections, 1);
      // The device closes it, as one that restarts does.
      server.closeAllConnections();
      assert.equal((await client.ask(GET, never)).text, 'hello');
      client.close();
      await socketsFall(before, 'closed');
    });
  }

  test('a handshake that is aborted, or that close ends, leaves no socket', async (t) => {
    const before = openSockets();
    const mute = createTcpServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    t.after(() => mute.close());
    const url = `https://127.0.0.1:${(mute.address() as AddressInfo).port}`;
    const client = clientOf(t, { url, certificateSha256: '0'.repeat(64) });
    const connected = () => new Promise((resolve) => mute.once('connection', resolve));
    const abort = new AbortController();
    const reason = new Error('enough');
    const first = connected();
    const aborted = client.ask(GET, abort.signal);
    aborted.catch(() => undefined);
    await first;
    abort.abort(reason);
    await assert.rejects(soon(aborted, 'the aborted call'), (error) => error === reason);
    const second = connected();
    const closed = client.ask(GET, never);
    closed.catch(() => undefined);
    await second;
    client.close();
    assert.equal((await faultOf(soon(closed, 'the closed call'))).severity, 'retryable');
    await socketsFall(before, 'closed');
  });

  test('goes nowhere else, whatever it is told', async (t) => {
    const elsewhere = await helloDevice(t);
    const trust = makeTrust();
    const device = await startWebDevice(() => ({ status: 307, headers: { location: elsewhere.url } }), trust);
    t.after(() => device.close());
    const answer = await clientOf(t, { url: device.url, caPem: trust.cert }).ask(GET, never);
    assert.equal(answer.status, 307);
    assert.equal(elsewhere.requests.length, 0);
  });

  test('reads no answer without end', async (t) => {
    const trust = makeTrust();
    const device = await startWebDevice(() => ({ status: 200, body: 'x'.repeat(16 * 1024 * 1024 + 1) }), trust);
    t.after(() => device.close());
    const fault = await faultOf(clientOf(t, { url: device.url, caPem: trust.cert }).ask(GET, never));
    assert.match(fault.message, /more than/);
  });

  test('later may help with what a busy or broken device says, and with nothing else', () => {
    const severities = [301, 400, 401, 403, 404, 408, 429, 500, 503].map((status) => statusFault('x', status).severity);
    const [final, passes] = ['fatal', 'retryable'];
    assert.deepEqual(severities, [final, final, final, final, final, passes, passes, passes, passes]);
  });

  test('what vouches for a device are certificates that can be read, and no key', () => {
    const { cert, key } = makeTrust();
    for (const pem of [cert, `${cert}\n${cert}`]) assert.ok(TRUST.caPem.safeParse(pem).success);
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    for (const pem of ['', 'pem', key, cert + key, broken]) assert.ok(!TRUST.caPem.safeParse(pem).success, pem);
  });

  test('an address is a scheme, a host and a port', () => {
    for (const url of ['https://192.0.2.1', 'https://unifi.example:8443', 'https://[2001:db8::1]:443/']) {
      assert.ok(HttpsAddress.safeParse(url).success, url);
    }
    const wrong = [
      'http://192.0.2.1',
      'https://u:p@192.0.2.1',
      'https://192.0.2.1/rest',
      'https://192.0.2.1/?a',
      'switch',
      '',
    ];
    for (const url of wrong) assert.ok(!HttpsAddress.safeParse(url).success, url);
    assert.ok(HttpAddress.safeParse('http://192.0.2.1').success);
    assert.ok(!HttpAddress.safeParse('ftp://192.0.2.1').success);
    assert.ok(!TRUST.certificateSha256.safeParse('AB:CD').success);
  });
});

test('a reading has each station once, at most 64 of them, and no other words', () => {
  assert.deepEqual(stations(['DC:A6:32:01:36:C2', 'dc:a6:32:01:36:c2', 'incomplete', '']), ['dc:a6:32:01:36:c2']);
  const many = Array.from({ length: 100 }, (_, i) => `02:00:00:00:00:${i.toString(16).padStart(2, '0')}`);
  assert.equal(stations(many).length, 64);
});

test('watts are read as numbers and as text, and nothing else is a figure', () => {
  const read = [2.52, '2.52', '24.3W', '0.00', 'n/a', '-1', -1, '', undefined].map(milliwatts);
  assert.deepEqual(read, [2520, 2520, 24300, 0, undefined, undefined, undefined, undefined, undefined]);
});
