import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '../../core/log.ts';
import { createMetricsPage, type MetricSources } from '../../server/metrics/collect.ts';
import { createMetrics } from '../../server/metrics/metrics.ts';
import { createObservers } from '../../server/metrics/observe.ts';
import { noCalls } from '../../server/power/switches/counted.ts';
import { lint, parseExposition, seriesValue } from '../lab/exposition.ts';

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };
const MIB = 1024 ** 2;

const sources: MetricSources = {
  census: async () => ({
    pis: new Map([
      ['fridge', 3],
      ['baked', 2],
    ]),
    flags: { maintenance: 1, quarantine: 0, awaitOff: 2, fault: 0 },
    disks: new Map([
      ['root/ready', 2],
      ['data/removing', 1],
    ]),
    bakeforms: new Map([['ready', 4]]),
    operations: new Map([['stuck', 1]]),
    trash: 7,
    webhooks: { all: 2, failing: 1, behind: 12 },
  }),
  pool: async () => ({
    reading: {
      kind: 'plain',
      pool: { available: 600 * MIB, total: 1000 * MIB },
      host: { available: 600 * MIB, total: 1000 * MIB },
      growable: 0,
      unreserved: 0,
      dirty: 0,
    },
    level: 'high',
  }),
  volumes: async () => [
    { folder: 'volumes', files: 3, bytes: 30 },
    { folder: 'trash', files: 7, bytes: 70 },
  ],
  exports: () => ({ wanted: 5, served: 4 }),
  boots: () => ({ underWay: { 'first-rom': 4, other: 1 }, waiting: { 'first-rom': 9, other: 0 } }),
  switches: async () => ({
    kinds: ['snmp-poe', 'webhook'],
    figures: [
      { name: 'a', kind: 'snmp-poe', works: true, surveyedAt: 1_700_000_000_500, calls: noCalls() },
      { name: 'b', kind: 'snmp-poe', works: false, surveyedAt: undefined, calls: noCalls() },
      { name: 'c', kind: 'gone', works: undefined, surveyedAt: undefined, calls: noCalls() },
    ],
  }),
  lastBackup: async () => 1_700_000_000_500,
  parts: async () => [{ part: 'nfs', state: 'degraded' }],
};

function setUp(change: Partial<MetricSources> = {}) {
  const metrics = createMetrics({ version: '1.2.3', node: 'v24.0.0' });
  const observers = createObservers(metrics);
  const page = createMetricsPage({ metrics, sources: { ...sources, ...change }, log: quiet });
  return { observers, read: async () => parseExposition(await page.write()), contentType: page.contentType };
}

test('the page is in the text format of Prometheus, follows its conventions, and tells what was read', async () => {
  const { read, contentType, observers } = setUp();
  observers.http({ route: '/a/:b', method: 'GET', status: 200, seconds: 0.2 });
  const page = await read();
  assert.deepEqual(lint(page), []);
  assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8');
  const strangers = [...page.keys()].filter((name) => !/^(?:bakery|process|nodejs)_/.test(name));
  assert.deepEqual(strangers, []);
  const told = (name: string, labels?: Record<string, string>) => seriesValue(page, name, labels);
  assert.equal(told('bakery_build_info', { version: '1.2.3', node: 'v24.0.0' }), 1);
  assert.equal(told('bakery_pis', { state: 'fridge' }), 3);
  assert.equal(told('bakery_pis', { state: 'held' }), 0, 'a state that nothing is in is told all the same');
  assert.equal(told('bakery_flagged_pis', { flag: 'awaitOff' }), 2);
  assert.equal(told('bakery_disks', { role: 'data', state: 'removing' }), 1);
  assert.equal(told('bakery_bakeforms', { state: 'ready' }), 4);
  assert.equal(told('bakery_operations', { state: 'stuck' }), 1);
  assert.equal(told('bakery_operations', { state: 'running' }), 0);
  assert.equal(told('bakery_trashed_disks'), 7);
  assert.equal(told('bakery_webhooks_behind_events'), 12);
  assert.equal(told('bakery_pool_free_bytes'), 600 * MIB);
  assert.equal(told('bakery_pool_used_bytes'), 400 * MIB);
  assert.equal(told('bakery_pool_reserve_bytes'), 250 * MIB);
  assert.equal(told('bakery_pool_level', { level: 'high' }), 1);
  assert.equal(told('bakery_pool_level', { level: 'normal' }), 0);
  assert.equal(told('bakery_volume_bytes', { folder: 'trash' }), 70);
  assert.equal(told('bakery_exports_wanted'), 5);
  assert.equal(told('bakery_exports_served'), 4);
  assert.equal(told('bakery_boots', { class: 'first-rom', state: 'waiting' }), 9);
  assert.equal(told('bakery_boots', { class: 'other', state: 'under-way' }), 1);
  assert.equal(told('bakery_boots', { class: 'other', state: 'waiting' }), 0);
  assert.equal(told('bakery_last_backup_timestamp_seconds'), 1_700_000_000.5);
  assert.equal(told('bakery_part_state', { part: 'nfs', state: 'degraded' }), 1);
  assert.ok((told('nodejs_eventloop_lag_p99_seconds') ?? -1) >= 0);
  assert.ok((told('process_resident_memory_bytes') ?? 0) > 0);
});

