import assert from 'node:assert/strict';
import { readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { listAudit } from '../../db/audit.ts';
import { listFeed } from '../../db/events.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { call } from '../lab/bakery.ts';
import type { HeldBakery } from '../lab/held-bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack } from '../lab/rack.ts';
import { startToySwitch, type ToySwitch } from '../lab/switches/toy-switch.ts';
import { untilAtRest } from '../lab/world-check.ts';

const SECRET = 'correct-horse-battery';
const OTHER = 'another-long-password';

interface Switch {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, boolean>>;
  readonly boundPis: number;
  readonly fault?: string;
  readonly description?: string;
}
interface Port {
  readonly port: string;
  readonly power: string;
  readonly pi?: string;
  readonly found: readonly string[];
  readonly uplink?: boolean;
}
interface Finding {
  readonly pi: string;
  readonly outcome: string;
  readonly binds: boolean;
}
interface Problem {
  readonly code: string;
  readonly detail: string;
}

inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: HeldBakery;
  let toy: ToySwitch;
  let db: Db;
  /** Everything that was ever answered. */
  const answers: string[] = [];

  const start = () =>
    rack.startHeld({ BAKERY_TEST_PACE: JSON.stringify({ switches: 200 }), BAKERY_SWITCH_SURVEY_MINUTES: '10' });
  async function must<T>(status: number, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    answers.push(JSON.stringify(answer.body));
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
  const code = async (status: number, method: string, path: string, body?: unknown) =>
    (await must<Problem>(status, method, path, body)).code;
  const settings = () => ({ url: toy.url, password: SECRET });
  const get = (name = 'rack-a') => must<Switch>(200, 'GET', `/switches/${name}`);
  const macOf = (i: number) => `dc:a6:32:00:00:0${i}`;
  const idOf = (i: number) => rack.serials[i] ?? '';
  const discover = async (body?: object) =>
    (await must<{ pis: Finding[] }>(200, 'POST', '/switches/rack-a/discover', body)).pis.map(
      ({ pi, outcome, binds }) => `${rack.serials.indexOf(pi)} ${outcome}${binds ? ' binds' : ''}`,
    );
  /** Waits for the next event of that type after `seq`. */
  async function told(type: string, seq: number): Promise<object> {
    for (;;) {
      const found = (await listFeed(db, { after: seq, limit: 1_000 })).find((event) => event.type === type);
      if (found) return { pi: found.pi, ...found.data };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const newest = async () => (await listFeed(db, { after: 0, limit: 100_000 })).at(-1)?.seq ?? 0;

  before(async () => {
    rack = await makeRack(4);
    toy = await startToySwitch(['1', '2', '3', '24'], SECRET);
    bakery = await start();
    db = await openDatabase(join(rack.world.root, 'bakery.db'));
    for (const [i, id] of rack.serials.entries()) await must(201, 'POST', '/pis', { id, mac: macOf(i) });
  });
  after(async () => {
    await db?.destroy();
    await toy?.close();
    await rack?.close(bakery);
  });

  test('a switch is entered with secrets that are never shown, changed one by one, and deleted twice', async () => {
    const kinds = await must<{ kinds: { name: string; secrets: string[]; settings: object }[] }>(
      200,
      'GET',
      '/switch-kinds',
    );
    const lab = kinds.kinds.find(({ name }) => name === 'lab');
    assert.deepEqual(lab?.secrets, ['password', 'backupPassword']);
    assert.match(JSON.stringify(lab?.settings), /"password":\{[^}]*"writeOnly":true/);
    const made = await must<Switch>(201, 'POST', '/switches', { name: 'rack-a', kind: 'lab', settings: settings() });
    assert.deepEqual(made.settings, { url: toy.url });
    assert.deepEqual(made.secrets, { password: true, backupPassword: false });
    assert.deepEqual(await get(), made);
    assert.deepEqual(await must(200, 'GET', '/switches'), { switches: [made] });
    assert.equal(
      await code(409, 'POST', '/switches', { name: 'rack-a', kind: 'lab', settings: settings() }),
      'switch-exists',
    );
    const patched = await must<Switch>(200, 'PATCH', '/switches/rack-a', {
      settings: { timeoutMs: 100, backupPassword: OTHER },
      notes: 'top',
    });
    assert.deepEqual(patched.settings, { url: toy.url, timeoutMs: 100 });
    assert.deepEqual(patched.secrets, { password: true, backupPassword: true });
    const less = await must<Switch>(200, 'PATCH', '/switches/rack-a', {
      settings: { timeoutMs: null, backupPassword: null },
    });
    assert.deepEqual(
      [less.settings, less.secrets],
      [made.settings, made.secrets],
      'null takes it back, the rest stays',
    );
    for (const [body, expected] of [
      [{ name: 'b', kind: 'none', settings: {} }, 'switch-kind-unknown'],
      [{ name: 'b', kind: 'lab', settings: { url: toy.url } }, 'bad-switch-settings'],
      [{ name: 'b', kind: 'lab', settings: { ...settings(), pasword: OTHER } }, 'bad-switch-settings'],
      [{ name: 'b', kind: 'lab', settings: { ...settings(), url: `http://${OTHER} /` } }, 'bad-switch-settings'],
      [{ name: '../b', kind: 'lab', settings: settings() }, 'bad-request'],
    ] as const) {
      assert.equal(await code(400, 'POST', '/switches', body), expected, JSON.stringify(body));
    }
    assert.equal(await code(400, 'PATCH', '/switches/rack-a', { settings: { password: null } }), 'bad-switch-settings');
    assert.equal(await code(404, 'PATCH', '/switches/none', { notes: '' }), 'switch-unknown');
    await must(201, 'POST', '/switches', { name: 'rack-b', kind: 'lab', settings: settings() });
    await must(200, 'DELETE', '/switches/rack-b');
    await must(200, 'DELETE', '/switches/rack-b');
    assert.equal(await code(404, 'GET', '/switches/rack-b'), 'switch-unknown');
  });

  test('a test says what it is, or what is wrong with it in words that tell no secret', async () => {
    const budget = { limitMilliwatts: 62_000, usedMilliwatts: 0 };
    assert.deepEqual(await must(200, 'POST', '/switches/rack-a/test'), {
      description: 'lab switch 1.0',
      ports: 4,
      budget,
    });
    assert.deepEqual(await must(200, 'POST', '/switches/rack-a/test', { port: '2' }), { power: 'off' });
    assert.deepEqual(await must(200, 'POST', '/switches/rack-a/test', { port: '99' }), { power: 'unknown' });
    await must(200, 'PATCH', '/switches/rack-a', { settings: { password: OTHER } });
    const refused = await must<Problem>(409, 'POST', '/switches/rack-a/test');
    assert.deepEqual(
      [refused.code, refused.detail],
      ['switch-refused', 'switch rack-a refuses: its address does not take the password ***'],
    );
    assert.match((await get()).fault ?? '', /refuses/);
    await must(200, 'PATCH', '/switches/rack-a', { settings: { password: SECRET } });
    toy.state = 'broken';
    assert.equal(await code(503, 'POST', '/switches/rack-a/test'), 'switch-failed');
    toy.state = 'works';
    await must(200, 'POST', '/switches/rack-a/test');
    assert.equal((await get()).fault, undefined);
    assert.equal(await code(404, 'POST', '/switches/none/test'), 'switch-unknown');
  });

  test('its ports tell the Pis that are bound to them and those that are found on them', async () => {
    await must(200, 'PATCH', `/pis/${idOf(0)}`, { port: { switch: 'rack-a', port: '1' } });
    toy.ports['1']?.macs.push(macOf(0));
    toy.ports['24']?.macs.push(macOf(3), 'dc:a6:32:00:00:09');
    // What is a moment old is not asked for again; with new settings it is another switch.
    await must(200, 'PATCH', '/switches/rack-a', { settings: { timeoutMs: 99 } });
    const { ports } = await must<{ ports: Port[] }>(200, 'GET', '/switches/rack-a/ports');
    const shown = ports.map(({ port, pi, found, uplink }) => [port, pi, found, uplink]);
    assert.deepEqual(shown, [
      ['1', idOf(0), [idOf(0)], undefined],
      ['2', undefined, [], undefined],
      ['3', undefined, [], undefined],
      ['24', undefined, [idOf(3)], true],
    ]);
  });

  test('a Pi is switched through the port that it was bound to a moment ago', async () => {
    await must(200, 'PATCH', `/pis/${idOf(2)}`, { maintenance: true });
    await must(200, 'PATCH', `/pis/${idOf(2)}`, { port: { switch: 'rack-a', port: '3' } });
    for (const action of ['on', 'off'] as const) {
      await must(202, 'POST', `/pis/${idOf(2)}/power`, { action });
      await untilAtRest(rack.world, 30_000);
      assert.equal(toy.ports['3']?.power, action);
      assert.ok(!rack.lit.has(idOf(2)), 'nobody asked the driver of the environment');
    }
    await must(200, 'PATCH', `/pis/${idOf(2)}`, { port: null, maintenance: false });
  });

  test('a discovery proposes, and binds when it is told to; what has moved only when that is meant, too', async () => {
    toy.ports['2']?.macs.push(macOf(1));
    assert.deepEqual(await discover(), ['0 already', '1 bound binds', '2 notFound', '3 ambiguous']);
    assert.equal((await get()).boundPis, 1, 'only proposed');
    assert.deepEqual(await discover({ apply: true }), ['0 already', '1 bound binds', '2 notFound', '3 ambiguous']);
    assert.equal((await get()).boundPis, 2);
    const before = await newest();
    // Two change places, while the server looks on.
    for (const [port, i] of [
      ['1', 1],
      ['2', 0],
    ] as const) {
      toy.ports[port]?.macs.splice(0, 9, macOf(i));
    }
    await told('pi.moved-port', before);
    assert.deepEqual(await discover({ apply: true }), ['0 moved', '1 moved', '2 notFound', '3 ambiguous']);
    assert.deepEqual(await discover({ apply: true, rebind: true }), [
      '0 moved binds',
      '1 moved binds',
      '2 notFound',
      '3 ambiguous',
    ]);
    const { port, movedTo } = await must<{ port: object; movedTo?: object }>(200, 'GET', `/pis/${idOf(0)}`);
    assert.deepEqual([port, movedTo], [{ switch: 'rack-a', port: '2' }, undefined]);
  });

  test('a Pi that is found on another port is told, is not picked, and is right again when it is back', async () => {
    const before = await newest();
    toy.ports['2']?.macs.splice(0);
    toy.ports['3']?.macs.push(macOf(0));
    assert.deepEqual(await told('pi.moved-port', before), {
      pi: idOf(0),
      boundTo: { switch: 'rack-a', port: '2' },
      foundAt: { switch: 'rack-a', port: '3' },
    });
    const moved = await must<{ movedTo: object; port: object }>(200, 'GET', `/pis/${idOf(0)}`);
    assert.deepEqual(moved.movedTo, { switch: 'rack-a', port: '3' });
    assert.deepEqual(moved.port, { switch: 'rack-a', port: '2' }, 'nobody bound it anew');
    toy.ports['3']?.macs.splice(0);
    toy.ports['2']?.macs.push(macOf(0));
    await told('pi.moved-port-cleared', before);
    const back = await must<{ movedTo?: object }>(200, 'GET', `/pis/${idOf(0)}`);
    assert.equal(back.movedTo, undefined);
  });

  test('a switch with Pis on it is deleted only when they are to be unbound', async () => {
    assert.equal(await code(409, 'DELETE', '/switches/rack-a'), 'switch-in-use');
    await must(200, 'DELETE', '/switches/rack-a?unbind=true');
    const pi = await must<{ port?: object }>(200, 'GET', `/pis/${idOf(0)}`);
    assert.equal(pi.port, undefined);
    await must(201, 'POST', '/switches', { name: 'rack-a', kind: 'lab', settings: settings() });
  });

  describe('the key', () => {
    const key = () => join(rack.world.root, 'secrets.key');

    test('is readable by root alone, and what it seals is nowhere in the clear', async () => {
      assert.deepEqual([statSync(key()).mode & 0o777, statSync(key()).size], [0o600, 32]);
      const files = ['bakery.db', 'bakery.db-wal'].map((name) => readFileSync(join(rack.world.root, name), 'latin1'));
      const places = { answers: answers.join(), log: bakery.output(), database: files.join() };
      for (const [where, text] of Object.entries(places)) {
        for (const secret of [SECRET, OTHER]) assert.ok(!text.includes(secret), `${secret} is in the ${where}`);
      }
      assert.ok(
        (await listAudit(db, { before: undefined, limit: 1_000 })).some(({ path }) =>
          path.endsWith('/switches/rack-a'),
        ),
      );
    });

    test('that is lost keeps no server from starting, and loses nothing: put back it is in use at once', async () => {
      renameSync(key(), `${key()}.kept`);
      await bakery.stop();
      bakery = await start();
      const { fault, secrets, settings: shown } = await get();
      assert.deepEqual(
        [fault, secrets, shown],
        ['its credentials cannot be read; enter them again', {}, { url: toy.url }],
      );
      assert.equal(await code(409, 'POST', '/switches/rack-a/test'), 'switch-unusable');
      assert.equal(
        await code(409, 'PATCH', '/switches/rack-a', { settings: { timeoutMs: 9 } }),
        'switch-credentials-lost',
      );
      await must(200, 'PATCH', '/switches/rack-a', { notes: 'its key is away' });
      renameSync(`${key()}.kept`, key());
      await must(200, 'PATCH', '/switches/rack-a', { notes: 'its key is back' });
      await must(200, 'POST', '/switches/rack-a/test');
      rmSync(key());
      await must(200, 'PATCH', '/switches/rack-a', { settings: { password: SECRET } });
      await must(200, 'POST', '/switches/rack-a/test');
    });
  });

  test('a switch that never answers keeps no server from stopping', async () => {
    toy.state = 'silent';
    const asked = toy.asked.length;
    await toy.until(asked + 1);
    assert.equal(await bakery.stop(), 0);
    assert.doesNotMatch(bakery.output(), /did not stop in order|a switch could not be asked/);
    toy.state = 'works';
    bakery = await start();
  });
});
