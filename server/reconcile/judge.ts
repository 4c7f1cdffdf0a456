import type { WebhookCensus } from '../../db/census.ts';
import type { SpaceLevel } from '../../exports/volumes/space.ts';
import type { Judgement } from './readiness.ts';

const ready = (detail: string): Judgement => ({ state: 'ready', detail });
const degraded = (detail: string): Judgement => ({ state: 'degraded', detail });
const notReady = (detail: string): Judgement => ({ state: 'not-ready', detail });

const some = (count: number, what: string) => (count === 1 ? `1 ${what}` : `${count} ${what}s`);

/** The database's file is where it was, and it answers. */
export function judgeDatabase(facts: { moved: boolean }): Judgement {
  return facts.moved ? notReady('its file was moved away; nothing can be changed') : ready('it answers');
}

/** The pool's folders are there and can be written. */
export function judgePool(facts: { kind: string; usable: boolean }): Judgement {
  return facts.usable ? ready(`its kind is ${facts.kind}`) : notReady('it is not there, or read-only');
}

const SPACE: { readonly [L in SpaceLevel]: Judgement } = {
  normal: ready('there is room'),
  low: ready('more than 80 % are used; the trash is emptied'),
  high: degraded('more than 90 % are used'),
  refuse: degraded('more than 95 % are used; nothing new is accepted'),
  readonly: notReady('it is full; all exports are read-only'),
};

/** How full the pool is. */
export const judgeSpace = (level: SpaceLevel): Judgement => SPACE[level];

/** The NFS server runs, and serves what it should. */
export function judgeNfs(facts: { isNone?: boolean; alive: boolean; wanted: number; served: number }): Judgement {
  if (facts.isNone) return degraded('there is none, and there are no volumes: nothing can be baked');
  if (!facts.alive) return notReady('it does not run; it is started again');
  const missing = facts.wanted - facts.served;
  if (missing > 0) return degraded(`${some(missing, 'export')} of ${facts.wanted} not served`);
  return ready(`${some(facts.served, 'export')} served`);
}

/** The TFTP thread listens. */
export function judgeTftp(facts: { listening: boolean }): Judgement {
  return facts.listening ? ready('it listens') : notReady('it does not listen; it is started again');
}

/** What Pis ask for by DHCP is read. `taken`: another program has the port. */
export function judgeDhcp(facts: { mode: 'listen' | 'proxy' | 'off' | 'taken'; listening: boolean }): Judgement {
  if (facts.mode === 'taken') return degraded('another program has its port; boots are not seen as they begin');
  if (facts.mode === 'off') return ready('it is off');
  if (!facts.listening) return notReady('it does not listen');
  return ready(facts.mode === 'proxy' ? 'it listens, and answers Pis' : 'it listens');
}

/** Requests are taken. */
export function judgeHttp(facts: { open: boolean }): Judgement {
  return facts.open ? ready('it listens') : notReady('the server is starting or stopping');
}

/** The last calls of the power driver. A switch nobody used since the start counts as working. */
export function judgePower(facts: { driver: string; failures: number }): Judgement {
  const { driver, failures } = facts;
  if (failures > 0) return degraded(`the last ${some(failures, 'call')} of the power driver or a switch failed`);
  return ready(driver === 'manual' ? 'a person switches' : `the driver is ${driver}`);
}

/** Switches can be used, and told what is on their ports when they were asked last. One that nobody has asked counts as working. */
export function judgeSwitches(switches: readonly { readonly works: boolean | undefined }[]): Judgement {
  const failing = switches.filter(({ works }) => works === false).length;
  if (failing > 0) return degraded(`${failing} of ${switches.length} cannot be asked, or cannot be used`);
  return ready(switches.length === 0 ? 'there are none' : `nothing is wrong with any of ${switches.length}`);
}

/** Events reach those who want them. */
export function judgeWebhooks({ all, failing, behind }: WebhookCensus): Judgement {
  if (failing > 0)
    return degraded(`${failing} of ${some(all, 'webhook')} cannot be reached, ${some(behind, 'event')} behind`);
  return ready(some(all, 'webhook'));
}

/** What a crash interrupted has ended, and nothing needs a person. */
export function judgeRecovery(facts: { over: boolean; stuck: number }): Judgement {
  if (facts.stuck > 0) return degraded(`${some(facts.stuck, 'operation')} stuck`);
  return facts.over ? ready('nothing is stuck') : degraded('operations that a restart interrupted go on');
}

const HOUR_MS = 3_600_000;

/** The database is copied as often as it should. */
export function judgeBackup(facts: {
  everyMs: number;
  last: number | undefined;
  failed: boolean;
  now: number;
}): Judgement {
  const { everyMs, last, failed, now } = facts;
  if (failed) return degraded('the last one failed; it is tried again');
  if (everyMs === 0) return ready('none are made by schedule');
  if (last === undefined) return ready('none was made yet');
  const hours = Math.floor((now - last) / HOUR_MS);
  return now - last > 2 * everyMs
    ? degraded(`the last one is ${some(hours, 'hour')} old`)
    : ready('the last one is fresh');
}