test('what is told as it happens is counted, each thing under its own words', async () => {
  const { read, observers } = setUp();
  observers.work.step({ kind: 'bake', step: 'clone', outcome: 'failed', seconds: 3 });
  observers.work.operation({ kind: 'bake', outcome: 'done', seconds: 5 });
  observers.power({ driver: 'ppi', action: 'on', outcome: 'timeout', seconds: 10 });
  const transfer = {
    client: '10.0.0.9',
    filename: 'x',
    bytes: 1_000,
    milliseconds: 40,
    waitedMilliseconds: 2,
  } as never;
  const { transfer: ended, load, restart } = observers.tftp;
  ended({ ...(transfer as object), outcome: 'sent' } as never);
  ended({ ...(transfer as object), outcome: 'aborted', bytes: 24 } as never);
  ended({ ...(transfer as object), outcome: 'refused', bytes: 0 } as never);
  load({ sessions: 3, turnedAway: 4 });
  load({ sessions: 1, turnedAway: 1 });
  restart();
  observers.dhcp.packet('pi4');
  observers.dhcp.packet('other');
  observers.dhcp.offer('pi4');
  observers.powerRound({ agree: 9, differ: 2, unknown: 1 });
  observers.powerRound({ agree: 11, differ: 0, unknown: 1 });
  const page = await read();
  const told = (name: string, labels?: Record<string, string>) => seriesValue(page, name, labels);
  assert.equal(
    told('bakery_operation_step_duration_seconds_sum', { kind: 'bake', step: 'clone', outcome: 'failed' }),
    3,
  );
  assert.equal(told('bakery_operation_duration_seconds_count', { kind: 'bake', outcome: 'done' }), 1);
  assert.equal(told('bakery_power_call_duration_seconds_sum', { driver: 'ppi', action: 'on', outcome: 'timeout' }), 10);
  assert.equal(told('bakery_tftp_transfers_total', { outcome: 'sent' }), 1);
  assert.equal(told('bakery_tftp_transfers_total', { outcome: 'refused' }), 1);
  assert.equal(told('bakery_tftp_sent_bytes_total'), 1_024);
  assert.equal(told('bakery_tftp_transfer_duration_seconds_count', { outcome: 'refused' }), undefined);
  assert.equal(told('bakery_tftp_answer_duration_seconds_count'), 3);
  assert.equal(told('bakery_tftp_turned_away_total'), 5);
  assert.equal(told('bakery_tftp_sessions'), 1);
  assert.equal(told('bakery_tftp_restarts_total'), 1);
  assert.equal(told('bakery_dhcp_packets_total', { sender: 'pi4' }), 1);
  assert.equal(told('bakery_dhcp_packets_total', { sender: 'other' }), 1);
  assert.equal(told('bakery_dhcp_offers_total', { sender: 'pi4' }), 1);
  assert.equal(told('bakery_power_sync_rounds_total'), 2);
  const observed = ['as-wished', 'differs', 'unknown'].map((power) => told('bakery_observed_pis', { power }));
  assert.deepEqual(observed, [11, 0, 1]);
});

test('failures of the power driver are those since the last call that worked; what was aborted is none', () => {
  const { observers } = setUp();
  const call = (outcome: 'done' | 'unconfirmed' | 'timeout' | 'refused' | 'failed' | 'aborted') => {
    observers.power({ driver: 'ppi', action: 'off', outcome, seconds: 1 });
    return observers.powerFailures();
  };
  assert.deepEqual((['timeout', 'failed', 'aborted', 'refused', 'done'] as const).map(call), [1, 2, 2, 3, 0]);
  assert.deepEqual((['failed', 'unconfirmed'] as const).map(call), [1, 0]);
});

