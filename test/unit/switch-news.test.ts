import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { requirePiId } from '../../core/ids.ts';
import { listFeed } from '../../db/events.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { forgetPi, remarkOn } from '../../db/pi-remarks.ts';
import { addPi } from '../../db/pis.ts';
import { addSwitch, bindPort, changeSwitch, removeSwitch } from '../../db/switches.ts';
import { listUnlisted } from '../../db/unlisted.ts';
import { createSwitchNews, type SwitchNews } from '../../server/power/switches/news.ts';
import { changedNames } from '../../server/power/switches/settings.ts';
import { handClock } from '../lab/fake-clock.ts';

const PI = requirePiId('00000001');
const error = new BakeryError('unavailable', 'switch-failed', 'switch a could not be asked', { detail: 'a path' });
const answer = (...ports: string[]) => ({ listed: ports.length === 0 ? undefined : new Set(ports) });

describe('news of switches', () => {
  let db: Db;
  let logged: string[];
  const open = (): SwitchNews => {
    const write = (_: object, message: string) => void logged.push(message);
    return createSwitchNews({ db, clock: handClock(), log: { debug: write, info: write, warn: write, error: write } });
  };
  const record = { name: 'a', kind: 'toy', notes: '', settings: { host: 'h' }, sealed: undefined, createdAt: 0 };
  const bind = (port: string | null) => remarkOn(db, PI, { port: port === null ? null : { switch: 'a', port } }, 0);
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
    await addPi(db, { id: PI, quarantine: false, confirmed: true, now: 0 });
    await told();
  });
  afterEach(() => db.destroy());

  test('a switch that does not answer is told once, also over a restart, and when it answers again', async () => {
    await open().surveyed('a', answer('1'));
    assert.deepEqual(await told(), [], 'it is no news that it answers');
    await open().surveyed('a', { error });
    await open().surveyed('a', { error });
    assert.deepEqual(await told(), [
      'switch.unreachable {"switch":"a","error":{"code":"switch-failed","message":"switch a could not be asked"}}',
    ]);
    await open().surveyed('a', answer());
    await open().surveyed('a', answer('1'));
    assert.deepEqual(await told(), ['switch.answers {"switch":"a"}']);
  });

  test('one that is deleted while it is asked leaves nothing behind for another of its name', async () => {
    await open().surveyed('a', { error });
    await removeSwitch(db, 'a', { unbind: false, now: 0 });
    await removeSwitch(db, 'a', { unbind: false, now: 0 });
    await open().surveyed('a', { error });
    await addSwitch(db, record);
    await open().surveyed('a', answer('1'));
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

  test('a Pi on a port that its switch does not list is told of once, until it is listed or bound anew', async () => {
    const port = (name: string) => `${PI} {"switch":"a","port":"${name}"}`;
    await bind('9');
    await open().surveyed('a', answer('1', '2'));
    await open().surveyed('a', answer('1', '2'));
    await bind('9');
    assert.deepEqual(await told(), [`pi.port-unlisted ${port('9')}`]);
    assert.deepEqual([...(await listUnlisted(db))], [PI]);
    await open().surveyed('a', answer('1', '9'));
    await open().surveyed('a', answer('1'));
    await bind('1');
    await open().surveyed('a', answer('1'));
    assert.deepEqual(await told(), [
      `pi.port-unlisted-cleared ${port('9')}`,
      `pi.port-unlisted ${port('9')}`,
      `pi.port-unlisted-cleared ${port('9')}`,
    ]);
    await bind('8');
    await open().surveyed('a', answer('1'));
    await bindPort(db, PI, null, 0);
    assert.deepEqual(await told(), [`pi.port-unlisted ${port('8')}`, `pi.port-unlisted-cleared ${port('8')}`]);
    assert.deepEqual([...(await listUnlisted(db))], []);
  });

  test('a switch that lists no port, does not answer, or is another says nothing of a Pi', async () => {
    await bind('9');
    await open().surveyed('a', answer());
    await open().surveyed('b', answer('1'));
    await open().surveyed('a', { error });
    assert.deepEqual([...(await listUnlisted(db))], []);
    await open().surveyed('a', answer('1'));
    await open().surveyed('a', answer());
    await open().surveyed('a', { error });
    assert.deepEqual([...(await listUnlisted(db))], [PI], 'nor does it take back what was said');
    await forgetPi(db, PI);
    assert.deepEqual([...(await listUnlisted(db))], []);
  });

  test('what cannot be told fails no survey', async () => {
    const news = open();
    await db.schema.dropTable('events').execute();
    await news.surveyed('a', { error });
    assert.deepEqual(logged, ['what a survey of a switch found could not be told']);
    await db.schema.createTable('events').addColumn('seq', 'integer').execute();
  });
});
