import { randomUUID } from 'node:crypto';
import { type Boot, isUp, stageOf } from '../../core/boot.ts';
import { describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { knownPis, listOpenBoots, saveBoot } from '../../db/boots.ts';
import { addFeedEvent, type NewEvent } from '../../db/events.ts';
import type { Db } from '../../db/open.ts';
import { type BootState, bootState, type DiagnosisFacts, diagnose } from '../../netboot/boots/diagnosis.ts';
import { advanceBoot, type Sign } from '../../netboot/boots/timeline.ts';
import type { Sighting } from '../../netboot/dhcp/server.ts';
import type { TftpTransfer } from '../../netboot/tftp/server.ts';
import type { PowerCall } from '../power/service.ts';
import {
  type Asked,
  type Heard,
  type Lookups,
  recognise,
  signOfCall,
  signOfRequest,
  signOfTransfer,
} from './boot-signs.ts';

/** What is told of boots as it happens. None of it throws or waits, whatever the database does. */
export interface BootWatch {
  sighted(sighting: Sighting): void;
  /** A request for a file, before it is answered. */
  asked(request: Asked): void;
  /** How it ended. */
  transferred(request: Asked, end: Pick<TftpTransfer, 'outcome' | 'bytes'>): void;
  switched(call: PowerCall): void;
  /** Another sign of a Pi that is known. */
  note(pi: PiId, sign: Sign): void;
}

/** Keeps one record for each attempt of a Pi to boot. */
export interface BootRecorder extends BootWatch {
  /** Goes on with what a server before this one has written. */
  load(): Promise<void>;
  /** Takes in what was told, writes it down and tells it. What could not be written is written by the next. */
  round(): Promise<void>;
  /** The newest boot of a Pi; of what was told since the last round it knows nothing. */
  newest(pi: PiId): Boot | undefined;
  /** Boots that may yet mount a root: neither up nor at an end, and heard of lately. */
  rootless(): readonly Boot[];
  /** When the newest boot of a Pi last gave a sign, ms since the epoch. */
  lastHeard(pi: PiId): number | undefined;
  /** True when no boot of that Pi is under way: it is up, it stopped, its power was taken, or none was seen. */
  ended(pi: PiId): boolean;
}

/** Signs and events that wait at most; more are lost, and that is told. A boot of a Pi has some 100. */
const MAX_WAITING = 20_000;
/** Boots that are remembered at most, those heard last. */
const MAX_NEWEST = 20_000;
/** A boot that has been silent for longer mounts no root: nobody is asked for its sake. */
const HOPE_MS = 15 * 60_000;
/** Boards that say who they are and are not in the pool: remembered at most, and for how long. */
const MAX_UNKNOWN = 256;
const UNKNOWN_MS = 10 * 60_000;

/** Builds it. */
export function createBootRecorder(
  ports: Lookups & {
    /** Told when a Pi is up: its root is mounted, or it says so. Must not throw. */
    onUp?(pi: PiId): void;
    readonly db: Db;
    readonly clock: Clock;
    readonly log: Log;
    facts(): DiagnosisFacts;
  },
): BootRecorder {
  const { db, clock, log } = ports;
  let heard: Heard[] = [];
  let events: NewEvent[] = [];
  let lost = 0;
  /** By Pi, the one heard last at the end. */
  const newest = new Map<PiId, Boot>();
  /** What has still to be written, by the boot's id. */
  const unwritten = new Map<string, Boot>();
  let running: Promise<void> = Promise.resolve();

  function push(one: Heard): void {
    if (heard.length >= MAX_WAITING) lost++;
    else heard.push(one);
  }

  function tell(event: NewEvent): void {
    if (events.length >= MAX_WAITING) lost++;
    else events.push(event);
  }

  function keep(boot: Boot): void {
    unwritten.set(boot.id, boot);
    newest.delete(boot.pi);
    newest.set(boot.pi, boot);
    const [oldest] = newest.keys();
    if (newest.size > MAX_NEWEST && oldest !== undefined) newest.delete(oldest);
  }

  function tellStop(boot: Boot): Boot {
    const { code, text, next } = diagnose(boot, ports.facts());
    // A Pi that is in no oven is switched off: nothing is wrong with it.
    if (code !== 'not-baked') {
      const stage = stageOf(boot);
      const data = { boot: boot.id, ...(stage ? { stage } : {}), diagnosis: code, text, ...(next ? { next } : {}) };
      tell({ type: 'boot.stopped', pi: boot.pi, data });
    }
    return { ...boot, isStopTold: true };
  }

  function take(pi: PiId, sign: Sign): void {
    const { ended, boot, reached } = advanceBoot(newest.get(pi), sign, { pi, mint: randomUUID });
    if (ended && ended.id !== boot?.id) {
      unwritten.set(ended.id, isUp(ended) || ended.isStopTold ? ended : tellStop(ended));
    }
    if (boot && boot !== newest.get(pi)) keep(boot);
    if (reached.includes('root-mounted') || reached.includes('ready')) ports.onUp?.(pi);
    for (const stage of reached) tell({ type: 'boot.stage', pi, data: { boot: boot?.id, stage } });
  }

  async function takeIn(): Promise<void> {
    const batch = heard;
    heard = [];
    for (let i = 0; i < batch.length; i++) {
      const one = batch[i];
      if (!one) continue;
      try {
        const known = await recognise(one, ports);
        if (known) take(known.pi, known.sign);
      } catch (error) {
        // The database is busy or gone: the rest is for the next round.
        const rest = [...batch.slice(i), ...heard];
        lost += Math.max(0, rest.length - MAX_WAITING);
        heard = rest.slice(0, MAX_WAITING);
        throw error;
      }
    }
  }

  function noticeStops(): void {
    const now = clock.now();
    for (const boot of newest.values()) {
      if (boot.ended || boot.isStopTold || bootState(boot, now) !== 'stopped') continue;
      const told = tellStop(boot);
      newest.set(boot.pi, told);
      unwritten.set(told.id, told);
    }
  }

  async function write(): Promise<void> {
    if (unwritten.size === 0 && events.length === 0 && lost === 0) return;
    const boots = [...unwritten.values()];
    const told = events;
    const losses = lost;
    const now = clock.now();
    const known = await db.transaction().execute(async (trx) => {
      const pis = await knownPis(trx, [
        ...new Set([...boots.map(({ pi }) => pi), ...told.flatMap(({ pi }) => pi ?? [])]),
      ]);
      for (const boot of boots) if (pis.has(boot.pi)) await saveBoot(trx, boot);
      for (const event of told) if (event.pi && pis.has(event.pi)) await addFeedEvent(trx, event, now);
      if (losses > 0) await addFeedEvent(trx, { type: 'boot.signs-lost', data: { signs: losses } }, now);
      return pis;
    });
    lost -= losses;
    if (losses > 0) log.warn({ losses }, 'signs of boots were lost: they came faster than they could be written');
    for (const boot of boots) if (known.has(boot.pi)) unwritten.delete(boot.id);
    forgetUnknown(boots.filter(({ pi }) => !known.has(pi)));
  }

  /** Who says to be a Pi that is not in the pool may enter soon: its boot is kept for a while, and its events. */
  function forgetUnknown(boots: readonly Boot[]): void {
    const now = clock.now();
    const kept = boots.slice(-MAX_UNKNOWN).filter(({ heardAt }) => Math.abs(now - heardAt) < UNKNOWN_MS);
    const pis = new Set(kept.map(({ pi }) => pi));
    for (const boot of boots) {
      if (kept.includes(boot)) continue;
      unwritten.delete(boot.id);
      if (newest.get(boot.pi)?.id === boot.id) newest.delete(boot.pi);
    }
    events = events.filter(({ pi }) => pi !== undefined && pis.has(pi));
  }

  const stateOf = (boot: Boot): BootState => bootState(boot, clock.now());
  return {
    sighted: (sighting) => push({ by: 'board', sighting }),
    asked: (request) => push({ by: 'request', request, sign: signOfRequest(request, clock.now()) }),
    transferred: (request, end) => push({ by: 'request', request, sign: signOfTransfer(request, end, clock.now()) }),
    switched(call) {
      const sign = signOfCall(call, clock.now());
      if (sign) push({ by: 'pi', pi: call.pi, sign });
    },
    note: (pi, sign) => push({ by: 'pi', pi, sign }),
    async load() {
      for (const boot of await listOpenBoots(db)) newest.set(boot.pi, boot);
    },
    round() {
      const mine = running.then(async () => {
        await takeIn();
        noticeStops();
        await write();
      });
      running = mine.catch((error) => log.debug({ error: describeError(error) }, 'boots could not be written yet'));
      return mine;
    },
    newest: (pi) => newest.get(pi),
    rootless() {
      const now = clock.now();
      return [...newest.values()].filter(
        (boot) => !boot.ended && !isUp(boot) && Math.abs(now - boot.heardAt) < HOPE_MS,
      );
    },
    lastHeard: (pi) => newest.get(pi)?.heardAt,
    ended(pi) {
      const boot = newest.get(pi);
      return !boot || stateOf(boot) !== 'under-way';
    },
  };
}
