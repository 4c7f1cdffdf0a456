import assert from 'node:assert/strict';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { unitLayout } from '../../exports/nfs/ganesha/layout.ts';
import { call } from '../lab/bakery.ts';
import { lint, parseExposition, seriesValue } from '../lab/exposition.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { type PowerServer, startPowerServer } from '../lab/power-server.ts';
import { sh } from '../lab/sh.ts';
import { fetchFile } from '../unit/netboot/client.ts';
import { createDisk, type FaultLab, freeMib, openFaultLab, PI, totalMib, until } from './lab.ts';

const OFF = { driver: 'simpleweb', action: 'off', outcome: 'done' };

interface Readiness {
  readonly status: string;
  readonly parts: readonly { readonly part: string; readonly state: string; readonly detail: string }[];
}

inOwnNamespace(import.meta.url, () => {
  let lab: FaultLab;
  let switched: PowerServer;
  let dead = false;
  const after: (() => unknown)[] = [];
  before(async () => {
    const flip = async () => {
      if (dead) throw new Error('the switch is dead');
    };
    switched = await startPowerServer({ 0: { on: flip, off: flip } });
    const settings = { BAKERY_ROOT_SIZE: '1GiB', LOG_LEVEL: 'debug', BAKERY_POWER: 'simpleweb' };
    lab = await openFaultLab(
      { after: (end) => void after.push(end as () => unknown) },
      {
        mib: 1000,
        type: 'xfs',
        settings,
        before(folder) {
          const PPI_CONFIG_PATH = join(folder, 'ppi.json');
          writeFileSync(PPI_CONFIG_PATH, JSON.stringify({ piList: { [PI]: { piId: PI, id: 0, url: switched.url } } }));
          return { PPI_CONFIG_PATH };
        },
      },
    );
  });
  // Its own order: what a test's hook adds runs when that test is over.
  test.after(async () => {
    for (const end of after.toReversed()) await end();
    await switched?.close();
  });

  const at = (path: string) => new URL(path, lab.bakery.base);
  const bearer = () => ({ headers: { authorization: `Bearer ${lab.bakery.token}` } });
  async function scrape() {
    const answer = await fetch(at('/metrics'), bearer());
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const page = parseExposition(await answer.text());
    assert.deepEqual(lint(page), []);
    return (name: string, labels?: Record<string, string>) => seriesValue(page, `bakery_${name}`, labels);
  }
  async function readiness() {
    const answer = await fetch(at('/readyz'));
    const body = (await answer.json()) as Readiness;
    const stateOf = (part: string) => body.parts.find((one) => one.part === part)?.state;
    return { status: answer.status, body, stateOf };
  }
  /** Waits until a part is in that state; the HTTP status then. */
  const untilPart = (part: string, state: string) =>
    until(`${part} is ${state}`, async () => {
      const now = await readiness();
      return now.stateOf(part) === state && now;
    });

  test('a page of metrics needs a token, and tells what a life of a Pi did, under bounded words', async () => {
    const stranger = await fetch(at('/metrics'));
    assert.equal(stranger.status, 401);
    assert.match(stranger.headers.get('content-type') ?? '', /^application\/problem\+json/);
    assert.doesNotMatch(await stranger.text(), /bakery_/);

    assert.equal((await lab.upload('tiny')).status, 201);
    await lab.bake(PI);
    assert.equal((await createDisk(lab)).status, 201);
    const boot = await fetchFile(lab.bakery.tftpPort, `${PI}/config.txt`);
    assert.equal(boot.error, undefined);
    await call(lab.bakery, 'GET', '/nothing/like/this?secret=1');
    await call(lab.bakery, 'GET', '/oven/ffffffff');
    await fetch(at('/nowhere'), { method: 'PROPFIND' });
    // Its own answer and the transfer's end are told when they are over.
    const told = await until('all is told', async () => {
      const now = await scrape();
      return (now('tftp_transfers_total', { outcome: 'sent' }) ?? 0) >= 1 && now('tftp_sessions') === 0 && now;
    });
    assert.equal(told('pis', { state: 'baked' }), 1);
    assert.equal(told('pis', { state: 'fridge' }), 0);
    assert.equal(told('bakeforms', { state: 'ready' }), 1);
    assert.equal(told('disks', { role: 'root', state: 'ready' }), 1);
    assert.equal(told('disks', { role: 'data', state: 'ready' }), 1);
    assert.equal(told('volumes', { folder: 'volumes' }), 2);
    assert.equal(told('volumes', { folder: 'golden' }), 1);
    assert.equal(told('exports_wanted'), 1);
    assert.equal(told('exports_served'), 1);
    assert.equal(told('operations', { state: 'running' }), 0);
    for (const kind of ['upload-bakeform', 'bake', 'create-disk']) {
      assert.equal(told('operation_duration_seconds_count', { kind, outcome: 'done' }), 1, kind);
    }
    const { operations } = await lab.ask<{ operations: { kind: string; steps: { name: string }[] }[] }>(
      'GET',
      '/operations',
      200,
    );
    for (const { kind, steps } of operations) {
      for (const { name: step } of steps) {
        const count = told('operation_step_duration_seconds_count', { kind, step, outcome: 'done' });
        assert.equal(count, 1, `${kind} ${step}`);
      }
    }
    assert.equal(told('tftp_sent_bytes_total'), boot.data.length);
    assert.equal(told('pool_size_bytes'), (told('pool_free_bytes') ?? 0) + (told('pool_used_bytes') ?? 0));
    assert.equal(told('pool_level', { level: 'normal' }), 1);
    assert.ok((told('volume_bytes', { folder: 'golden' }) ?? 0) > 0);
    const requests = (route: string, status: number, method = 'GET') =>
      told('http_requests_total', { route, method, status: String(status) });
    assert.equal(requests('/api/v1/oven/:piId', 404), 1);
    assert.equal(requests('/metrics', 401), 1);
    assert.equal(requests('none', 404), 1);
    assert.equal(requests('none', 404, 'other'), 1);
    assert.equal(requests('/api/v1/fridge', 202, 'POST'), 1);
    assert.equal(told('part_state', { part: 'nfs', state: 'ready' }), 1);
    assert.equal(told('collect_errors_total', { collector: 'census' }), 0);
  });

  test('the log says of every line of an operation and its steps which request it is for, and who asked', async () => {
    const { entries } = await lab.ask<{ entries: { path: string; operation?: string; request: string }[] }>(
      'GET',
      '/audit',
      200,
    );
    const lines = lab.bakery
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const [path, kind] of [
      ['/api/v1/bakeforms/tiny', 'upload-bakeform'],
      ['/api/v1/fridge', 'bake'],
      ['/api/v1/disks', 'create-disk'],
    ]) {
      const asked = entries.find((entry) => entry.path === path);
      assert.ok(asked?.operation, path);
      const { steps } = await lab.ask<{ steps: { name: string }[] }>('GET', `/operations/${asked.operation}`, 200);
      const own = lines.filter(({ operation }) => operation === asked.operation);
      assert.equal(own.filter(({ msg }) => msg === 'operation started').length, 1);
      assert.equal(own.filter(({ msg }) => msg === 'operation done').length, 1);
      assert.deepEqual(
        own.filter(({ msg }) => msg === 'step done').map(({ step }) => step),
        steps.map(({ name }) => name),
      );
      for (const line of own) {
        assert.deepEqual([line.request, line.actor, line.kind], [asked.request, 'admin', kind], String(line.msg));
      }
      const answered = lines.filter(({ request, msg }) => request === asked.request && msg === 'answered');
      assert.deepEqual(
        answered.map(({ url }) => url),
        [path],
        'and the request itself has that id',
      );
    }
  });

  test('each part that is really broken is told as not ready, or degraded, and as ready when it is mended', async () => {
    const whole = await untilPart('http', 'ready');
    assert.deepEqual([whole.status, whole.body.status], [200, 'ready']);
    assert.deepEqual(
      whole.body.parts.map(({ part }) => part),
      [
        'http',
        'database',
        'pool',
        'space',
        'nfs',
        'tftp',
        'dhcp',
        'power',
        'switches',
        'webhooks',
        'recovery',
        'backup',
      ],
    );
    const seen: Readiness[] = [];
    const broken = async (part: string, state: 'degraded' | 'not-ready') => {
      const now = await untilPart(part, state);
      seen.push(now.body);
      assert.equal(now.status, now.body.parts.some((one) => one.state === 'not-ready') ? 503 : 200);
      return now;
    };

    const program = sh('sh', '-c', 'command -v ganesha.nfsd').trim();
    const broke = join(lab.folder, 'broken');
    writeFileSync(broke, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    sh('mount', '--bind', broke, program);
    process.kill(JSON.parse(readFileSync(unitLayout(lab.root).records.ganesha, 'utf8')).pid, 'SIGKILL');
    assert.equal((await broken('nfs', 'not-ready')).body.status, 'not-ready');
    assert.equal((await fetch(at('/healthz'))).status, 200, 'the process is alive all the same');
    sh('umount', program);

    const [file, away] = [join(lab.root, 'bakery.db'), join(lab.root, 'away.db')];
    renameSync(file, away);
    assert.equal((await broken('database', 'not-ready')).status, 503);
    renameSync(away, file);

    const outside = join(lab.disk, 'outside');
    const reserve = Math.ceil(totalMib(lab.disk) / 4);
    sh('fallocate', '--length', `${freeMib(lab.disk) - reserve + 40}M`, outside);
    assert.equal((await broken('space', 'not-ready')).status, 503);
    assert.equal((await scrape())('pool_level', { level: 'readonly' }), 1);
    rmSync(outside);

    sh('mount', '--bind', lab.root, lab.root);
    // Refused while a file is open for writing there, as the database is now and then.
    await until('it is read-only', () => {
      try {
        return sh('mount', '-o', 'remount,bind,ro', lab.root) === '';
      } catch {
        return false;
      }
    });
    await broken('pool', 'not-ready');
    sh('umount', lab.root);

    const before = (await scrape())('power_call_duration_seconds_count', OFF) ?? 0;
    dead = true;
    await lab.ask('POST', '/webhooks', 201, { url: 'http://127.0.0.1:9/' });
    await lab.ask('DELETE', `/oven/${PI}`, 200);
    await broken('webhooks', 'degraded');
    await broken('power', 'degraded');
    dead = false;
    for (const part of ['nfs', 'database', 'space', 'pool', 'power']) await untilPart(part, 'ready');
    const told = await scrape();
    const failed = told('power_call_duration_seconds_count', { ...OFF, outcome: 'failed' }) ?? 0;
    assert.equal(told('power_call_duration_seconds_count', OFF), before + 1);
    assert.equal(before + 1 + failed, switched.calls.length, 'every call that reached the switch is counted');
    const mended = await readiness();
    assert.deepEqual([mended.status, mended.body.status], [200, 'degraded'], 'the webhook stays unreachable');

    const words = JSON.stringify(seen);
    for (const secret of [lab.root, lab.bakery.token, '/', PI]) assert.ok(!words.includes(secret), secret);
  });
});
