import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { z } from 'zod';
import { PowerFault } from '../../server/power/driver.ts';
import { createWebClient, parseAnswer } from '../../server/power/switches/web-client.ts';
import { requireTools } from '../lab/sh.ts';
import { startWebDevice, type WebAnswer } from '../lab/switches/web-device.ts';
import { makeCertificate } from '../lab/tls-client.ts';

const never = new AbortController().signal;
const ask = { method: 'GET', path: '/ports/1' };

async function deviceWith(t: TestContext, answer: (path: string) => WebAnswer, tls?: { cert: string; key: string }) {
  const device = await startWebDevice(({ path }) => answer(path), tls);
  t.after(() => device.close());
  return device;
}

async function faultOf(call: Promise<unknown>): Promise<PowerFault> {
  const error = await call.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PowerFault, String(error));
  return error;
}

describe('the client of devices over HTTP', () => {
  test('asks below the path of its base, with what it is given', async (t) => {
    const device = await deviceWith(t, () => ({ status: 201, body: 'ä' }));
    const client = createWebClient({ base: `${device.url}/api/v2/` });
    const headers = { 'x-a': '1' };
    assert.equal(await client.ask({ method: 'PUT', path: '/p?q=1', headers, body: 'ö' }, never), 'ä');
    const [seen] = device.requests;
    assert.deepEqual([seen?.method, seen?.path, seen?.body], ['PUT', '/api/v2/p?q=1', 'ö']);
    assert.deepEqual(
      [seen?.headers['x-a'], seen?.headers['content-length'], seen?.headers.host, seen?.headers.connection],
      ['1', '2', new URL(device.url).host, 'close'],
    );
  });

  test('tells apart what may work in a moment, and follows nothing', async (t) => {
    const device = await deviceWith(t, (path) => ({ status: Number(path.slice(1)), headers: { location: '/200' } }));
    const client = createWebClient({ base: device.url });
    const severities: Record<PowerFault['severity'], number[]> = {
      retryable: [408, 425, 429, 500, 502, 503, 504],
      fatal: [301, 302, 307, 304, 400, 401, 403, 404, 405, 409, 422],
    };
    for (const [severity, statuses] of Object.entries(severities)) {
      for (const status of statuses) {
        const fault = await faultOf(client.ask({ method: 'GET', path: `/${status}` }, never));
        assert.equal(fault.severity, severity, fault.message);
        assert.match(fault.message, new RegExp(`^GET /${status} at 127\\.0\\.0\\.1:\\d+ answered ${status}$`));
      }
    }
    assert.ok(!device.requests.some(({ path }) => path === '/200'));
  });

  test('reads no more than it must', async (t) => {
    const device = await deviceWith(t, () => ({ status: 200, body: 'x'.repeat(1024 * 1024 + 1) }));
    const fault = await faultOf(createWebClient({ base: device.url }).ask(ask, never));
    assert.equal(fault.severity, 'fatal');
    assert.match(fault.message, /GET \/ports\/1 at .*: its answer has more than 1048576 bytes/);
  });

  test('says what a device answers, on one line and not all of it, and strikes out every spelling of a secret', async (t) => {
    const secret = 'p"ss wörd/1';
    const told = [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret),
      Buffer.from(secret).toString('base64'),
      Buffer.from(`admin:${secret}`).toString('base64').replace(/=+$/, ''),
    ];
    const body = `bad key:\n\u001b[31m${told.join(' ')}${'.'.repeat(500)}`;
    const device = await deviceWith(t, () => ({ status: 400, body }));
    const secrets = [secret, `admin:${secret}`, undefined, ''];
    const { message } = await faultOf(createWebClient({ base: device.url, secrets }).ask(ask, never));
    assert.match(message, /answered 400: bad key: \[31m\*{3} \*{3} "\*{3}" \*{3} \*{3}\.+$/);
    assert.ok(message.length < 300);
  });

  test('trusts the certificates that it is given and no other', async (t) => {
    requireTools('openssl');
    const folder = mkdtempSync(join(tmpdir(), 'bakery-web-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const [own, other] = ['own', 'other'].map((name) => {
      const { cert, key } = makeCertificate(folder, name);
      return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    });
    assert.ok(own && other);
    const { url, requests } = await deviceWith(t, () => ({ status: 200, body: 'ok' }), own);
    assert.equal(await createWebClient({ base: url, caPem: own.cert }).ask(ask, never), 'ok');
    for (const caPem of [other.cert, undefined]) {
      const fault = await faultOf(createWebClient({ base: url, caPem }).ask(ask, never));
      assert.equal(fault.severity, 'fatal');
      assert.match(fault.message, /its certificate is not trusted \(\w+\)/);
    }
    assert.equal(requests.length, 1, 'nothing was sent to whom it did not trust');
  });
});

test('an answer that is not in shape may be in a moment', async () => {
  const shape = z.array(z.object({ on: z.boolean() }));
  assert.deepEqual(parseAnswer(shape, '[{"on": true}]'), [{ on: true }]);
  for (const answer of ['', '<html>', '{}', '[{"on": 1}]']) {
    assert.throws(
      () => parseAnswer(shape, answer),
      (error) => error instanceof PowerFault && error.severity === 'retryable',
    );
  }
});