test('switches are told by kind, and each by what became of its calls, until it is gone', async () => {
  const calls = noCalls();
  const all = await sources.switches();
  const [a, ...others] = all.figures;
  assert.ok(a);
  let figures = [{ ...a, calls }, ...others];
  const { read } = setUp({ switches: async () => ({ ...all, figures }) });
  calls.survey.done = 3;
  let page = await read();
  assert.deepEqual(lint(page), []);
  const told = (name: string, labels?: Record<string, string>) => seriesValue(page, `bakery_${name}`, labels);
  assert.deepEqual(
    ['snmp-poe', 'webhook', 'gone'].map((kind) => told('switches', { kind })),
    [2, 0, 1],
    'those of a kind that is not there any more are still there',
  );
  const works = () => ['a', 'b', 'c'].map((name) => told('switch_survey_success', { switch: name }));
  assert.deepEqual(works(), [1, 0, undefined], 'of one that nobody has asked nothing is known');
  assert.equal(told('switch_last_survey_timestamp_seconds', { switch: 'a' }), 1_700_000_000.5);
  assert.equal(told('switch_last_survey_timestamp_seconds', { switch: 'b' }), undefined);
  const surveys = () =>
    ['done', 'failed'].map((outcome) => told('switch_calls_total', { switch: 'a', action: 'survey', outcome }));
  assert.deepEqual(surveys(), [3, 0]);
  calls.survey.failed = 1;
  page = await read();
  assert.deepEqual(surveys(), [3, 1], 'it is counted once, however often it is read');
  figures = others;
  page = await read();
  assert.deepEqual(surveys(), [undefined, undefined]);
  assert.deepEqual(works(), [undefined, 0, undefined]);
});

test('no client makes series: calls that there are not, and odd methods, are one each', async () => {
  const { read, observers } = setUp();
  const seriesOf = async () => (await read()).get('bakery_http_requests_total')?.samples.length;
  for (const method of ['PROPFIND', 'LOCK', 'BREW']) {
    observers.http({ route: undefined, method, status: 404, seconds: 0.1 });
  }
  assert.equal(await seriesOf(), 1);
});

test('a reading that fails is left out of the page and counted; the rest is there, also what was read before', async () => {
  let fails = false;
  const census = async () => {
    if (fails) throw new Error('no database');
    return sources.census();
  };
  const { read } = setUp({ census });
  assert.equal(seriesValue(await read(), 'bakery_trashed_disks'), 7);
  fails = true;
  const page = await read();
  assert.equal(seriesValue(page, 'bakery_trashed_disks'), undefined, 'not 0, and not what it was');
  assert.equal(seriesValue(page, 'bakery_pis', { state: 'fridge' }), undefined);
  assert.equal(seriesValue(page, 'bakery_collect_errors_total', { collector: 'census' }), 1);
  assert.equal(seriesValue(page, 'bakery_exports_wanted'), 5);
  fails = false;
  assert.equal(seriesValue(await read(), 'bakery_trashed_disks'), 7);
});

test('who asks at the same time gets the same page, read once', async () => {
  let reads = 0;
  const { read } = setUp({
    async census() {
      reads++;
      return sources.census();
    },
  });
  await Promise.all(Array.from({ length: 10 }, read));
  assert.equal(reads, 1);
});

for (const [what, text] of Object.entries({
  'a sample before its TYPE': 'a_total 1\n',
  'no HELP': '# TYPE a_total counter\na_total 1\n',
  'a metric twice':
    '# HELP a x\n# TYPE a gauge\na 1\n# HELP b x\n# TYPE b gauge\nb 1\n# HELP a x\n# TYPE a gauge\na 1\n',
  'a series twice': '# HELP a x\n# TYPE a gauge\na{x="1",y="2"} 1\na{y="2",x="1"} 1\n',
  'a bad escape': '# HELP a x\n# TYPE a gauge\na{x="\\q"} 1\n',
  'an open quote': '# HELP a x\n# TYPE a gauge\na{x="1} 1\n',
  'a bad label': '# HELP a x\n# TYPE a gauge\na{1x="1"} 1\n',
  'no value': '# HELP a x\n# TYPE a gauge\na one\n',
  'no end': '# HELP a x\n# TYPE a gauge\na 1',
  'a histogram without +Inf': '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n',
  'shrinking buckets':
    '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
})) {
  test(`the parser of these tests refuses ${what}`, () => assert.throws(() => parseExposition(text)));
}

test('the lint of these tests finds names that break the conventions', () => {
  const page = (name: string, type: string) => lint(parseExposition(`# HELP ${name} x\n# TYPE ${name} ${type}\n`));
  for (const [name, type] of [
    ['requests', 'counter'],
    ['open_total', 'gauge'],
    ['wait_ms', 'gauge'],
    ['fooBar', 'gauge'],
    ['a_gauge', 'gauge'],
    ['a_count', 'gauge'],
  ]) {
    assert.equal(page(name ?? '', type ?? '').length, 1, name);
  }
});
