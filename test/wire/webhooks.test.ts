import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { addFeedEvent, listFeed } from '../../db/events.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { requireTools, sh } from '../lab/sh.ts';
import { type Delivery, WebhookReceiver } from '../lab/webhook-receiver.ts';
import { size } from '../sizes.ts';

interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly types: readonly string[];
  readonly secret?: string;
  readonly delivered: number;
  readonly failures: number;
  readonly lastError?: string;
  readonly nextAttemptAt?: string;
}

/** A block of code of the documentation, by its first line. */
function exampleOf(file: string, firstLine: string): string {
  const text = readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8');
  const block = [...text.matchAll(/^```\w+\n([\s\S]*?)^```$/gm)].find((match) => match[1]?.startsWith(firstLine));
  assert.ok(block?.[1], `${firstLine} is not in docs/${file}`);
  return block[1];
}

inOwnNamespace(import.meta.url, () => {
  let folder: string;
  let bakery: RunningBakery;
  let db: Db;
  let receiver: WebhookReceiver;

  const start = () => startBakery({ root: join(folder, 'root'), settings: { BAKERY_ADDRESS: '127.0.0.1' } });
  async function must<T>(status: number, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
  const add = (path: string, options: object = {}) =>
    must<Webhook>(201, 'POST', '/webhooks', { url: `${receiver.url}${path}`, ...options });
  const get = (id: string) => must<Webhook>(200, 'GET', `/webhooks/${id}`);
  const tell = (type = 'test.told', data = {}) => addFeedEvent(db, { type, data }, Date.now());
  const since = async (seq: number) => (await listFeed(db, { after: seq, limit: 100_000 })).map((event) => event.seq);

  before(async () => {
    requireTools('openssl', 'od');
    folder = mkdtempSync(join(tmpdir(), 'bakery-hooks-'));
    receiver = await new WebhookReceiver().listen();
    bakery = await start();
    db = await openDatabase(join(folder, 'root', 'bakery.db'));
  });
  afterEach(async () => {
    receiver.react = () => 204;
    for (const { id } of (await must<{ webhooks: Webhook[] }>(200, 'GET', '/webhooks')).webhooks) {
      await must(200, 'DELETE', `/webhooks/${id}`);
    }
    receiver.deliveries.length = 0;
  });
  after(async () => {
    await db?.destroy();
    await bakery?.stop();
    await receiver?.close();
    await stopLeftovers(join(folder, 'root'));
    rmSync(folder, { recursive: true, force: true });
  });

  test('a webhook is made with a secret that is shown once, listed, and deleted twice', async () => {
    const { secret, ...made } = await add('/hook', { types: ['operation.*'] });
    assert.match(secret ?? '', /^whsec_/);
    assert.deepEqual(await get(made.id), made);
    assert.deepEqual(await must(200, 'GET', '/webhooks'), { webhooks: [made] });
    const own = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    assert.equal((await add('/own', { secret: own })).secret, own);
    await must(200, 'DELETE', `/webhooks/${made.id}`);
    await must(200, 'DELETE', `/webhooks/${made.id}`);
    const gone = await must<{ code: string }>(404, 'GET', `/webhooks/${made.id}`);
    assert.equal(gone.code, 'webhook-unknown');
    assert.equal((await must<{ code: string }>(404, 'POST', `/webhooks/${made.id}/test`)).code, 'webhook-unknown');
    for (const [body, code] of [
      [{ url: 'ftp://x/' }, 'bad-webhook-url'],
      [{ url: 'http://user:pass@x/' }, 'bad-webhook-url'],
      [{ url: 'http://x/', secret: 'short' }, 'bad-webhook-secret'],
      [{ url: 'http://x/', types: ['No such'] }, 'bad-request'],
      [{}, 'bad-request'],
    ] as const) {
      assert.equal((await must<{ code: string }>(400, 'POST', '/webhooks', body)).code, code, JSON.stringify(body));
    }
  });

  test('the same Idempotency-Key makes one webhook, with one secret', async () => {
    const make = async () => {
      const response = await fetch(`${bakery.base}/webhooks`, {
        method: 'POST',
        headers: { authorization: `Bearer ${bakery.token}`, 'idempotency-key': 'one' },
        body: JSON.stringify({ url: 'http://127.0.0.1:9/' }),
      });
      return { status: response.status, body: await response.json() };
    };
    const answers = [await make(), ...(await Promise.all([make(), make()]))];
    assert.deepEqual(answers, [answers[0], answers[0], answers[0]]);
    assert.equal(answers[0]?.status, 201);
    assert.equal((await must<{ webhooks: Webhook[] }>(200, 'GET', '/webhooks')).webhooks.length, 1);
  });

  test('an operation is told, and its messages stand the checks of docs/events.md', async () => {
    const { id, secret = '' } = await add('/hook', { types: ['operation.done'] });
    await must(201, 'POST', '/disks', { size: 1 });
    await receiver.until(() => receiver.deliveries.length === 1);
    assert.deepEqual(await must(200, 'POST', `/webhooks/${id}/test`), { delivered: true, status: 204 });
    const [done, tested] = receiver.deliveries as [Delivery, Delivery];
    assert.deepEqual([done.event.type, done.event.data], ['operation.done', { kind: 'create-disk', actor: 'admin' }]);
    assert.deepEqual([tested.event.type, tested.event.seq, tested.event.data], ['webhook.test', 0, { webhook: id }]);
    assert.equal(done.headers['content-type'], 'application/json');
    assert.deepEqual((await listFeed(db, { after: done.event.seq - 1, limit: 1 }))[0]?.type, 'operation.done');

    writeFileSync(join(folder, 'verify.mjs'), exampleOf('events.md', '// verify.mjs'));
    writeFileSync(join(folder, 'verify.sh'), exampleOf('events.md', '# verify.sh'));
    const { isGenuine } = await import(pathToFileURL(join(folder, 'verify.mjs')).href);
    const checkInShell = (with_: string, { headers }: Delivery, body: string) => {
      writeFileSync(join(folder, 'body'), body);
      const given = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => String(headers[name]));
      sh('sh', join(folder, 'verify.sh'), with_, ...given, join(folder, 'body'));
    };
    const other = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    for (const delivery of [done, tested]) {
      const { headers, body } = delivery;
      assert.ok(isGenuine(secret, headers, body));
      checkInShell(secret, delivery, body);
      assert.ok(!isGenuine(secret, headers, body.replace('"seq"', '"sEq"')));
      assert.throws(() => checkInShell(secret, delivery, `${body} `));
      assert.ok(!isGenuine(other, headers, body));
      assert.throws(() => checkInShell(other, delivery, body));
      assert.ok(!isGenuine(secret, { ...headers, 'webhook-timestamp': '1' }, body));
    }
  });

  test('a test that fails says why, and what waits to be delivered waits on', async () => {
    receiver.react = ({ event }) => (event.type === 'webhook.test' ? 418 : 'hang');
    const { id } = await add('/hook');
    await tell();
    await receiver.until(() => receiver.deliveries.length === 1);
    assert.deepEqual(await must(200, 'POST', `/webhooks/${id}/test`), {
      delivered: false,
      status: 418,
      error: 'it answered 418',
    });
    assert.equal(receiver.at('/hook').filter(({ event }) => event.type === 'test.told').length, 1);
  });

  test('over kills of Bakery nothing is lost and the order stays; only what was not answered comes again', async () => {
    const { id, delivered } = await add('/hook');
    for (let round = 0; round < size('webhookKills'); round++) {
      // The third message from now on is not answered: the server is killed over it.
      const until = receiver.deliveries.length + 3;
      receiver.react = () => (receiver.deliveries.length >= until ? 'hang' : 204);
      for (let i = 0; i < 10; i++) await tell();
      await receiver.until(() => receiver.deliveries.length >= until);
      await bakery.kill();
      receiver.react = () => 204;
      bakery = await start();
    }
    const wanted = await since(delivered);
    await receiver.until(() => receiver.seqs('/hook').includes(wanted.at(-1) ?? 0));
    const seqs = receiver.seqs('/hook');
    const first = seqs.filter((seq, i) => seqs.indexOf(seq) === i);
    assert.deepEqual(first, wanted, 'each was told, in order');
    assert.equal(seqs.length, wanted.length + size('webhookKills'), 'only the unanswered ones came twice');
    assert.deepEqual(
      seqs,
      seqs.toSorted((a, b) => a - b),
    );
    assert.equal((await get(id)).failures, 0);
  });

  test('one that hangs is tried again after 10 s, and delays no other meanwhile', async () => {
    let answers: 'hang' | 204 = 'hang';
    receiver.react = ({ path }) => (path === '/hangs' ? answers : 204);
    const [hangs, quick] = [await add('/hangs'), await add('/quick')];
    for (let i = 0; i < 30; i++) await tell();
    await receiver.until(() => receiver.seqs('/quick').length === 30);
    assert.equal(receiver.seqs('/hangs').length, 1);
    for (let tries = 0; (await get(hangs.id)).failures === 0; tries++) {
      assert.ok(tries < 1_000, 'the failure was not noted');
      await sleep(50);
    }
    const { failures, lastError, nextAttemptAt = '' } = await get(hangs.id);
    assert.deepEqual([failures, lastError], [1, 'it did not answer within 10 s']);
    assert.ok(Date.parse(nextAttemptAt) > 0);
    answers = 204;
    await receiver.until(() => receiver.seqs('/hangs').length === 31);
    assert.deepEqual(receiver.seqs('/hangs').slice(1), receiver.seqs('/quick'));
    assert.equal((await get(quick.id)).failures, 0);
  });

  test('a server stops in order while a webhook hangs, and sends it again when it is back', async () => {
    const { delivered } = await add('/hook');
    receiver.react = () => 'hang';
    await tell();
    await receiver.until(() => receiver.deliveries.length === 1);
    assert.equal(await bakery.stop(), 0);
    assert.ok(!/did not stop in order/.test(bakery.output()));
    receiver.react = () => 204;
    bakery = await start();
    const wanted = await since(delivered);
    await receiver.until(() => receiver.deliveries.length > wanted.length);
    assert.deepEqual(receiver.seqs('/hook').slice(1), wanted);
    assert.deepEqual(
      receiver
        .at('/hook')
        .map(({ headers }) => headers['webhook-id'])
        .slice(0, 2),
      [`evt_${wanted[0]}`, `evt_${wanted[0]}`],
    );
  });
});
