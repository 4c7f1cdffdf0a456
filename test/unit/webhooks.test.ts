import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Clock, systemClock } from '../../core/host/clock.ts';
import {
  mintWebhookId,
  mintWebhookSecret,
  requireWebhookSecret,
  requireWebhookUrl,
  signWebhook,
  type WebhookId,
  webhookRetryMs,
} from '../../core/webhook.ts';
import { addFeedEvent, newestEvent } from '../../db/events.ts';
import { watchFeed } from '../../db/feed-watch.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { addWebhook, findWebhook, removeWebhook } from '../../db/webhooks.ts';
import { createWebhookDelivery, type WebhookDelivery } from '../../server/reconcile/webhooks.ts';
import { isBakeryCode } from '../contract/nfs-expect.ts';
import { type Reaction, WebhookReceiver } from '../lab/webhook-receiver.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const HOUR = 3_600_000;

/** The machine's clock, whose sleeps take a hundredth of their time and are written down. */
function hastyClock(): Clock & { slept: number[]; offset: number } {
  const clock = {
    slept: [] as number[],
    offset: 0,
    now: () => Date.now() + clock.offset,
    monotonic: systemClock.monotonic,
    async sleep(ms: number, signal?: AbortSignal) {
      if (ms !== 200) clock.slept.push(ms);
      await systemClock.sleep(ms === 200 ? 5 : 1, signal);
      if (ms !== 200) clock.offset += ms;
    },
  };
  return clock;
}

