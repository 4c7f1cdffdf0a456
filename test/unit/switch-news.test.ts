import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { listFeed } from '../../db/events.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { addSwitch, changeSwitch, removeSwitch } from '../../db/switches.ts';
import { createSwitchNews, type SwitchNews } from '../../server/power/switches/news.ts';
import { changedNames } from '../../server/power/switches/settings.ts';
import { handClock } from '../lab/fake-clock.ts';

const error = new BakeryError('unavailable', 'switch-failed', 'switch a could not be asked', { detail: 'a path' });

describe('news of switches', () => {
  let db: Db;
  let logged: string[];
  const open = (): SwitchNews => {
    const write = (_: object, message: string) => void logged.push(message);
    return createSwitchNews({ db, clock: handClock(), log: { debug: write, info: write, warn: write, error: write } });
  };
  const record = { name: 'a', kind: 'toy', notes: '', settings: { host: 'h' }, sealed: undefined, createdAt: 0 };
  /** What was told since the last call, as `<type> <Pi or switch> …`. */
  let seen = 0;
  async function told(): Promise<string[]> {
    const events = await listFeed(db, { after: seen, limit: 1_000 });
    seen = events.at(-1)?.seq ?? seen;
    return events.map(({ type, pi, data }) => [type, pi, JSON.stringify(data)].filter(Boolean).join(' '));
  }

  beforeEach(async () => {
    db = await openDatabase(':memory:');
    [logged, seen] = [[], 0];
    await addSwitch(db, record);
    await told();
  });
  afterEach(() => db.destroy());

  test('a switch that does not answer is told once, also over a restart, and when it answers again', async () => {
    await open().surveyed('a', {});
    assert.deepEqual(await told(), [], 'it is no news that it answers');
    await open().surveyed('a', { error });
    await open().surveyed('a', { error });
    assert.deepEqual(await told(), [
      'switch.unreachable {"switch":"a","error":{"code":"switch-failed","message":"switch a could not be asked"}}',
    ]);
    await open().surveyed('a', {});
    await open().surveyed('a', {});
    assert.deepEqual(await told(), ['switch.answers {"switch":"a"}']);
  });

  test('one that is deleted while it is asked leaves nothing behind for another of its name', async () => {
    await open().surveyed('a', { error });
    await removeSwitch(db, 'a', { unbind: false, now: 0 });
    await removeSwitch(db, 'a', { unbind: false, now: 0 });
    await open().surveyed('a', { error });
    await addSwitch(db, record);
    await open().surveyed('a', {});
    assert.deepEqual((await told()).slice(1), [
      'switch.deleted {"switch":"a"}',
      'switch.created {"switch":"a","kind":"toy"}',
    ]);
  });

  test('a change is told by the names of what is changed, and none is not told', async () => {
    const before = { host: 'h', port: 1 };
    const patch = { host: 'i', port: 1, password: 'same-as-before', gone: null };
    assert.deepEqual(changedNames({ secrets: ['password'] }, before, patch), ['host', 'password']);
    assert.deepEqual(changedNames({ secrets: [] }, before, { port: null, host: 'h' }), ['port']);
    await changeSwitch(db, record, { changed: [], now: 0 });
    await changeSwitch(db, { ...record, notes: 'top' }, { changed: ['host'], now: 0 });
    assert.deepEqual(await told(), ['switch.changed {"switch":"a","kind":"toy","settings":["host"],"notes":true}']);
  });

  test('what cannot be told fails no survey', async () => {
    const news = open();
    await db.schema.dropTable('events').execute();
    await news.surveyed('a', { error });
    assert.deepEqual(logged, ['what a survey of a switch found could not be told']);
    await db.schema.createTable('events').addColumn('seq', 'integer').execute();
  });
});
