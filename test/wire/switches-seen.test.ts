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
});
