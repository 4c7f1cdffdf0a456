import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';

const ENTRY = fileURLToPath(new URL('../lab/switched-main.ts', import.meta.url));
const [PI, MOVED] = ['ca5e0001', 'ca5e0002'];

inOwnNamespace(import.meta.url, () => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-switched-'));
  const root = join(folder, 'root');
  const ports: Record<string, string> = { 1: 'on', 2: 'on', 3: 'on' };
  const sets: string[] = [];
  let bakery: RunningBakery;
  const device = createServer(async (request, response) => {
    if (request.method === 'PUT') {
      const body = await text(request);
      sets.push(body);
      Object.assign(ports, JSON.parse(body));
    }
    response.end(JSON.stringify(ports));
  });

  async function ask<T>(status: number, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
  const faultOf = async (pi: string) => (await ask<{ fault?: string }>(200, 'GET', `/pis/${pi}`)).fault;
  async function until(isSo: () => Promise<boolean>): Promise<void> {
    while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  /** Switches, and waits for the operation's end. */
  async function power(pi: string, action: string) {
    const { id } = await ask<{ id: string }>(202, 'POST', `/pis/${pi}/power`, { action });
    type Operation = { readonly state: string; readonly error?: { readonly code: string } };
    const read = () => ask<Operation>(200, 'GET', `/operations/${id}`);
    await until(async () => ['done', 'failed', 'stuck'].includes((await read()).state));
    return read();
  }

  before(async () => {
    mkdirSync(root, { mode: 0o711 });
    await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(device.address() as AddressInfo).port}/`;
    const settings = {
      BAKERY_ADDRESS: '127.0.0.1',
      BAKERY_EXPORT_POLICY: 'any',
      BAKERY_POOL: 'plain',
      BAKERY_CYCLES_PER_HOUR: '1',
      BAKERY_TEST_SWITCH: JSON.stringify({ url, bound: { [PI]: '1', [MOVED]: '2' } }),
    };
    bakery = await startBakery({ root, settings, entry: ENTRY });
    await ask(201, 'POST', '/pis', { id: PI, port: { switch: 'lab', port: '1' } });
    await ask(201, 'POST', '/pis', { id: MOVED, port: { switch: 'lab', port: '3' } });
  });
  after(async () => {
    await bakery?.stop();
    device.close();
    device.closeAllConnections();
    await stopLeftovers(root);
    rmSync(folder, { recursive: true, force: true });
  });

  test('a bound Pi is switched at its port, and what the switch says is shown', async () => {
    assert.equal((await power(PI, 'off')).state, 'done');
    assert.deepEqual(sets, ['{"1":"off"}']);
    assert.deepEqual(await ask(200, 'GET', `/pis/${PI}/power`), { reach: 'port', desired: 'off', observed: 'off' });
  });

  // A limit: a server that does not look would be waited for for ever.
  test('a Pi that is on behind our back has a fault, until it is off again', { timeout: 20_000 }, async () => {
    ports['1'] = 'on';
    await until(async () => (await faultOf(PI)) !== undefined);
    assert.equal(await faultOf(PI), 'its power is not as wished: it should be off, and its switch says on');
    ports['1'] = 'off';
    await until(async () => (await faultOf(PI)) === undefined);
    const headers = { authorization: `Bearer ${bakery.token}` };
    const page = await (await fetch(new URL('/metrics', bakery.base), { headers })).text();
    assert.match(page, /^bakery_observed_pis\{power="as-wished"\} 1$/m);
    assert.match(page, /^bakery_power_sync_rounds_total [1-9]/m);
    assert.deepEqual(sets, ['{"1":"off"}'], 'nobody switched it');
  });

  test('a Pi that was cycled too often is not cycled again this hour, but switched off', async () => {
    await ask(200, 'PATCH', `/pis/${PI}`, { maintenance: true });
    assert.equal((await power(PI, 'cycle')).state, 'done');
    assert.deepEqual(sets.slice(1), ['{"1":"off"}', '{"1":"on"}']);
    const refused = await ask<{ code: string }>(429, 'POST', `/pis/${PI}/power`, { action: 'cycle' });
    assert.equal(refused.code, 'too-many-cycles');
    assert.equal((await power(PI, 'off')).state, 'done');
  });

  test('a port that the inventory gives to nobody, or another, is not touched', async () => {
    const ended = await power(MOVED, 'off');
    assert.deepEqual([ended.state, ended.error?.code, ports['2']], ['failed', 'port-not-ours', 'on']);
    assert.match((await faultOf(MOVED)) ?? '', /not bound to port 2 of switch lab any more/);
  });
});
