import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../lab/bakery.ts';
import { type RunningLab, startLab } from '../lab/running-lab.ts';

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`${what}: not in time`);
    await sleep(50);
  }
}
/** Bakes a Pi as soon as it is free: that it has no power is known before its being switched off has ended. */
const bake = (lab: RunningLab, wish: object) =>
  until('taken', async () => (await call(lab, 'POST', '/fridge', wish)).status === 202);
const mounts = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(' /run/'));

test('a lab runs as a user starts it: its Pis come into the fridge, one is baked, boots and is switched, and nothing of it is left', async (t) => {
  const before = mounts();
  const lab = await startLab(['2', '--http-port', '0']);
  t.after(() => lab.end('SIGKILL'));
  const ask = async <T>(method: string, path: string, expected: number, body?: unknown): Promise<T> => {
    const answer = await call(lab, method, path, body);
    assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  };
  type Told = { boots: { state: string; stages: { stage: string }[] }[] };
  const PI = '1ab00002';

  await t.test('both Pis are in the fridge by themselves, with the names of the lab', async () => {
    for (const name of ['lab-1', 'lab-2']) {
      await until(name, async () => (await call(lab, 'GET', `/pis/${name}`)).status === 200);
    }
    assert.deepEqual(Object.keys(await ask<object>('GET', '/fridge', 200)).toSorted(), ['1ab00001', PI]);
  });
  await t.test('every answer says that it is a lab', async () => {
    const answer = await fetch(`${lab.base.replace('/api/v1', '')}/readyz`);
    const { label, status } = (await answer.json()) as { label: string; status: string };
    assert.match(label, /^lab:/);
    assert.deepEqual([answer.headers.get('bakery-label'), status], [label, 'ready']);
  });
  await t.test(
    'one that is baked boots at a power-cycle, from its power-on to its own word that it is ready',
    async () => {
      await ask('POST', '/fridge', 202, { bakeformName: 'sample', piId: PI });
      await until('baked', async () => (await ask<{ status: number }>('GET', `/oven/${PI}`, 200)).status === 2);
      await ask('POST', `/pis/${PI}/power`, 202, { action: 'cycle' });
      await lab.prints('lab-2 (3B+): up');
      const [boot] = (await ask<Told>('GET', `/pis/${PI}/boots`, 200)).boots;
      assert.deepEqual(
        [boot?.state, ...(boot?.stages.map(({ stage }) => stage) ?? [])],
        ['up', 'power-on', 'dhcp', 'first-file', 'firmware', 'cmdline', 'kernel', 'root-mounted', 'ready'],
      );
    },
  );
  await t.test('its port takes its power', async () => {
    await ask('POST', `/pis/${PI}/power`, 202, { action: 'off' });
    await lab.prints('lab-2 (3B+): power off');
  });
  await t.test('at its end all of it is gone', async () => {
    assert.equal(await lab.end('SIGINT'), 0);
    await until('nothing is left', () => lab.remains().length === 0);
    assert.deepEqual(mounts(), before);
  });
});

test('a lab goes on with what the one before it was told to keep; killed in the middle it leaves nothing else', async (t) => {
  const keep = mkdtempSync('/tmp/bakery-kept-');
  t.after(() => rmSync(keep, { recursive: true }));
  const PI = '1ab00001';
  const args = ['1', '--http-port', '0', '--keep', keep];
  const first = await startLab(args);
  t.after(() => first.end('SIGKILL'));
  await first.prints('lab-1 (3B): power off');
  await bake(first, { bakeformName: 'sample', piId: PI });
  type Oven = { status: number; disks: { id: string }[] };
  const oven = async (lab: RunningLab) => (await call(lab, 'GET', `/oven/${PI}`)).body as Oven;
  await until('baked', async () => (await oven(first)).status === 2);
  const { disks } = await oven(first);
  assert.equal(await first.end('SIGINT'), 0);

  const killed = await startLab(args);
  t.after(() => killed.end('SIGKILL'));
  // It is baked: that the rack is switched on is all that it takes.
  await killed.prints('lab-1 (3B): up');
  assert.deepEqual((await oven(killed)).disks, disks);
  assert.deepEqual(Object.keys((await call(killed, 'GET', '/bakeforms')).body as object), ['sample']);
  assert.equal(await killed.end('SIGKILL'), 'SIGKILL');
  await until('nothing is left', () => killed.remains().length === 0);
});

test('with --qemu the first Pi is an emulated Raspberry Pi 3, whose serial console is read over the API', async (t) => {
  const lab = await startLab(['1', '--qemu', '--http-port', '0']);
  t.after(() => lab.end('SIGKILL'));
  const PI = '1ab00001';
  await lab.prints('lab-1 (3B): power off');
  assert.equal((await call(lab, 'GET', `/pis/${PI}/console`)).status, 404, 'it has printed nothing yet');
  await bake(lab, { bakeformName: 'pi3', piId: PI, power: 'on' });
  await lab.prints('lab-1 (3B): up');
  const { boots } = (await call(lab, 'GET', `/pis/${PI}/boots`)).body as { boots: { stages: { stage: string }[] }[] };
  assert.equal(boots[0]?.stages.at(-1)?.stage, 'ready', 'by its own call');
  const answer = await fetch(`${lab.base}/pis/${PI}/console`, { headers: { authorization: `Bearer ${lab.token}` } });
  const printed = await answer.text();
  for (const words of ['Booting Linux on physical CPU', 'LAB root-mounted', `LAB hostname ${PI}`, 'LAB ready\n']) {
    assert.ok(printed.includes(words), words);
  }
  assert.equal(await lab.end('SIGINT'), 0);
  await until('nothing is left', () => lab.remains().length === 0);
});
