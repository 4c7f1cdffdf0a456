import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { isWanted, TYPE_FILTER } from '../../core/feed.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { DiskId } from '../../core/ids.ts';
import { addFeedEvent, readFeed } from '../../db/events.ts';
import { watchFeed } from '../../db/feed-watch.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { streamEvents } from '../../server/http/event-stream.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A clock whose time passes only when somebody sleeps. */
function makeClock(): Clock & { ms: number } {
  const clock = {
    ms: 0,
    now: () => 1_000_000 + clock.ms,
    monotonic: () => clock.ms,
    async sleep(ms: number) {
      await turn();
      clock.ms += ms;
    },
  };
  return clock;
}

describe('the feed', () => {
  let db: Db;
  let streams: { stop(): Promise<void> }[];
  beforeEach(async () => {
    streams = [];
    db = await openDatabase(':memory:');
  });
  afterEach(async () => {
    for (const stream of streams) await stream.stop();
    await db.destroy();
  });

  /** A stream and its reader, who takes nothing before `read`. */
  function follow(clock: Clock, types: string[] = [], isWelcome = async () => true) {
    const end = new AbortController();
    let text = '';
    let taken: (() => void) | undefined;
    let isReading = false;
    const sink = new Writable({
      highWaterMark: 1,
      write(chunk, _encoding, done) {
        text += chunk;
        if (isReading) done();
        else taken = done;
      },
    });
    const watch = watchFeed(db, { clock, log: quiet });
    const over = streamEvents(sink, { db, watch, clock, after: 0, types, isWelcome, signal: end.signal });
    const stream = {
      read() {
        isReading = true;
        taken?.();
      },
      text: () => text,
      /** Bytes written that were not taken. */
      buffered: () => sink.writableLength,
      async until(isEnough: () => boolean) {
        for (let turns = 0; !isEnough(); turns++) {
          assert.ok(turns < 100_000, `it did not come: ${text.slice(-200)}`);
          await turn();
        }
      },
      async stop() {
        end.abort();
        await over;
      },
    };
    streams.push(stream);
    return stream;
  }

  test('an event is one block: its number, its type, one line of JSON without what it does not have', async () => {
    const clock = makeClock();
    const stream = follow(clock);
    stream.read();
    const disk = '3f2a8c1e-9a4b-4c7d-8e1f-000000000001' as DiskId;
    await addFeedEvent(db, { type: 'disk.told', disk, data: { text: 'two\nlines' } }, Date.UTC(2024, 1, 29));
    await stream.until(() => stream.text().includes('two'));
    assert.equal(
      stream.text(),
      ':\nid: 0\n\nid: 1\nevent: disk.told\n' +
        `data: {"seq":1,"at":"2024-02-29T00:00:00.000Z","type":"disk.told","disk":"${disk}","data":{"text":"two\\nlines"}}\n\n`,
    );
  });

  test('a stream is never silent for more than 15 s, and its comments say how far it was read', async () => {
    const clock = makeClock();
    const stream = follow(clock, ['wanted.*']);
    stream.read();
    for (let seq = 1; seq <= 3; seq++) {
      await addFeedEvent(db, { type: 'unwanted.told' }, 1);
      await stream.until(() => stream.text().includes(`:\nid: ${seq}\n\n`));
      assert.ok(clock.ms <= seq * 15_400, `comment ${seq} came after ${clock.ms} ms`);
    }
    assert.ok(!stream.text().includes('data:'));
  });

  test('the next page is read only when the last one was taken', async () => {
    for (let i = 0; i < 500; i++) await addFeedEvent(db, { type: 'some.told' }, 1);
    const stream = follow(makeClock());
    for (let i = 0; i < 1_000; i++) await turn();
    assert.equal(stream.buffered(), ':\nid: 0\n\n'.length, 'nothing was read of the feed');
    stream.read();
    await stream.until(() => stream.text().includes('id: 500\n'));
    assert.equal(stream.text().match(/^event: some.told$/gm)?.length, 500);
  });

  test('one question asks for all who wait, and none is asked when nobody does', async () => {
    let questions = 0;
    const counted = new Proxy(db, {
      get(target, name) {
        if (name === 'selectFrom') questions++;
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const clock = makeClock();
    const watch = watchFeed(counted, { clock, log: quiet });
    const end = new AbortController();
    const all = Array.from({ length: 100 }, () => watch.after(0, { ms: 1_000, signal: end.signal }));
    assert.deepEqual(new Set(await Promise.all(all)), new Set([false]));
    assert.deepEqual([questions, clock.ms], [5, 1_000]);
    const two = [0, 1].map((seq) => watch.after(seq, { ms: 1_000_000, signal: end.signal }));
    await addFeedEvent(db, { type: 'some.told' }, 1);
    assert.equal(await two[0], true);
    end.abort();
    assert.equal(await two[1], false, 'who is waiting for a later one waited on');
    const asked = questions;
    for (let i = 0; i < 20; i++) await turn();
    assert.equal(questions, asked);
  });

  test('a page tells of a gap only when the oldest is gone, or the feed is behind', async () => {
    assert.deepEqual(await readFeed(db, { after: 0, limit: 5 }), { events: [], next: 0, gap: undefined });
    for (let i = 0; i < 10; i++) await addFeedEvent(db, { type: 'some.told' }, 1);
    assert.equal((await readFeed(db, { after: 0, limit: 5 })).gap, undefined);
    assert.deepEqual(await readFeed(db, { after: 10, limit: 5 }), { events: [], next: 10, gap: undefined });
    assert.deepEqual((await readFeed(db, { after: 11, limit: 5 })).gap, { wanted: 12, from: 11 });
    await db.deleteFrom('events').where('seq', '<', 4).execute();
    assert.deepEqual((await readFeed(db, { after: 0, limit: 5 })).gap, { wanted: 1, from: 4 });
    assert.equal((await readFeed(db, { after: 3, limit: 5 })).gap, undefined);
  });

  test('filters of types name one, all of a kind, or all', () => {
    for (const good of ['operation.done', 'operation.*', '*', 'pi.power.on', 'gap']) assert.match(good, TYPE_FILTER);
    for (const bad of ['', '.', 'Operation', 'operation.', '*.done', 'a b', 'a.*.b']) {
      assert.doesNotMatch(bad, TYPE_FILTER);
    }
    assert.ok(isWanted([], 'any.thing'));
    assert.ok(isWanted(['pool.*', 'operation.*'], 'operation.done'));
    assert.ok(!isWanted(['operation.*'], 'operations.done'));
    assert.ok(!isWanted(['operation.done'], 'operation.done-again'));
  });
});
