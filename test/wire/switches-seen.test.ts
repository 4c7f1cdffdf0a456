import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { call } from '../lab/bakery.ts';
import { type HeldBakery, startHeldBakery } from '../lab/held-bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { startToySwitch, type ToySwitch } from '../lab/switches/toy-switch.ts';

const SECRET = 'correct-horse-battery';
const OTHER = 'another-long-password';

inOwnNamespace(import.meta.url, () => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-switches-'));
  const root = join(folder, 'root');
  let bakery: HeldBakery;
  let toy: ToySwitch;
  /** Somebody else's machine, that takes the secrets of whoever calls. */
  let thief: ToySwitch;

  async function must<T>(status: number, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  const metric = async (series: string) => {
    const headers = { authorization: `Bearer ${bakery.token}` };
    const page = await (await fetch(new URL('/metrics', bakery.base), { headers })).text();
    return page.split('\n').flatMap((line) => (line.startsWith(`bakery_${series} `) ? [line.split(' ')[1]] : []))[0];
  };
  interface Part {
    readonly part: string;
    readonly state: string;
    readonly detail: string;
  }
  /** How the part `switches` is; an answer is a second old at most. */
  async function untilPart(state: string): Promise<Part & { readonly status: number }> {
    for (;;) {
      const answer = await fetch(new URL('/readyz', bakery.base));
      const { parts } = (await answer.json()) as { parts: Part[] };
      const part = parts.find((one) => one.part === 'switches');
      assert.ok(part);
      if (part.state === state) return { ...part, status: answer.status };
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  interface Told {
    readonly seq: number;
    readonly type: string;
    readonly pi?: string;
    readonly data: Readonly<Record<string, unknown>>;
  }
  let seen = 0;
  /** Events of those types since the last call. */
  async function told(types: string): Promise<Told[]> {
    const path = `/events?format=json&limit=1000&after=${seen}&types=${types}`;
    const { events, next } = await must<{ events: Told[]; next: number }>(200, 'GET', path);
    seen = next;
    return events;
  }

  before(async () => {
    mkdirSync(root, { mode: 0o711 });
    toy = await startToySwitch(['1', '2'], SECRET);
    thief = await startToySwitch(['1', '2'], OTHER);
    bakery = await startHeldBakery({ root, settings: { BAKERY_ADDRESS: '127.0.0.1', BAKERY_STORAGE: 'none' } });
  });
  after(async () => {
    await bakery?.stop();
    await toy?.close();
    await thief?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('secrets of a switch are sent to no other address than they were given for', async () => {
    const webhook = {
      path: '/set',
      body: '{"{port}": "{state}"}',
      queryMethod: 'POST',
      queryPath: '/survey',
      queryPointer: '/ports/0/power',
      ports: '1',
      token: SECRET,
    };
    for (const [kind, settings, secret] of [
      ['lab', { password: SECRET }, 'password'],
      ['webhook', webhook, 'token'],
    ] as const) {
      const path = `/switches/${kind}`;
      await must(201, 'POST', '/switches', { name: kind, kind, settings: { url: toy.url, ...settings } });
      await must(200, 'POST', `${path}/test`);
      const refused = await must<{ code: string; detail: string }>(400, 'PATCH', path, {
        settings: { url: thief.url },
      });
      assert.equal(refused.code, 'switch-secrets-needed');
      assert.match(refused.detail, new RegExp(`another url .* send ${secret} too`));
      await must(200, 'POST', `${path}/test`);
      // What he gets is what he has sent.
      await must(200, 'PATCH', path, { settings: { url: thief.url, [secret]: OTHER } });
      await must(200, 'POST', `${path}/test`);
      await must(200, 'DELETE', path);
    }
    assert.deepEqual(toy.asked, ['survey', 'survey', 'survey', 'survey']);
    assert.deepEqual(thief.asked, ['survey', 'survey']);
    assert.ok(toy.heard.every((request) => request.includes(SECRET)));
    assert.ok(thief.heard.every((request) => request.includes(OTHER) && !request.includes(SECRET)));
  });

  test('what becomes of a switch is told to whoever listens, without what is secret', async () => {
    await told('switch.*');
    await must(201, 'POST', '/switches', {
      name: 'rack-a',
      kind: 'lab',
      settings: { url: toy.url, password: SECRET, backupPassword: OTHER },
    });
    await must(200, 'PATCH', '/switches/rack-a', { settings: { timeoutMs: 400, backupPassword: null } });
    await must(200, 'PATCH', '/switches/rack-a', { settings: { timeoutMs: 400 } });
    await must(200, 'PATCH', '/switches/rack-a', { notes: 'top' });
    toy.state = 'broken';
    await must(503, 'POST', '/switches/rack-a/test');
    await must(503, 'GET', '/switches/rack-a/ports');
    toy.state = 'works';
    await must(200, 'POST', '/switches/rack-a/test');
    await must(200, 'POST', '/switches/rack-a/test');
    await must(200, 'DELETE', '/switches/rack-a');
    await must(200, 'DELETE', '/switches/rack-a');
    const events = await told('switch.*');
    const error = { code: 'switch-failed', message: 'switch rack-a could not be asked: its address answered 500' };
    assert.deepEqual(
      events.map(({ type, data }) => [type, data]),
      [
        ['switch.created', { switch: 'rack-a', kind: 'lab' }],
        ['switch.changed', { switch: 'rack-a', kind: 'lab', settings: ['backupPassword', 'timeoutMs'], notes: false }],
        ['switch.changed', { switch: 'rack-a', kind: 'lab', settings: [], notes: true }],
        ['switch.unreachable', { switch: 'rack-a', error }],
        ['switch.answers', { switch: 'rack-a' }],
        ['switch.deleted', { switch: 'rack-a' }],
      ],
    );
    assert.doesNotMatch(JSON.stringify(events), new RegExp(`${SECRET}|${OTHER}`));
  });

  test('a switch that does not answer is seen in the metrics, and degrades its part: the server stays ready', async () => {
    assert.equal((await untilPart('ready')).detail, 'there are none');
    await must(201, 'POST', '/switches', { name: 'rack-a', kind: 'lab', settings: { url: toy.url, password: SECRET } });
    assert.equal(await metric('switches{kind="lab"}'), '1');
    assert.equal(await metric('switch_survey_success{switch="rack-a"}'), undefined);
    await must(200, 'POST', '/switches/rack-a/test');
    assert.equal(await metric('switch_survey_success{switch="rack-a"}'), '1');
    const at = await metric('switch_last_survey_timestamp_seconds{switch="rack-a"}');
    const { surveyedAt } = await must<{ surveyedAt: string }>(200, 'GET', '/switches/rack-a');
    assert.ok(Math.abs(Number(at) - Date.parse(surveyedAt) / 1_000) < 2);
    toy.state = 'broken';
    await must(503, 'POST', '/switches/rack-a/test');
    assert.equal(await metric('switch_survey_success{switch="rack-a"}'), '0');
    const { status, detail } = await untilPart('degraded');
    assert.deepEqual([status, detail], [200, '1 of 1 cannot be asked, or cannot be used'], 'and names nothing');
    const calls = (outcome: string) =>
      metric(`switch_calls_total{switch="rack-a",action="survey",outcome="${outcome}"}`);
    assert.deepEqual([await calls('done'), await calls('failed')], ['1', '1']);
    toy.state = 'works';
    await must(200, 'POST', '/switches/rack-a/test');
    await untilPart('ready');
    await must(200, 'DELETE', '/switches/rack-a');
    assert.equal(await calls('done'), undefined);
  });

  test('a Pi that is bound to a port that its switch does not list is told of, and bound all the same', async () => {
    const PI = 'ca5e0001';
    const isUnlisted = (pi: { portUnlisted?: boolean }) => pi.portUnlisted === true;
    const place = (port: string) => ({ port: { switch: 'rack-a', port } });
    const get = async () => isUnlisted(await must(200, 'GET', `/pis/${PI}`));
    await told('pi.*');
    await must(201, 'POST', '/switches', { name: 'rack-a', kind: 'lab', settings: { url: toy.url, password: SECRET } });
    assert.equal(isUnlisted(await must(201, 'POST', '/pis', { id: PI, ...place('7') })), false, 'nobody has asked yet');
    toy.state = 'broken';
    await must(503, 'POST', '/switches/rack-a/test');
    assert.equal(await get(), false, 'it was not told what ports there are');
    toy.state = 'works';
    await must(200, 'GET', '/switches/rack-a/ports');
    assert.equal(await get(), true, 'it is found by the next survey');
    assert.equal(isUnlisted(await must(200, 'PATCH', `/pis/${PI}`, place('2'))), false);
    assert.equal(isUnlisted(await must(200, 'PATCH', `/pis/${PI}`, place('8'))), true, 'from what it told last');
    const another = await must<object>(201, 'POST', '/pis', { id: 'ca5e0002', ...place('9') });
    assert.equal(isUnlisted(another), true);
    const { pis } = await must<{ pis: { pi: string; why?: string }[] }>(200, 'POST', '/switches/rack-a/discover');
    assert.match(pis.find(({ pi }) => pi === PI)?.why ?? '', /; the switch lists no port 8$/);
    assert.deepEqual(
      (await told('pi.port-unlisted,pi.port-unlisted-cleared')).map(({ type, pi, data }) => [type, pi, data.port]),
      [
        ['pi.port-unlisted', PI, '7'],
        ['pi.port-unlisted-cleared', PI, '7'],
        ['pi.port-unlisted', PI, '8'],
        ['pi.port-unlisted', 'ca5e0002', '9'],
      ],
    );
  });
});
