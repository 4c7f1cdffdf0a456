import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import {
  judgeBackup,
  judgeDatabase,
  judgeDhcp,
  judgeHttp,
  judgeNfs,
  judgePool,
  judgePower,
  judgeRecovery,
  judgeSpace,
  judgeSwitches,
  judgeTftp,
  judgeWebhooks,
} from '../../server/reconcile/judge.ts';
import { createReadiness, type Judgement } from '../../server/reconcile/readiness.ts';

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };
const HOUR = 3_600_000;

/** Time that a test moves; what sleeps too long is woken at once. */
function setUp(check: () => Promise<Judgement>) {
  const time = { now: 0 };
  const clock = {
    ...systemClock,
    monotonic: () => time.now,
    sleep: async (ms: number, signal?: AbortSignal) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      signal?.throwIfAborted();
      time.now += ms;
    },
  };
  const asked = { count: 0 };
  const readiness = createReadiness({
    checks: {
      one: () => {
        asked.count++;
        return check();
      },
      other: () => ({ state: 'ready', detail: 'well' }) as const,
    },
    clock,
    log: quiet,
  });
  return { readiness, time, asked };
}

test('an answer is told for a second: who asks without a token makes no work', async () => {
  const { readiness, time, asked } = setUp(async () => ({ state: 'ready', detail: '' }));
  for (let i = 0; i < 50; i++) await readiness();
  await Promise.all(Array.from({ length: 50 }, readiness));
  assert.equal(asked.count, 1);
  time.now += 1_000;
  await readiness();
  assert.equal(asked.count, 2);
});

test('a part that throws is not ready, without a word of why; the others are told as they are', async () => {
  const { readiness } = setUp(async () => {
    throw new Error('/secret/path is gone');
  });
  assert.deepEqual(await readiness(), [
    { part: 'one', state: 'not-ready', detail: 'it cannot be asked how it is' },
    { part: 'other', state: 'ready', detail: 'well' },
  ]);
});

test('a part that hangs is not ready, holds up nobody, and is not asked again before it has answered', async () => {
  const answer = Promise.withResolvers<Judgement>();
  const { readiness, time, asked } = setUp(() => answer.promise);
  const [one] = await readiness();
  assert.deepEqual(one, { part: 'one', state: 'not-ready', detail: 'it does not answer within 3 s' });
  time.now += 5_000;
  assert.equal((await readiness())[0]?.state, 'not-ready');
  assert.equal(asked.count, 1);
  answer.resolve({ state: 'ready', detail: 'again' });
  await answer.promise;
  await new Promise(setImmediate);
  time.now += 5_000;
  assert.equal((await readiness())[0]?.detail, 'again');
  assert.equal(asked.count, 2);
});

const JUDGED: readonly [what: string, judged: Judgement, state: Judgement['state'], detail?: RegExp][] = [
  ['the database', judgeDatabase({ moved: false }), 'ready'],
  ['a database that was moved', judgeDatabase({ moved: true }), 'not-ready', /moved/],
  ['a pool', judgePool({ kind: 'reflink', usable: true }), 'ready'],
  ['a pool that is read-only', judgePool({ kind: 'reflink', usable: false }), 'not-ready'],
  ['room', judgeSpace('normal'), 'ready'],
  ['a pool that gets full', judgeSpace('low'), 'ready'],
  ['a pool that is nearly full', judgeSpace('high'), 'degraded'],
  ['a pool that takes nothing new', judgeSpace('refuse'), 'degraded'],
  ['a pool on which nothing may be written', judgeSpace('readonly'), 'not-ready', /read-only/],
  ['an NFS server', judgeNfs({ alive: true, wanted: 2, served: 2 }), 'ready', /^2 exports/],
  [
    'an NFS server that serves too little',
    judgeNfs({ alive: true, wanted: 3, served: 2 }),
    'degraded',
    /^1 export of 3/,
  ],
  ['no NFS server', judgeNfs({ isNone: true, alive: true, wanted: 0, served: 0 }), 'degraded', /nothing can be baked/],
  ['a dead NFS server', judgeNfs({ alive: false, wanted: 2, served: 2 }), 'not-ready'],
  ['TFTP', judgeTftp({ listening: true }), 'ready'],
  ['a dead TFTP thread', judgeTftp({ listening: false }), 'not-ready'],
  ['DHCP', judgeDhcp({ mode: 'listen', listening: true }), 'ready'],
  ['DHCP that answers', judgeDhcp({ mode: 'proxy', listening: true }), 'ready', /answers/],
  ['DHCP that is off', judgeDhcp({ mode: 'off', listening: false }), 'ready', /off/],
  ['DHCP without its port', judgeDhcp({ mode: 'taken', listening: false }), 'degraded', /another program/],
  ['dead DHCP', judgeDhcp({ mode: 'proxy', listening: false }), 'not-ready'],
  ['a server that stops', judgeHttp({ open: false }), 'not-ready'],
  ['a driver that works', judgePower({ driver: 'ppi', failures: 0 }), 'ready', /ppi/],
  ['a driver that fails', judgePower({ driver: 'ppi', failures: 2 }), 'degraded', /2 calls/],
  ['no webhooks', judgeWebhooks({ all: 0, failing: 0, behind: 0 }), 'ready'],
  ['a webhook that is not reached', judgeWebhooks({ all: 2, failing: 1, behind: 7 }), 'degraded', /1 of 2 .* 7 events/],
  ['recovery that goes on', judgeRecovery({ over: false, stuck: 0 }), 'degraded'],
  ['a stuck operation', judgeRecovery({ over: true, stuck: 1 }), 'degraded', /^1 operation stuck/],
  ['nothing to recover', judgeRecovery({ over: true, stuck: 0 }), 'ready'],
  ['no switches', judgeSwitches([]), 'ready', /there are none/],
  ['a switch that nobody has asked', judgeSwitches([{ works: undefined }, { works: true }]), 'ready', /any of 2/],
  ['a switch that does not answer', judgeSwitches([{ works: false }, { works: true }]), 'degraded', /^1 of 2 cannot/],
  ['a fresh backup', judgeBackup({ everyMs: HOUR, last: 0, failed: false, now: 2 * HOUR }), 'ready'],
  ['an old backup', judgeBackup({ everyMs: HOUR, last: 0, failed: false, now: 3 * HOUR }), 'degraded', /3 hours/],
  ['a backup that failed', judgeBackup({ everyMs: HOUR, last: 0, failed: true, now: 1 }), 'degraded'],
  ['no schedule', judgeBackup({ everyMs: 0, last: undefined, failed: false, now: 1 }), 'ready'],
  ['no backup yet', judgeBackup({ everyMs: HOUR, last: undefined, failed: false, now: 1 }), 'ready'],
];
test('how a part is follows from the facts', () => {
  for (const [what, judged, state, detail] of JUDGED) {
    assert.equal(judged.state, state, what);
    if (detail) assert.match(judged.detail, detail, what);
  }
});
