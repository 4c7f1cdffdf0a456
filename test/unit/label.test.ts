import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { ApiPorts } from '../../server/http/api.ts';
import { buildApp } from '../../server/http/app.ts';
import { readProblems } from '../../server/http/routes/problems.ts';

/** A server with that label: its base, and nothing behind it but its readiness. */
async function serve(t: TestContext, label?: string): Promise<string> {
  const ports = new Proxy({} as ApiPorts, { get: (_, name) => (name === 'readiness' ? async () => [] : {}) });
  const limits = { wholeMs: 1_000, stallMs: 1_000, uploadBytes: 1, headerMs: 1_000, connections: 64 };
  const app = await buildApp(ports, {
    log: pino({ enabled: false }),
    version: '0',
    trustedRelays: [],
    problems: await readProblems(),
    settings: { corsOrigins: [], hosts: [], keepsVolumes: true, label, limits },
  });
  t.after(() => app.close());
  return app.listen({ host: '127.0.0.1', port: 0 });
}

test('a server with a label shows it in every answer, its readiness, its document and its page', async (t) => {
  const base = await serve(t, 'a lab');
  for (const path of ['/healthz', '/readyz', '/docs/', '/openapi.json', '/no-such-call']) {
    const answer = await fetch(base + path);
    await answer.body?.cancel();
    assert.equal(answer.headers.get('bakery-label'), 'a lab', path);
  }
  assert.deepEqual(await (await fetch(`${base}/readyz`)).json(), { status: 'ready', parts: [], label: 'a lab' });
  const { info } = (await (await fetch(`${base}/openapi.json`)).json()) as { info: Record<string, string> };
  assert.deepEqual([info.title, info.description?.split('\n')[0]], ['Bakery (a lab)', '**a lab**']);
  assert.match(await (await fetch(`${base}/docs/`)).text(), /<title>Bakery \(a lab\)<\/title>/);
});

test('a server without a label shows none', async (t) => {
  const base = await serve(t);
  const answer = await fetch(`${base}/readyz`);
  assert.equal(answer.headers.get('bakery-label'), null);
  assert.deepEqual(await answer.json(), { status: 'ready', parts: [] });
});
