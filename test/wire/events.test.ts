import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addFeedEvent, listFeed, newestEvent } from '../../db/events.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { call, type RunningBakery, stopLeftovers } from '../lab/bakery.ts';
import { type EventReader, readEvents } from '../lab/event-reader.ts';
import { startHeldBakery } from '../lab/held-bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { size } from '../sizes.ts';

inOwnNamespace(import.meta.url, () => {
  let root: string;
  let bakery: RunningBakery;
  /** A second process with the same database: this one. */
  let db: Db;
  let readers: EventReader[] = [];

  const settings = { BAKERY_ADDRESS: '127.0.0.1', BAKERY_TEST_PACE: '{"retention":250}' };
  const start = () => startHeldBakery({ root, settings });
  async function follow(options: { lastId?: string; query?: string } = {}): Promise<EventReader> {
    const reader = await readEvents(bakery, options);
    readers.push(reader);
    return reader;
  }
  const page = async (query: string) =>
    (await call(bakery, 'GET', `/events?format=json${query}`)).body as {
      events: { seq: number; type: string; disk?: string; operation?: string; data: Record<string, unknown> }[];
      next: number;
      gap?: { wanted: number; from: number };
    };
  /** Adds events from outside, `bytes` of text in each. */
  async function tell(count: number, bytes = 10): Promise<void> {
    const data = { text: 'x'.repeat(bytes) };
    await db.transaction().execute(async (trx) => {
      for (let i = 0; i < count; i++) await addFeedEvent(trx, { type: 'test.told', data }, Date.now());
    });
  }
  const kept = async () => (await listFeed(db, { after: 0, limit: 1_000_000 })).map(({ seq }) => seq);
  const from = (seqs: readonly number[], first: number) => seqs.filter((seq) => seq >= first);

  before(async () => {
    root = join(mkdtempSync(join(tmpdir(), 'bakery-events-')), 'root');
    bakery = await start();
    db = await openDatabase(join(root, 'bakery.db'));
  });
  afterEach(() => {
    for (const reader of readers) reader.close();
    readers = [];
  });
  after(async () => {
    await db?.destroy();
    await bakery?.stop();
    await stopLeftovers(root);
    rmSync(join(root, '..'), { recursive: true, force: true });
  });

  test('an operation is told step by step, in the order of its journal, with what it is about', async () => {
    const reader = await follow();
    assert.equal(reader.headers['content-type'], 'text/event-stream');
    const disk = (await call(bakery, 'POST', '/disks', { size: 1 })).body as { id: string };
    await reader.until(() => reader.events.some(({ type }) => type === 'operation.done'));
    const types = reader.events.map(({ type }) => type);
    assert.equal(types[0], 'operation.started');
    assert.equal(types.at(-1), 'operation.done');
    assert.deepEqual(new Set(types.slice(1, -1)), new Set(['operation.step']));
    const operation = reader.events[0]?.data.operation;
    assert.deepEqual(new Set(reader.events.map(({ data }) => data.operation)), new Set([operation]));
    assert.equal(reader.events[0]?.data.disk, disk.id);
    assert.deepEqual(reader.events.at(-1)?.data.data, { kind: 'create-disk', actor: 'admin' });
    assert.deepEqual(reader.seqs, (await kept()).slice(-reader.seqs.length), 'all of them, each once, in order');
    const steps = reader.events.filter(({ type }) => type === 'operation.step').map(({ data }) => data.data);
    const { body } = await call(bakery, 'GET', `/operations/${operation}`);
    const history = (body as { events: { step: string; event: string }[] }).events;
    assert.deepEqual(
      steps,
      history.map(({ step, event }) => ({ step, event })),
    );
  });

  test('a page is the same as JSON, and its next goes on where it ended', async () => {
    await tell(25);
    const seqs: number[] = [];
    for (let after = 0; ; ) {
      const { events, next } = await page(`&limit=10&after=${after}`);
      assert.ok(events.length <= 10);
      seqs.push(...events.map(({ seq }) => seq));
      if (next === after) break;
      after = next;
    }
    assert.deepEqual(seqs, await kept());
    const plain = await fetch(`${bakery.base}/events`, {
      headers: { authorization: `Bearer ${bakery.token}`, accept: 'application/json' },
    });
    assert.deepEqual(((await plain.json()) as { events: { seq: number }[] }).events[0]?.seq, 1, 'from the oldest kept');
    assert.equal((await fetch(`${bakery.base}/events`)).status, 401);
    assert.equal((await call(bakery, 'GET', '/events?types=Operation')).status, 400);
    assert.equal((await call(bakery, 'GET', '/events?after=-1')).status, 400);
    assert.equal((await readEvents(bakery, { lastId: 'x' })).status, 400);
  });

  test('types choose what is told, one or all of a kind', async () => {
    const [done, kind, other] = [
      await follow({ query: '?types=operation.done,pool.*' }),
      await follow({ query: '?types=operation.*' }),
      await follow({ query: '?types=test.*' }),
    ];
    await call(bakery, 'POST', '/disks', { size: 1 });
    await tell(1);
    await other.until(() => other.events.length === 1);
    await kind.until(() => kind.events.at(-1)?.type === 'operation.done');
    await done.until(() => done.events.length === 1);
    assert.deepEqual(
      done.events.map(({ type }) => type),
      ['operation.done'],
    );
    assert.deepEqual(
      other.events.map(({ type }) => type),
      ['test.told'],
    );
    assert.ok(kind.events.length > 3 && kind.events.every(({ type }) => type.startsWith('operation.')));
    const { events } = await page('&types=test.*&limit=1000');
    assert.deepEqual(new Set(events.map(({ type }) => type)), new Set(['test.told']));
  });

  test('over kills and restarts a reader with Last-Event-ID misses nothing and is told nothing twice', async () => {
    const first = (await newestEvent(db)) + 1;
    const told: number[] = [];
    let reader = await follow({ lastId: String(first - 1) });
    for (let round = 0; round < size('feedKills'); round++) {
      const working = Promise.allSettled(Array.from({ length: 4 }, () => call(bakery, 'POST', '/disks', { size: 1 })));
      // At another place each time, within what four disks are sure to bring.
      await reader.until(() => reader.events.length > 3 + (round % 8));
      await bakery.kill();
      await Promise.all([reader.over, working]);
      told.push(...reader.seqs);
      bakery = await start();
      reader = await follow({ lastId: reader.lastId });
    }
    await call(bakery, 'POST', '/disks', { size: 1 });
    const open = async () => {
      const { body } = await call(bakery, 'GET', '/operations?state=running');
      return (body as { operations: unknown[] }).operations.length;
    };
    while ((await open()) > 0) await sleep(50);
    await tell(1);
    const last = await newestEvent(db);
    await reader.until(() => reader.seqs.at(-1) === last);
    told.push(...reader.seqs);
    assert.deepEqual(told, from(await kept(), first));
  });

  test('a reader that lost its connection before the first event misses nothing either', async () => {
    const reader = await follow();
    // Its first bytes, not the next comment 15 s later.
    await reader.until(() => reader.comments === 1);
    assert.notEqual(reader.lastId, '');
    reader.close();
    await tell(3);
    const again = await follow({ lastId: reader.lastId });
    await again.until(() => again.events.length === 3);
    assert.deepEqual(again.seqs, (await kept()).slice(-3));
  });

  test('where events are missing a gap says from where it goes on, once', async () => {
    await tell(20);
    const newest = await newestEvent(db);
    await db
      .deleteFrom('events')
      .where('seq', '<', newest - 4)
      .execute();
    const reader = await follow({ lastId: '2' });
    await reader.until(() => reader.events.length === 6);
    assert.deepEqual(reader.events[0], { id: String(newest - 5), type: 'gap', data: { wanted: 3, from: newest - 4 } });
    assert.deepEqual(reader.seqs.slice(1), await kept());
    const again = await follow({ lastId: reader.events[0]?.id ?? '' });
    await again.until(() => again.events.length === 5);
    assert.deepEqual(again.seqs, await kept(), 'who comes back with the id of the gap gets no other');
    assert.deepEqual((await page('&after=2')).gap, { wanted: 3, from: newest - 4 });
    // A hole that is not at the old end was no pruning.
    await db
      .deleteFrom('events')
      .where('seq', '=', newest - 2)
      .execute();
    const hole = await follow({ lastId: String(newest - 5) });
    await hole.until(() => hole.events.length === 4);
    assert.ok(!hole.events.some(({ type }) => type === 'gap'));
  });

  test('what is too old is removed by the server, and who asks for it is told where it begins now', async () => {
    await tell(20);
    const newest = await newestEvent(db);
    await db
      .updateTable('events')
      .set({ at: 1 })
      .where('seq', '<=', newest - 3)
      .execute();
    for (let tries = 0; (await kept()).length > 3; tries++) {
      assert.ok(tries < 1_000, 'nothing was removed');
      await sleep(50);
    }
    const reader = await follow({ lastId: '2' });
    await reader.until(() => reader.events.length === 4);
    assert.deepEqual(reader.events[0]?.data, { wanted: 3, from: newest - 2 });
    assert.deepEqual(reader.seqs.slice(1), await kept());
  });

  test('an id that is not there yet, as after the restore of an older database, is a gap too', async () => {
    const newest = await newestEvent(db);
    const reader = await follow({ lastId: String(newest + 1_000) });
    await reader.until(() => reader.events.length === 1);
    assert.deepEqual(reader.events[0]?.data, { wanted: newest + 1_001, from: newest + 1 });
    await tell(2);
    await reader.until(() => reader.events.length === 3);
    assert.deepEqual(reader.seqs, [newest, newest + 1, newest + 2]);
  });

  test('readers that never read cost no memory and delay nobody', async () => {
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${bakery.pid}/status`, 'utf8'))?.[1]) / 1024;
    const lazy = await Promise.all(Array.from({ length: 20 }, () => follow()));
    for (const reader of lazy) reader.stopReading();
    const quick = await follow();
    const before = memory();
    for (let i = 0; i < 20; i++) await tell(1_000, 2_000);
    await quick.until(() => quick.events.length === 20_000);
    // Each of the 20 is owed 40 MB: 2,700 MiB when it is kept here. Garbage that is not collected yet counts here too.
    const grown = memory() - before;
    assert.ok(grown < 800, `the server grew by ${Math.round(grown)} MiB`);
    assert.deepEqual(quick.seqs, (await kept()).slice(-20_000));
  });

  test('100 readers are told everything, another is sent away until one of them goes', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, () => follow()));
    const refused = await fetch(`${bakery.base}/events`, { headers: { authorization: `Bearer ${bakery.token}` } });
    assert.equal(refused.status, 503);
    assert.equal(((await refused.json()) as { code: string }).code, 'too-many-streams');
    assert.equal((await page('&after=1')).events.length > 0, true, 'pages are told all the same');
    await tell(300);
    const wanted = (await kept()).slice(-300);
    for (const reader of all) {
      await reader.until(() => reader.events.length >= 300);
      assert.deepEqual(reader.seqs, wanted);
    }
    all[0]?.close();
    let late = await follow();
    for (let tries = 0; late.status !== 200 && tries < 100; tries++) {
      await sleep(50);
      late = await follow();
    }
    assert.equal(late.status, 200);
  });

  test('a server with open streams stops in order, and tells what happened until then', async () => {
    const reader = await follow();
    const lazy = await follow();
    lazy.stopReading();
    await tell(100, 100_000);
    await reader.until(() => reader.events.length === 100);
    const [code, how] = await Promise.all([bakery.stop(), reader.over]);
    assert.deepEqual([code, how], [0, 'end']);
    assert.ok(!/broke off|did not stop in order/.test(bakery.output()), bakery.output().slice(-2000));
    bakery = await start();
  });
});
