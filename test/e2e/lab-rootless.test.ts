import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../lab/bakery.ts';
import { startLab } from '../lab/running-lab.ts';

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`${what}: not in time`);
    await sleep(50);
  }
}
/** Somebody who is not root and may do nothing that root may, but to whom the files of root are his: the checkout may be anywhere. */
const NOBODY = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];

test('a lab without root shows what there can be, says everywhere what cannot, and leaves nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-rootless-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const start = (pis: number) => startLab([String(pis), '--http-port', '0'], ['env', `TMPDIR=${folder}`, ...NOBODY]);
  const [lab, beside] = await Promise.all([start(3), start(1)]);
  t.after(() => Promise.all([lab.end('SIGKILL'), beside.end('SIGKILL')]));
  const PI = '1ab00001';

  await t.test(
    'Pis of every kind are in the fridge by themselves, each from an address of its own, and are switched off there',
    async () => {
      for (const name of ['lab-1', 'lab-2', 'lab-3']) {
        await until(name, async () => (await call(lab, 'GET', `/pis/${name}`)).status === 200);
      }
      await until('off', () => lab.output().match(/power off/g)?.length === 3);
      await until('its boot is told', async () => {
        const { body } = await call(lab, 'GET', `/pis/${PI}/boots`);
        const [boot] = (body as { boots: { diagnosis: { code: string } }[] }).boots;
        return boot?.diagnosis.code === 'not-baked';
      });
    },
  );
  await t.test('whatever would be baked or kept is refused, and says why', async () => {
    const asked = [
      ['/fridge', { bakeformName: 'sample' }],
      ['/disks', { size: 16 }],
      ['/bakeforms/sample', Buffer.alloc(3_000_000)],
      [`/pis/${PI}/rebake`, { bakeformName: 'sample' }],
      ['/bulk', { action: 'bake', bakeformName: 'sample', pis: [PI] }],
      ['/bulk', { action: 'rebake', bakeformName: 'sample', pis: [PI] }],
      ['/disks/1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed/snapshots', {}],
    ] as const;
    for (const [path, body] of asked) {
      const answer = await call(lab, 'POST', path, body);
      const { code, detail } = answer.body as { code: string; detail: string };
      assert.deepEqual([answer.status, code], [403, 'no-volumes'], path);
      assert.match(detail, /without root/);
    }
    const bulk = { action: 'patch', addTags: ['seen'], pis: [PI] };
    assert.equal((await call(lab, 'POST', '/bulk', bulk)).status, 202, 'what needs no volume goes on');
  });
  await t.test('its text and every answer say that it is a lab without root', async () => {
    assert.match(lab.output(), /^LAB .*without root: there is no DHCP and no NFS, and nothing can be baked/m);
    const answer = await fetch(`${lab.base.replace('/api/v1', '')}/readyz`);
    const { label, parts } = (await answer.json()) as { label: string; parts: { part: string; detail: string }[] };
    assert.match(label, /^lab without root: .*no bakes/);
    assert.equal(answer.headers.get('bakery-label'), label);
    assert.match(parts.find(({ part }) => part === 'nfs')?.detail ?? '', /nothing can be baked/);
  });
  await t.test(
    'one beside it has Pis of its own; its folder, when it is killed, is removed by the next lab',
    async () => {
      await until('lab-1', async () => (await call(beside, 'GET', '/pis/lab-1')).status === 200);
      assert.equal(await beside.end('SIGKILL'), 'SIGKILL');
      await until('nothing runs', () => beside.remains().length === 0);
      const left = readdirSync(folder);
      assert.equal(left.length, 2);
      const next = await start(1);
      t.after(() => next.end('SIGKILL'));
      const now = readdirSync(folder);
      assert.deepEqual([now.length, now.filter((name) => left.includes(name)).length], [2, 1]);
      assert.equal(await next.end('SIGTERM'), 0);
    },
  );
  await t.test('at its end all of it is gone', async () => {
    assert.equal(await lab.end('SIGINT'), 0);
    await until('nothing is left', () => lab.remains().length === 0);
    assert.deepEqual(readdirSync(folder), []);
  });
});