describe('webhooks', () => {
  let db: Db;
  let receiver: WebhookReceiver;
  let clock: ReturnType<typeof hastyClock>;
  let delivery: WebhookDelivery;

  function makeDelivery(): WebhookDelivery {
    const feed = watchFeed(db, { clock, log: quiet });
    return createWebhookDelivery({ db, feed, clock, log: quiet, answerMs: 300 });
  }
  beforeEach(async () => {
    db = await openDatabase(':memory:');
    receiver = await new WebhookReceiver().listen();
    clock = hastyClock();
    delivery = makeDelivery();
  });
  afterEach(async () => {
    await delivery.stop();
    await receiver.close();
    await db.destroy();
  });

  async function add(path: string, types: readonly string[] = []): Promise<WebhookId> {
    const id = mintWebhookId();
    await addWebhook(db, { id, url: `${receiver.url}${path}`, secret: mintWebhookSecret(), types, now: clock.now() });
    await delivery.refresh();
    return id;
  }
  async function tell(...types: string[]): Promise<number> {
    for (const type of types) await addFeedEvent(db, { type }, clock.now());
    return newestEvent(db);
  }
  const row = async (id: WebhookId) => {
    const webhook = await findWebhook(db, id);
    assert.ok(webhook);
    return webhook;
  };
  const cursorIs = async (id: WebhookId, seq: number) => {
    for (let tries = 0; (await row(id)).cursor !== seq; tries++) {
      assert.ok(tries < 5_000, `the cursor is ${(await row(id)).cursor}, not ${seq}`);
      await systemClock.sleep(2);
    }
  };
  /** How the next messages fare, then all are taken. */
  const script = (...reactions: Reaction[]) => {
    receiver.react = () => reactions.shift() ?? 204;
  };

  test('events are told one by one in their order, those that are wanted, from when it was added', async () => {
    await tell('a.before');
    await add('/all');
    await add('/some', ['b.*', 'c.two']);
    const last = await tell('a.one', 'b.one', 'c.one', 'b.two', 'c.two');
    await receiver.until(() => receiver.seqs('/all').length === 5 && receiver.seqs('/some').length === 3);
    assert.deepEqual(receiver.seqs('/all'), [2, 3, 4, 5, 6]);
    assert.deepEqual(receiver.seqs('/some'), [3, 5, 6]);
    assert.equal(last, 6);
    assert.equal(receiver.at('/all')[0]?.headers['webhook-id'], 'evt_2');
    assert.deepEqual(Object.keys(receiver.at('/all')[0]?.event ?? {}), ['seq', 'at', 'type', 'data']);
  });

  test('what is not answered with 2xx is sent again, with the same id, before anything later, and told', async () => {
    const follows: Reaction = (response) => {
      response.writeHead(302, { location: `${receiver.url}/elsewhere` }).end();
    };
    script(500, 404, follows, 'hang', (response) => response.destroy(), 200, 500);
    const id = await add('/hook');
    const last = await tell('a.one', 'a.two');
    await cursorIs(id, last);
    assert.deepEqual(receiver.seqs('/hook'), [1, 1, 1, 1, 1, 1, 2, 2]);
    assert.deepEqual(receiver.at('/elsewhere'), [], 'redirects are not followed');
    assert.deepEqual(
      new Set(receiver.at('/hook').map(({ headers }) => headers['webhook-id'])),
      new Set(['evt_1', 'evt_2']),
    );
    const waits = clock.slept.map((ms) => Math.round(ms / 1_000));
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 1], 'one second again for the next event');
    const { failures, lastError, nextAt } = await row(id);
    assert.deepEqual([failures, lastError, nextAt], [0, undefined, 0]);
  });

  test('a failure is told in words, with the time of the next attempt', async () => {
    const expected: [Reaction, RegExp][] = [
      [503, /^it answered 503$/],
      ['hang', /^it did not answer within 0\.3 s$/],
      [(response) => response.destroy(), /^it could not be reached \(/],
    ];
    for (const [reaction, words] of expected) {
      // From here on time stands still: no second attempt comes.
      clock.sleep = (ms, signal) => systemClock.sleep(ms === 200 ? 5 : 1_000_000, signal);
      receiver.react = () => reaction;
      const id = await add('/hook');
      await tell('a.one');
      while ((await row(id)).failures === 0) await systemClock.sleep(2);
      const { failures, lastError, nextAt } = await row(id);
      assert.equal(failures, 1);
      assert.match(lastError ?? '', words);
      assert.ok(nextAt > Date.now());
      await removeWebhook(db, id);
      await delivery.refresh();
    }
  });

  test('nobody listening is tried again until somebody does', async () => {
    const id = await add('/hook');
    await receiver.close();
    const last = await tell('a.one', 'a.two');
    while ((await row(id)).failures < 20) await turn();
    assert.match((await row(id)).lastError ?? '', /ECONNREFUSED/);
    assert.equal(Math.round(Math.max(...clock.slept) / 1_000), 3_600);
    await receiver.listen();
    await cursorIs(id, last);
    assert.deepEqual(receiver.seqs('/hook'), [1, 2]);
  });

  test('one that hangs delays no other, not even at the same server', async () => {
    receiver.react = ({ path }) => (path === '/hangs' ? 'hang' : 204);
    await add('/hangs');
    const quick = await add('/quick');
    const last = await tell(...Array.from({ length: 50 }, () => 'a.one'));
    await cursorIs(quick, last);
    assert.equal(receiver.seqs('/quick').length, 50);
    assert.ok(
      receiver.seqs('/hangs').every((seq) => seq === 1),
      'and the other one is still at its first',
    );
  });

  test('one that is removed while it is tried again is sent nothing more', async () => {
    receiver.react = () => 'hang';
    const id = await add('/hook');
    await tell('a.one');
    await receiver.until(() => receiver.seqs('/hook').length === 2);
    await removeWebhook(db, id);
    await delivery.refresh();
    const sent = receiver.deliveries.length;
    await add('/other');
    receiver.react = () => 204;
    await tell('a.two');
    await receiver.until(() => receiver.seqs('/other').length === 1);
    assert.equal(receiver.deliveries.length, sent + 1);
  });

  test('another process goes on with the event that was not delivered, also when the clock was set back', async () => {
    receiver.react = () => 500;
    const id = await add('/hook');
    await tell('a.one');
    while ((await row(id)).failures < 3) await turn();
    await delivery.stop();
    clock.offset -= 1_000 * HOUR;
    const from = receiver.deliveries.length;
    clock.slept = [];
    receiver.react = () => 204;
    delivery = makeDelivery();
    await delivery.refresh();
    const last = await tell('a.two');
    await cursorIs(id, last);
    assert.deepEqual(receiver.seqs('/hook').slice(from), [1, 2]);
    assert.ok(Math.max(...clock.slept) <= HOUR, 'nobody waits for a time that was never meant');
  });

  test('events that are gone are told as a gap', async () => {
    receiver.react = () => 500;
    const id = await add('/hook');
    const last = await tell('a.one', 'a.two', 'a.three', 'a.four');
    while ((await row(id)).failures === 0) await turn();
    await delivery.stop();
    await db.deleteFrom('events').where('seq', '<', 3).execute();
    receiver.deliveries.length = 0;
    receiver.react = () => 204;
    delivery = makeDelivery();
    await delivery.refresh();
    await cursorIs(id, last);
    assert.deepEqual(
      receiver.deliveries.map(({ event, headers }) => [headers['webhook-id'], event.type]),
      [
        ['evt_2_gap', 'gap'],
        ['evt_3', 'a.three'],
        ['evt_4', 'a.four'],
      ],
    );
    assert.deepEqual(receiver.deliveries[0]?.event.data, { wanted: 1, from: 3 });
  });

  test('a long stretch that nobody wants is passed over for good', async () => {
    const id = await add('/hook', ['b.*']);
    await tell(...Array.from({ length: 250 }, () => 'a.one'));
    while ((await row(id)).cursor < 150) await turn();
    assert.deepEqual(receiver.deliveries, []);
  });

  test('there are at most 100', async () => {
    for (let i = 0; i < 100; i++) {
      await addWebhook(db, { id: mintWebhookId(), url: 'http://x/', secret: 'x', types: [], now: 1 });
    }
    const one = { id: mintWebhookId(), url: 'http://x/', secret: 'x', types: [], now: 1 };
    await assert.rejects(addWebhook(db, one), isBakeryCode('too-many-webhooks'));
  });
});

