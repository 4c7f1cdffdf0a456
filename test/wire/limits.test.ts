import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inOwnNamespace } from '../lab/namespace.ts';
import { API, must, TlsBakery, until } from '../lab/tls-bakery.ts';
import type { TlsAnswer } from '../lab/tls-client.ts';

const PANEL = 'https://panel.example';

inOwnNamespace(import.meta.url, () => {
  let lab: TlsBakery;

  before(async () => {
    lab = new TlsBakery();
    await lab.open({
      BAKERY_HEADER_SECONDS: '1',
      BAKERY_BODY_SECONDS: '1',
      BAKERY_STALL_SECONDS: '1',
      BAKERY_MAX_UPLOAD: '1MiB',
      BAKERY_MAX_CONNECTIONS: '80',
      BAKERY_CORS_ORIGINS: PANEL,
    });
    // Nobody tells the server: the last test but one expects that it has seen it.
    lab.renew('second');
  });
  after(async () => lab?.close());

  test('every answer has the headers of security, whatever it answers', async () => {
    const raw = async (say: string) => (await lab.client.dial({ from: lab.fresh(), say })).closed;
    const asked = async (path: string, token?: string) => {
      const { status, headers } = await lab.client.ask('GET', path, { token, from: lab.fresh() });
      return { path, status, of: (name: string) => String(headers[name] ?? '') };
    };
    const heads = [
      await asked(`${API}/fridge`, lab.bakery.token),
      await asked(`${API}/fridge`),
      await asked('/nothing/there'),
      await asked('/%'),
      await asked(`${API}/oven/${'x'.repeat(400)}`, lab.bakery.token),
      await asked('/healthz'),
      await asked('/metrics', lab.bakery.token),
      await asked('/openapi.json'),
      await asked('/docs/'),
      await asked('/docs/static/swagger-ui.css'),
      ...(await Promise.all(
        ['GARBAGE\r\n\r\n', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`].map(async (say) => {
          const text = await raw(say);
          const of = (name: string) => new RegExp(`^${name}: (.*)\r$`, 'im').exec(text)?.[1] ?? '';
          return { path: say.slice(0, 10), status: Number(text.split(' ')[1]), of };
        }),
      )),
    ];
    assert.deepEqual(
      heads.map(({ status }) => status),
      [200, 401, 404, 400, 414, 200, 200, 200, 200, 200, 400, 413],
    );
    for (const { path, of } of heads) {
      assert.equal(of('x-content-type-options'), 'nosniff', path);
      assert.equal(of('x-frame-options'), 'DENY', path);
      assert.equal(of('referrer-policy'), 'no-referrer', path);
      const isPage = path.startsWith('/docs');
      assert.match(of('content-security-policy'), isPage ? /script-src 'self';/ : /^default-src 'none';/, path);
      assert.match(of('content-security-policy'), /frame-ancestors 'none'/, path);
      assert.ok(!/unsafe-(eval|inline).*script|script-src[^;]*unsafe/.test(of('content-security-policy')), path);
      if (path.startsWith('/')) assert.equal(of('strict-transport-security'), 'max-age=31536000', path);
      assert.equal(of('access-control-allow-origin'), '', path);
    }
    assert.equal(heads[0]?.of('cache-control'), 'no-store');
  });

  test('pages of other sites read nothing and change nothing, unless they are named', async () => {
    const ask = (method: string, origin: string, more: Record<string, string> = {}) => {
      const headers = { origin, ...more };
      return lab.client.ask(method, `${API}/tokens`, {
        token: lab.bakery.token,
        headers,
        body: method === 'POST' ? '{}' : undefined,
      });
    };
    const allowed = ({ headers }: TlsAnswer) => headers['access-control-allow-origin'];
    assert.equal(allowed(await ask('GET', PANEL)), PANEL);
    assert.equal(allowed(await ask('GET', 'https://evil.example')), undefined);
    const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
    const asked = await lab.client.ask('OPTIONS', `${API}/tokens`, { headers: { origin: PANEL, ...preflight } });
    assert.deepEqual([asked.status, allowed(asked)], [200, PANEL]);
    assert.equal(asked.headers['access-control-allow-credentials'], undefined);
    const evil = await lab.client.ask('OPTIONS', `${API}/tokens`, {
      headers: { origin: 'https://evil.example', ...preflight },
    });
    assert.equal(allowed(evil), undefined);
    assert.equal((await ask('POST', 'https://evil.example')).json.code, 'origin-refused');
    assert.equal((await ask('POST', PANEL)).json.code, 'bad-request', 'it was let in');
    const own = new URL(lab.bakery.base).origin;
    assert.equal((await ask('POST', own)).json.code, 'bad-request');
  });

  test('slow clients are ended, each at its limit, and delay nobody', async () => {
    const head = (path: string) =>
      `POST ${API}${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${lab.bakery.token}\r\n`;
    /** Says one letter after the other, until it is over. */
    async function drip(options: { say: string; letter: string }): Promise<string> {
      const { socket, closed } = await lab.client.dial({ from: lab.fresh(), say: options.say });
      const timer = setInterval(() => socket.write(options.letter), 100);
      return closed.finally(() => clearInterval(timer));
    }
    const answered = (text: string) => /"code":"([a-z-]+)"/.exec(text)?.[1] ?? text;
    const slow = [
      ...Array.from({ length: 10 }, () => drip({ say: 'GET / HTTP/1.1\r\nX: ', letter: 'x' })),
      ...Array.from({ length: 10 }, async () => (await lab.client.dial({ from: lab.fresh() })).closed),
      ...Array.from({ length: 10 }, () => drip({ say: `${head('/disks')}Content-Length: 500\r\n\r\n`, letter: ' ' })),
      ...Array.from({ length: 10 }, () =>
        drip({ say: `${head('/whoami').replace('POST', 'GET')}Content-Length: 500\r\n\r\n`, letter: ' ' }),
      ),
    ];
    // It is answered before its time is over, and says nothing more.
    const large = lab.client
      .dial({ from: lab.fresh(), say: `${head('/disks')}Transfer-Encoding: chunked\r\n\r\n` })
      .then(({ socket, closed }) => {
        socket.write(`200000\r\n${' '.repeat(0x200000)}`);
        return closed;
      });
    // The handshake of TLS is never begun.
    const dumb = connect({ host: '127.0.0.1', port: Number(new URL(lab.bakery.base).port), localAddress: lab.fresh() });
    const dumbOver = new Promise<string>((resolve) => {
      dumb.once('close', () => resolve('closed'));
      setTimeout(() => resolve('still open'), 30_000).unref();
    });
    dumb.on('error', () => undefined).resume();
    for (let i = 0; i < 20; i++) await must(200, lab.admin('GET', '/fridge'));
    const ends = (await Promise.all(slow)).map(answered);
    assert.deepEqual(
      [0, 10, 20].map((from) => [...new Set(ends.slice(from, from + 10))]),
      [['headers-too-slow'], ['headers-too-slow'], ['body-too-slow']],
    );
    assert.ok(
      ends.slice(30).every((text) => text.startsWith('HTTP/1.1 200')),
      'answered, and then ended',
    );
    assert.equal(await dumbOver, 'closed');
    assert.equal(answered(await large), 'body-too-large');
  });

  test('an upload that stalls is ended and undone; a slow one is not; a large one is refused', async () => {
    const upload = async (
      name: string,
      say: readonly string[],
      everyMs: number,
      more = 'Transfer-Encoding: chunked',
    ) => {
      const head = `POST ${API}/bakeforms/${name} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${lab.bakery.token}\r\n${more}\r\n\r\n`;
      const { socket, closed } = await lab.client.dial({ from: lab.fresh(), say: head });
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      for (const part of say) {
        socket.write(part);
        await sleep(everyMs);
      }
      await until(async () => answer.includes('"code"'), answer);
      return { code: /"code":"([a-z-]+)"/.exec(answer)?.[1], status: Number(answer.split(' ')[1]), socket, closed };
    };
    const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
    const mib = chunk('x'.repeat(1024 ** 2));
    const [stalled, slow, known, found] = await Promise.all([
      upload('stalled', [chunk('abc')], 0),
      upload('slow', [...Array.from({ length: 6 }, () => chunk('abc')), '0\r\n\r\n'], 300),
      upload('known', [], 0, `Content-Length: ${1024 ** 2 + 1}`),
      upload('found', [mib, chunk('x')], 0),
    ]);
    assert.deepEqual([stalled.status, stalled.code], [408, 'upload-stalled']);
    assert.deepEqual([slow.status, slow.code], [400, 'image-not-an-image']);
    assert.deepEqual([known.status, known.code], [413, 'upload-too-large']);
    assert.deepEqual([found.status, found.code], [413, 'upload-too-large']);
    await stalled.closed;
    for (const { socket } of [slow, known, found]) socket.destroy();
    const { operations } = (await must(200, lab.admin('GET', '/operations'))).json as {
      operations: { state: string; bakeform: string }[];
    };
    assert.deepEqual(operations.map(({ state, bakeform }) => `${bakeform} ${state}`).toSorted(), [
      'found failed',
      'slow failed',
      'stalled failed',
    ]);
    assert.deepEqual((await must(200, lab.admin('GET', '/bakeforms'))).json, {});
  });

  test('there are so many connections and no more, and one address has a quarter of them', async () => {
    const from = lab.fresh();
    const dialed = await Promise.allSettled(Array.from({ length: 25 }, () => lab.client.dial({ from })));
    const open = dialed.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    assert.equal(open.length, 20);
    await must(200, lab.admin('GET', '/fridge'));
    const [first] = open;
    first?.socket.destroy();
    await first?.closed;
    await until(async () => {
      const again = await lab.client.dial({ from }).catch(() => undefined);
      again?.socket.destroy();
      return again !== undefined;
    }, 'a closed one makes room');
    const more = Array.from({ length: 4 }, () => {
      const address = lab.fresh();
      return Array.from({ length: 25 }, () => lab.client.dial({ from: address }));
    });
    const others = (await Promise.allSettled(more.flat())).flatMap((one) =>
      one.status === 'fulfilled' ? [one.value] : [],
    );
    // One of the first address was closed above.
    assert.ok(others.length > 40 && others.length <= 61, `${others.length} more`);
    for (const { socket } of [...open, ...others]) socket.destroy();
    await until(
      async () => (await lab.admin('GET', '/fridge').catch(() => undefined))?.status === 200,
      'there is room again',
    );
  });

  test('a renewed certificate is taken into use: by itself, and at once with SIGHUP; a wrong one is not', async () => {
    await until(async () => (await lab.subject()) === 'second', 'it has looked by itself');
    const before_ = await lab.client.dial({ from: lab.fresh() });
    lab.renew('third');
    process.kill(lab.bakery.pid, 'SIGHUP');
    await until(async () => (await lab.subject()) === 'third', 'SIGHUP');
    before_.socket.write(`GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    assert.match(await before_.closed, /^HTTP\/1\.1 200/, 'connections that are open go on');
    copyFileSync(join(lab.folder, 'second.crt'), lab.files.cert);
    for (let looks = 0; looks < 3; looks++) {
      process.kill(lab.bakery.pid, 'SIGHUP');
      await sleep(100);
    }
    await until(async () => lab.bakery.output().includes('the certificate was not renewed'), 'it is told');
    assert.equal(await lab.subject(), 'third');
    assert.equal(lab.bakery.output().match(/the certificate was not renewed/g)?.length, 1, 'told once');
  });

  test('a wrong pair stops the start with one clear line; without tokens names of other sites are refused', async () => {
    await lab.bakery.stop();
    for (const [settings, line] of [
      [lab.settings, /bakery: BAKERY_TLS_CERT and BAKERY_TLS_KEY are not a certificate and its key: .*\n/],
      [{ BAKERY_TLS_CERT: lab.files.cert }, /bakery: BAKERY_TLS_KEY \(--tls-key\): is needed with BAKERY_TLS_CERT.*\n/],
    ] as const) {
      await assert.rejects(lab.start(settings), (error: Error) => {
        assert.match(error.message, line);
        return !/\n\s+at /.test(error.message.split('was ready:')[1] ?? '');
      });
    }
    writeFileSync(lab.files.cert, 'no certificate');
    await assert.rejects(lab.start(lab.settings), /BAKERY_TLS_CERT and BAKERY_TLS_KEY are not/);

    const bakery = await lab.start({ BAKERY_AUTH: 'off', BAKERY_HOSTS: 'bakery.example' });
    const { port } = new URL(bakery.base);
    const ask = async (host: string, origin?: string) => {
      const headers = { host, ...(origin ? { origin, 'content-type': 'text/plain' } : {}) };
      const say = `${origin ? 'POST' : 'GET'} ${API}/${origin ? 'disks' : 'whoami'} HTTP/1.1\r\nConnection: close\r\n${Object.entries(
        headers,
      )
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}${origin ? 'Content-Length: 2\r\n\r\n{}' : '\r\n'}`;
      return new Promise<string>((resolve, reject) => {
        let text = '';
        const socket = connect({ host: '127.0.0.1', port: Number(port) }, () => socket.write(say));
        socket.on('data', (chunk) => {
          text += chunk;
        });
        socket.once('error', reject).once('close', () => resolve(text));
      });
    };
    assert.match(await ask(`127.0.0.1:${port}`), /^HTTP\/1\.1 200 .*"name":"anybody","scope":"admin"/s);
    assert.match(await ask('bakery.example'), /^HTTP\/1\.1 200 /);
    assert.match(await ask('evil.example'), /^HTTP\/1\.1 403 .*"host-refused"/s);
    assert.match(await ask('127.0.0.1', 'http://evil.example'), /^HTTP\/1\.1 403 .*"origin-refused"/s);
    assert.match(await ask('127.0.0.1', 'http://127.0.0.1'), /^HTTP\/1\.1 400 .*"bad-request"/s);
    assert.doesNotMatch(await ask('127.0.0.1'), /strict-transport-security/i);
    assert.match(lab.bakery.output(), /whoever reaches the API may do everything/);
  });
});
