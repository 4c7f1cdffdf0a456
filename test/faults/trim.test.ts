import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HOSTS, MIB, onHost } from '../contract/volumes-lab.ts';
import { call, stopLeftovers } from '../lab/bakery.ts';
import { type HeldBakery, startHeldBakery } from '../lab/held-bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { sh } from '../lab/sh.ts';
import { until } from './lab.ts';

const WEEK_MS = 7 * 24 * 3_600_000;
const SETTINGS = {
  BAKERY_ADDRESS: '127.0.0.1',
  BAKERY_TFTP_PORT: '0',
  BAKERY_DHCP_PORT: '0',
  BAKERY_TEST_PACE: '{"trim":50}',
};

inOwnNamespace(import.meta.url, () => {
  test('a running server trims each volume once a week, and tells how much came back', async (t) => {
    let bakery: HeldBakery | undefined;
    const ends: (() => Promise<void>)[] = [];
    t.after(async () => {
      await bakery?.stop();
      for (const end of ends) await end();
    });
    const root = onHost(t, HOSTS[2]);
    ends.push(() => stopLeftovers(root));
    mkdirSync(root, { recursive: true });
    bakery = await startHeldBakery({ root, settings: SETTINGS });
    const running = bakery;
    const counted = async (name: string) => {
      const { body } = await call({ ...running, base: running.base.replace('/api/v1', '') }, 'GET', '/metrics');
      return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(body)?.[1] ?? 0);
    };
    const trims = () => counted('bakery_trims_total{outcome="done"}');

    const { status, body } = await call(running, 'POST', '/disks', { size: 64 });
    assert.equal(status, 201);
    const { id, location } = body as { id: string; location: string };
    await until('it is trimmed a first time', async () => (await trims()) === 1);
    sh('mount', '-o', 'remount,nodiscard', location);
    writeFileSync(join(location, 'big'), randomBytes(40 * MIB), { flush: true });
    rmSync(join(location, 'big'));
    sh('sync', '--file-system', location);
    const has = () => statSync(join(root, 'pool', 'volumes', `${id}.ext4`)).blocks / 2048;
    const before = has();
    assert.ok(before > 40);
    const returned = await counted('bakery_trimmed_bytes_total');
    assert.equal(await trims(), 1, 'not before its time');

    await running.order({ passMs: WEEK_MS });
    await until('it is trimmed again', async () => (await trims()) === 2);
    assert.ok(has() < before - 38, `${has()} MiB`);
    assert.ok((await counted('bakery_trimmed_bytes_total')) - returned > 38 * MIB);
    assert.match(running.output(), /a volume was trimmed/);
  });
});
