import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startPowerServer } from '../../lab/power-server.ts';

/** A power server with two ports that tell what happens to them, and one that is broken. */
async function bench(context: TestContext) {
  const did: string[] = [];
  const gate = Promise.withResolvers<void>();
  const port = (name: string, wait: Promise<void>) => {
    const act = async (word: string) => {
      did.push(`${name} ${word}`);
      await wait;
      did.push(`${name} is ${word}`);
    };
    return { on: () => act('on'), off: () => act('off') };
  };
  const broken = { on: () => Promise.reject(new Error('no power')), off: () => Promise.resolve() };
  const server = await startPowerServer({
    0: port('zero', Promise.resolve()),
    1: port('one', gate.promise),
    2: broken,
  });
  context.after(() => server.close());
  const get = async (path: string, method = 'GET') => {
    const answer = await fetch(server.url + path, { method });
    return `${answer.status} ${await answer.text()}`;
  };
  return { did, server, get, open: gate.resolve };
}

test('answers ok, without a newline, once the power is on or off', async (context) => {
  const { did, get, server } = await bench(context);
  assert.equal(await get('/poweron/0'), '200 ok');
  assert.deepEqual(did, ['zero on', 'zero is on']);
  assert.equal(await get('/poweroff/0'), '200 ok');
  assert.equal(await get('/poweroff/0'), '200 ok');
  assert.deepEqual(
    server.calls.map(({ port, action }) => `${port} ${action}`),
    ['0 on', '0 off', '0 off'],
  );
  assert.ok(server.calls.every(({ at }) => Math.abs(Date.now() - at) < 60_000));
});

test('one port is switched by one call at a time, in their order', async (context) => {
  const { did, get, open, server } = await bench(context);
  const on = get('/poweron/1');
  while (server.calls.length < 1) await new Promise((resolve) => setImmediate(resolve));
  const off = get('/poweroff/1');
  while (server.calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await get('/poweron/0'), '200 ok', 'another port does not wait');
  open();
  await Promise.all([on, off]);
  assert.deepEqual(
    did.filter((word) => word.startsWith('one')),
    ['one on', 'one is on', 'one off', 'one is off'],
  );
});

test('everything else is 404 and no call', async (context) => {
  const { get, server } = await bench(context);
  const tails = ['/', '/poweron', '/poweron/', '/poweron/3', '/poweron/01', '/poweron/1/', '/poweron/-1', '/powerup/1'];
  for (const path of [...tails, '/poweron/1?x', '/poweron/toString', '/POWERON/1'])
    assert.match(await get(path), /^404 /, path);
  assert.match(await get('/poweron/1', 'POST'), /^404 /);
  assert.deepEqual(server.calls, []);
});

test('a port that fails is 500, and the next call has its turn', async (context) => {
  const { get } = await bench(context);
  assert.equal(await get('/poweron/2'), '500 Error: no power');
  assert.equal(await get('/poweroff/2'), '200 ok');
});
