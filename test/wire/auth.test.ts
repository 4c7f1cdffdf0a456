import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mayCall, SCOPES, type Scope } from '../../core/scope.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { API, must, TlsBakery, until } from '../lab/tls-bakery.ts';

/** Of a call in the document: what is needed here. */
interface Operation {
  readonly operationId: string;
  readonly 'x-scope'?: Scope;
  readonly requestBody?: object;
}
const PANEL = 'https://panel.example';
const NOBODY = '00000000-0000-4000-8000-000000000000';
/** What nothing is called, by the name of the parameter. A bakeform's name that no bakeform can have makes no upload. */
const UNKNOWN: Readonly<Record<string, string>> = { piId: 'ffffffff', name: '-', filename: 'x' };
const REFUSALS = ['token-missing', 'token-wrong', 'token-expired', 'scope-too-small'];

inOwnNamespace(import.meta.url, () => {
  let lab: TlsBakery;

  before(async () => {
    lab = new TlsBakery();
    await lab.open({ BAKERY_CORS_ORIGINS: PANEL });
  });
  after(async () => lab?.close());

  test('a token is shown once, is who it says, by Bearer and by Basic, and is listed until it is revoked', async () => {
    assert.ok(lab.bakery.base.startsWith('https://'));
    const { json } = await must(201, lab.admin('POST', '/tokens', { name: 'bosh', scope: 'cpi' }));
    const { secret, ...shown } = json as { secret: string; id: string };
    const one = `/tokens/${shown.id}`;
    assert.deepEqual((await must(200, lab.admin('GET', one))).json, shown);
    assert.deepEqual((await must(200, lab.whoami(secret))).json, { name: 'bosh', scope: 'cpi' });
    // As Go sends the user info of a base URL.
    const basic = `Basic ${Buffer.from(`whoever:${secret}`).toString('base64')}`;
    const { json: same } = await must(
      200,
      lab.client.ask('GET', `${API}/whoami`, { headers: { authorization: basic } }),
    );
    assert.deepEqual(same, { name: 'bosh', scope: 'cpi' });
    const used = (await must(200, lab.admin('GET', one))).json;
    assert.ok(Math.abs(Date.parse(String(used.lastUsedAt)) - Date.now()) < 60_000);
    assert.deepEqual((await must(200, lab.admin('GET', '/tokens'))).json, { tokens: [used] });
    for (let times = 0; times < 2; times++) await must(200, lab.admin('DELETE', one));
    await must(200, lab.admin('DELETE', `/tokens/${NOBODY}`));
    assert.ok((await must(200, lab.admin('GET', one))).json.revokedAt);
    assert.equal((await must(401, lab.whoami(secret))).json.code, 'token-wrong');
    for (const [status, code, body] of [
      [409, 'token-exists', { name: 'bosh', scope: 'cpi' }],
      [400, 'bad-request', { name: 'admin', scope: 'cpi' }],
      [400, 'bad-request', { name: 'x', scope: 'root' }],
      [400, 'bad-expiry', { name: 'x', scope: 'cpi', expiresAt: '2020-01-01T00:00:00Z' }],
    ] as const) {
      assert.equal((await must(status, lab.admin('POST', '/tokens', body))).json.code, code);
    }
    const database = readFileSync(join(lab.folder, 'root', 'bakery.db-wal'));
    assert.ok(database.includes('bosh') && !database.includes(secret), 'only its hash is written');
    const { entries } = (await must(200, lab.admin('GET', '/audit'))).json as {
      entries: { actor: string; path: string }[];
    };
    assert.ok(entries.every(({ actor }) => ['admin', 'nobody'].includes(actor)));
  });

  test('every call lets in whom it must, and nobody else', async () => {
    const tokens = new Map<string, string | undefined>([['nobody', undefined]]);
    for (const scope of SCOPES) tokens.set(scope, (await lab.token(`of-${scope}`, scope)).secret);
    const revoked = await lab.token('revoked', 'admin');
    await must(200, lab.admin('DELETE', `/tokens/${revoked.id}`));
    tokens.set('revoked', revoked.secret);
    const expired = await lab.token('expired', 'admin', new Date(Date.now() + 500).toISOString());
    await until(async () => (await lab.whoami(expired.secret)).json.code === 'token-expired', 'it did not expire');
    tokens.set('expired', expired.secret).set('admin of the first start', lab.bakery.token);

    const { paths } = (await lab.client.ask('GET', '/openapi.json')).json as {
      paths: Record<string, Record<string, Operation>>;
    };
    const expected = (needed: Scope | undefined, who: string) => {
      if (needed === undefined) return 'let in';
      if (who === 'nobody') return 'token-missing';
      if (who === 'revoked') return 'token-wrong';
      if (who === 'expired') return 'token-expired';
      const scope = SCOPES.find((one) => one === who) ?? 'admin';
      return mayCall(scope, needed) ? 'let in' : 'scope-too-small';
    };
    const counts: Record<string, number> = {};
    const wrong: string[] = [];
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
    );
    const agent = new Agent({ keepAlive: true });
    const places = new Map<string, string>();
    for (const [i, { method, path, operation }] of operations.entries()) {
      for (const [who, token] of tokens) {
        const from = (i % 15 > 0 && places.get(who)) || lab.fresh();
        places.set(who, from);
        const url = path.replaceAll(/\{(\w+)\}/g, (_, name) => UNKNOWN[name] ?? NOBODY);
        const headers = { accept: 'application/json' };
        const body = operation.requestBody ? '{}' : undefined;
        const { status, json } = await lab.client.ask(method, url, { token, headers, body, from, agent });
        const isRefused = status === 401 || status === 403 || status === 429 || REFUSALS.includes(String(json.code));
        const seen = isRefused ? String(json.code) : 'let in';
        counts[seen] = (counts[seen] ?? 0) + 1;
        const right = expected(operation['x-scope'], who);
        if (seen !== right || (isRefused && status !== (seen === 'scope-too-small' ? 403 : 401)) || status >= 500) {
          wrong.push(`${who}: ${method} ${path} answered ${status} ${seen}, not ${right}`);
        }
      }
    }
    agent.destroy();
    assert.deepEqual(wrong, []);
    const open = operations.filter(({ operation }) => operation['x-scope'] === undefined);
    assert.deepEqual(open.map(({ path }) => path).toSorted(), ['/healthz', '/readyz']);
    const guarded = operations.length - open.length;
    assert.ok(guarded >= 40, `${guarded} calls`);
    assert.deepEqual(
      [counts['token-missing'], counts['token-wrong'], counts['token-expired']],
      [guarded, guarded, guarded],
    );
    // Nothing was done meanwhile.
    assert.deepEqual((await must(200, lab.admin('GET', '/operations'))).json.operations, []);
    // A relay needs no token for boot files, and has none for anything else.
    const relay = '127.0.0.1';
    assert.equal((await lab.client.ask('GET', `${API}/files/ffffffff/x`, { from: relay })).status, 404);
    assert.equal((await lab.client.ask('GET', `${API}/whoami`, { from: relay })).status, 401);
  });

  test('a stream of events ends with its token: when it is revoked, and when it expires', async () => {
    const revoked = await lab.token('reader', 'viewer');
    const expiring = await lab.token('guest', 'viewer', new Date(Date.now() + 1_000).toISOString());
    const follow = async (secret: string) => {
      const say = `GET ${API}/events HTTP/1.1\r\nHost: x\r\nOrigin: ${PANEL}\r\nAuthorization: Bearer ${secret}\r\n\r\n`;
      return lab.client.dial({ from: lab.fresh(), say });
    };
    const readers = [await follow(revoked.secret), await follow(expiring.secret)] as const;
    const other = await follow(lab.bakery.token);
    let told = '';
    other.socket.on('data', (chunk) => {
      told += chunk;
    });
    await must(200, lab.admin('DELETE', `/tokens/${revoked.id}`));
    const text = await readers[0].closed;
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(text, /^access-control-allow-origin: https:\/\/panel\.example\r$/im);
    assert.match(text, /^x-content-type-options: nosniff\r$/im);
    assert.ok(!text.includes('token.revoked'));
    await until(async () => told.includes('token.revoked'), 'others are told');
    await until(async () => (await lab.whoami(expiring.secret)).status === 401, 'it did not expire');
    await lab.token('after', 'viewer');
    assert.ok(!(await readers[1].closed).includes('"after"'), 'what came after its end is not told');
    other.socket.destroy();
  });

  test('an address that guesses waits; others, and valid tokens at the same address, do not', async () => {
    const { secret } = await lab.token('neighbour', 'viewer');
    const from = lab.fresh();
    const guess = (token: string | undefined, at = from) =>
      lab.client.ask('POST', `${API}/disks`, { token, from: at, body: '{}' });
    const answers = [];
    for (let i = 0; i < 30; i++) answers.push(await guess(`guess-${i}`));
    const statuses = answers.map(({ status }) => status);
    const taken = statuses.indexOf(429);
    assert.ok(taken >= 20 && taken <= 24, `the ${taken}th was refused unseen`);
    const last = answers.at(-1) ?? assert.fail();
    assert.deepEqual([last.status, last.json.code], [429, 'too-many-failures']);
    assert.match(String(last.headers['retry-after']), /^[123]$/);
    assert.deepEqual(
      [(await guess(secret)).json.code, (await guess(lab.bakery.token)).json.code],
      ['scope-too-small', 'bad-request'],
    );
    assert.equal((await guess('guess', lab.fresh())).status, 401);
    const { entries } = (await must(200, lab.admin('GET', '/audit?limit=200'))).json as {
      entries: { client: string; status: number }[];
    };
    const mine = entries.filter(({ client, status }) => client === from && ![400, 403].includes(status));
    assert.deepEqual(new Set(mine.map(({ status }) => status)), new Set([401]));
    assert.equal(mine.length, statuses.filter((status) => status === 401).length, 'a flood does not fill the audit');
  });
});
