import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { boundLog } from '../../core/host/detached.ts';
import { listFeed } from '../../db/events.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { type Pruning, pruneAudit, pruneEvents, pruneKeys, pruneOperations } from '../../db/retention.ts';
import { BOUNDS, createRetention } from '../../server/reconcile/retention.ts';
import { size } from '../sizes.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const DAY = 86_400_000;
const NOW = 1_000 * DAY;
const STEPS = 20;

describe('retention', () => {
  let folder: string;
  let db: Db;
  /** The quick way to many rows. */
  let sqlite: Database.Database;
  let serial = 0;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bakery-retention-'));
    db = await openDatabase(join(folder, 'bakery.db'));
    sqlite = new Database(join(folder, 'bakery.db'));
    sqlite.pragma('synchronous = OFF');
    sqlite.pragma('foreign_keys = ON');
  });
  afterEach(async () => {
    sqlite.close();
    await db.destroy();
    rmSync(folder, { recursive: true });
  });

  const count = (table: string) => (sqlite.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
  const counts = () =>
    Object.fromEntries(
      ['events', 'audit', 'operations', 'operation_events', 'idempotency_keys', 'claims'].map((t) => [t, count(t)]),
    );
  /** Runs `add` that often, in transactions of the size that a server's are at most. */
  function many(times: number, add: (i: number) => void): void {
    for (let from = 0; from < times; from += 500) {
      sqlite.transaction(() => {
        for (let i = from; i < Math.min(times, from + 500); i++) add(i);
      })();
    }
  }
  function addEvents(times: number, at: number): void {
    const insert = sqlite.prepare("INSERT INTO events (at, type, data) VALUES (?, 'operation.step', ?)");
    many(times, () => insert.run(at, '{"step":"clone the golden volume","event":"succeeded"}'));
  }
  function addAudits(times: number, at: number): void {
    const insert = sqlite.prepare(
      "INSERT INTO audit (at, actor, client, method, path, status, request) VALUES (?, 'admin', '10.0.0.1', 'POST', '/api/v1/fridge', 202, 'req-1')",
    );
    many(times, () => insert.run(at));
  }
  /** Operations with a history, each with an idempotency key. @returns their ids. */
  function addOperations(times: number, at: number, state = 'done'): string[] {
    const operation = sqlite.prepare(
      "INSERT INTO operations (id, kind, version, params, state, created_at, ended_at) VALUES (?, 'bake', 1, '{}', ?, ?, ?)",
    );
    const step = sqlite.prepare(
      "INSERT INTO operation_events (operation, step, event, at) VALUES (?, 'clone', 'started', ?)",
    );
    const key = sqlite.prepare(
      "INSERT INTO idempotency_keys (actor, key, fingerprint, operation, status, body, created_at) VALUES ('admin', ?, 'f', ?, 202, '{}', ?)",
    );
    const ids: string[] = [];
    many(times, () => {
      const id = `operation-${String(serial++).padStart(9, '0')}`;
      ids.push(id);
      operation.run(id, state, at, ['done', 'failed'].includes(state) ? at : null);
      for (let i = 0; i < STEPS; i++) step.run(id, at);
      key.run(id, id, at);
    });
    return ids;
  }
  const pruning = (some: Partial<Pruning>): Pruning => ({
    before: undefined,
    keep: 1_000_000,
    batch: 10,
    pause: async () => void (await turn()),
    ...some,
  });
  const keysWithoutOperation = () =>
    (
      sqlite
        .prepare('SELECT count(*) AS n FROM idempotency_keys WHERE operation NOT IN (SELECT id FROM operations)')
        .get() as { n: number }
    ).n;

  test('ten times the bound was written: no table has more than its bound, and the file has not grown', async () => {
    const scale = size('retentionScale');
    const bounds = {
      events: BOUNDS.events / scale,
      audit: BOUNDS.audit / scale,
      operations: BOUNDS.operations / scale,
      keys: BOUNDS.keys / scale / 2,
      tokens: BOUNDS.tokens,
    };
    const clock = { now: () => NOW, monotonic: () => 0, sleep: async () => void (await turn()) };
    const retention = createRetention({ db, keepMs: 90 * DAY, bounds, clock, log: quiet });
    const bytes = () => statSync(join(folder, 'bakery.db')).size + statSync(join(folder, 'bakery.db-wal')).size;
    let full = 0;
    const CHUNKS = 4;
    for (let chunk = 0; chunk < 10 * CHUNKS; chunk++) {
      addEvents(bounds.events / CHUNKS, NOW);
      addAudits(bounds.audit / CHUNKS, NOW);
      addOperations(bounds.operations / CHUNKS, NOW);
      await retention.round();
      const now = counts();
      assert.ok((now.events ?? 0) <= bounds.events && (now.audit ?? 0) <= bounds.audit, JSON.stringify(now));
      assert.ok((now.operations ?? 0) <= bounds.operations && (now.idempotency_keys ?? 0) <= bounds.keys);
      if (chunk === 2 * CHUNKS) full = bytes();
    }
    assert.deepEqual(counts(), {
      events: bounds.events,
      audit: bounds.audit,
      operations: bounds.operations,
      operation_events: bounds.operations * STEPS,
      idempotency_keys: bounds.keys,
      claims: 0,
    });
    assert.ok(bytes() < full * 1.2, `${full} bytes when it was full for the first time, ${bytes()} now`);
    const newest = 10 * bounds.events;
    assert.equal((await listFeed(db, { after: 0, limit: 1 }))[0]?.seq, newest - bounds.events + 1, 'the oldest went');
  });

  test('what is older than the limit goes, from the beginning, and the newest stays', async () => {
    addEvents(25, NOW - 91 * DAY);
    addEvents(5, NOW - 89 * DAY);
    addEvents(5, NOW - 91 * DAY);
    addAudits(30, NOW - 91 * DAY);
    const before = NOW - 90 * DAY;
    assert.equal(await pruneEvents(db, pruning({ before })), 25);
    assert.equal((await listFeed(db, { after: 0, limit: 1 }))[0]?.seq, 26, 'no hole was made behind the first to stay');
    assert.equal(count('events'), 10);
    assert.equal(await pruneAudit(db, pruning({ before })), 29);
    assert.equal(await pruneAudit(db, pruning({ before })), 0, 'where the numbers go on is known');
    assert.equal(await pruneEvents(db, pruning({ before: undefined })), 0);
  });

  test('holes in the numbers, as a restored backup leaves them, are not taken for rows', async () => {
    addEvents(10, NOW);
    sqlite.prepare("INSERT INTO events (seq, at, type, data) VALUES (1000010, ?, 'database.restored', '{}')").run(NOW);
    assert.equal(await pruneEvents(db, pruning({ keep: 20 })), 0);
    addEvents(14, NOW);
    assert.equal(await pruneEvents(db, pruning({ keep: 20 })), 5);
    assert.equal((await listFeed(db, { after: 0, limit: 1 }))[0]?.seq, 6);
  });

  test('operations go with their history and their keys; open ones, and what holds something, stay for ever', async () => {
    const old = NOW - 91 * DAY;
    addOperations(25, old);
    for (const state of ['running', 'unwinding', 'stuck']) addOperations(2, old, state);
    const [holder] = addOperations(1, old, 'failed');
    sqlite.prepare("INSERT INTO claims (resource, operation, purpose) VALUES ('pi:1', ?, 'bake')").run(holder);
    addOperations(5, NOW);
    assert.equal(await pruneOperations(db, pruning({ before: NOW - 90 * DAY })), 25);
    const left = { operations: 12, operation_events: 12 * STEPS, idempotency_keys: 12, claims: 1, events: 0, audit: 0 };
    assert.deepEqual(counts(), left);
    assert.equal(await pruneOperations(db, pruning({ keep: 3 })), 2, 'of those that may go three stay');
    assert.equal(await pruneOperations(db, pruning({ keep: 0 })), 3);
    assert.equal(count('operations'), 7);
    assert.equal(keysWithoutOperation(), 0);
  });

  test('an operation that began long ago and ended lately is kept from then on', async () => {
    addOperations(1, NOW - 91 * DAY);
    sqlite.prepare('UPDATE operations SET ended_at = ?').run(NOW);
    assert.equal(await pruneOperations(db, pruning({ before: NOW - 90 * DAY })), 0);
  });

  test('keys go by age and number, those of open operations never', async () => {
    addOperations(25, NOW - 91 * DAY, 'done');
    addOperations(3, NOW - 91 * DAY, 'stuck');
    addOperations(10, NOW, 'done');
    assert.equal(await pruneKeys(db, pruning({ before: NOW - 90 * DAY })), 25);
    assert.equal(await pruneKeys(db, pruning({ keep: 8 })), 5);
    assert.equal(await pruneKeys(db, pruning({ keep: 0 })), 5);
    assert.equal(count('idempotency_keys'), 3);
    assert.equal(count('operations'), 38);
  });

  test('no transaction takes more than a batch, and others have their turn in between', async () => {
    addEvents(95, 1);
    addOperations(95, 1);
    for (const [prune, table] of [
      [pruneEvents, 'events'],
      [pruneOperations, 'operations'],
    ] as const) {
      const seen = [count(table)];
      await prune(
        db,
        pruning({
          before: 2,
          keep: 40,
          pause: async () => {
            seen.push(count(table));
            await db.selectFrom('pis').selectAll().execute();
          },
        }),
      );
      seen.push(count(table));
      assert.ok(seen.length >= 10, String(seen));
      for (const [i, left] of seen.entries()) assert.ok((seen[i - 1] ?? left) - left <= 10, String(seen));
    }
  });

  test('when the clock jumps nothing goes for its age any more, which is told; the bounds hold all the same', async () => {
    const clock = { wall: NOW, steady: 0, now: () => clock.wall, monotonic: () => clock.steady, sleep: async () => {} };
    const bounds = { events: 50, audit: 50, operations: 50, keys: 50, tokens: 50 };
    const make = () => createRetention({ db, keepMs: 90 * DAY, bounds, clock, log: quiet });
    const pass = (ms: number, jump = 0) => {
      clock.wall += ms + jump;
      clock.steady += ms;
    };
    const retention = make();
    const told = async () =>
      (await listFeed(db, { after: 0, limit: 1_000 })).flatMap(({ type, data }) =>
        type === 'clock.jumped' ? [data] : [],
      );
    addEvents(30, NOW);
    addOperations(30, NOW);
    pass(60_000, 59_000);
    await retention.round();
    assert.deepEqual(await told(), [], 'less than a minute is no jump');
    pass(60_000, 3_650 * DAY);
    await retention.round();
    assert.deepEqual(await told(), [{ ms: 3_650 * DAY }]);
    for (let round = 0; round < 5; round++) {
      pass(60_000);
      await retention.round();
    }
    assert.deepEqual([count('events'), count('operations')], [31, 30], 'ten years of it are no reason');
    addEvents(100, clock.wall);
    addOperations(100, clock.wall);
    await retention.round();
    assert.deepEqual([count('events'), count('operations')], [50, 50]);
    // Back where it was, and a new start: now it is believed.
    pass(0, -3_650 * DAY);
    await retention.round();
    assert.deepEqual((await told()).at(-1), { ms: -3_650 * DAY });
    pass(91 * DAY);
    await retention.round();
    assert.equal(count('operations'), 50);
    sqlite.prepare('UPDATE operations SET created_at = ?, ended_at = ?').run(NOW, NOW);
    await make().round();
    assert.equal(count('operations'), 0);
  });
});

test('a log that is written to without end has at most twice its bound, and its end is there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-log-'));
  const file = join(folder, 'daemon.log');
  const bound = 64 * 1024;
  const line = `${'x'.repeat(1023)}\n`;
  for (let i = 0; i < 10 * 64; i++) {
    appendFileSync(file, i === 639 ? 'the last line\n' : line);
    if (i % 16 === 0) await boundLog(file, bound);
    const total = statSync(file).size + (i > 80 ? statSync(`${file}.1`).size : 0);
    assert.ok(total <= 2 * bound + 17 * 1024, `${total} after ${i}`);
  }
  assert.ok(readFileSync(file, 'utf8').endsWith('the last line\n'));
  rmSync(folder, { recursive: true });
});