test('signatures are those of the example of Standard Webhooks', () => {
  // From its specification, "Signature scheme".
  const secret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
  const message = {
    id: 'msg_27UH4WbU6Z5A5EzD8u03UvzRbpk',
    body: '{"email":"test@example.com","username":"test_user"}',
  };
  assert.deepEqual(signWebhook(secret, message, 1_649_367_553_999), {
    'webhook-id': message.id,
    'webhook-timestamp': '1649367553',
    'webhook-signature': 'v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=',
  });
});

test('secrets have 24 to 64 bytes, addresses are of the web and have no user', () => {
  assert.equal(requireWebhookSecret(mintWebhookSecret()).length, 'whsec_'.length + 44);
  assert.notEqual(mintWebhookSecret(), mintWebhookSecret());
  const bytes = (count: number) => `whsec_${Buffer.alloc(count, 7).toString('base64')}`;
  for (const good of [bytes(24), bytes(64), bytes(25).replaceAll('=', '')]) requireWebhookSecret(good);
  for (const bad of ['', bytes(23), bytes(65), bytes(32).slice(6), `${bytes(32)}!`, 'whsec_'.padEnd(50, '*')]) {
    assert.throws(() => requireWebhookSecret(bad), isBakeryCode('bad-webhook-secret'), bad);
  }
  assert.equal(requireWebhookUrl('HTTPS://CI.example:8443/a b?x=1'), 'https://ci.example:8443/a%20b?x=1');
  for (const bad of [
    '',
    'ci.example',
    'ftp://x/',
    'file:///etc/passwd',
    'http://a:b@x/',
    'http://a@x/',
    'http://x/#y',
  ]) {
    assert.throws(() => requireWebhookUrl(bad), isBakeryCode('bad-webhook-url'), bad);
  }
});

test('retries wait twice as long each time, an hour at most', () => {
  assert.deepEqual([1, 2, 3, 12, 13, 14, 5_000].map(webhookRetryMs), [
    1_000,
    2_000,
    4_000,
    2_048_000,
    HOUR,
    HOUR,
    HOUR,
  ]);
});
