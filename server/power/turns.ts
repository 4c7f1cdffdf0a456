import type { Clock } from '../../core/host/clock.ts';
import type { PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import {
  BOOT_CLASSES,
  type BootClass,
  type BootLimits,
  type BootUnderWay,
  nextStart,
  stillUnderWay,
} from '../../netboot/boots/storm.ts';
import { unlessAborted } from './queues.ts';

/** The leave to switch a Pi on. Each member may be called twice, and does nothing once another turn of that Pi has begun. */
export interface BootTurn {
  /** It is on now: what follows is counted from here. */
  begun(): void;
  /** It was not switched on after all, or nobody knows. */
  giveBack(): void;
}

/** How many Pis boot, and how many wait for their turn. */
export interface BootCounts {
  readonly underWay: Readonly<Record<BootClass, number>>;
  readonly waiting: Readonly<Record<BootClass, number>>;
}

/** Storm control (design §6): whatever is switched on waits for its turn, so that a rack does not ask all at once. */
export interface BootTurns {
  /** Resolves when the Pi may be switched on; at once when it boots already. Rejects with the signal's reason. */
  take(pi: PiId, signal?: AbortSignal): Promise<BootTurn>;
  /** It is up, or off. */
  ended(pi: PiId): void;
  counts(): BootCounts;
  isWaiting(pi: PiId): boolean;
  /** No more turns are given: who waits goes on waiting, as an operation that the next start of the server takes up. */
  stop(): void;
}

interface Waiting {
  readonly pi: PiId;
  readonly class: BootClass;
  readonly granted: PromiseWithResolvers<Boot>;
}

interface Boot extends BootUnderWay {
  startedAt: number;
  heardAt: number | undefined;
}

/**
 * Turns as `nextStart` gives them. Kept in memory alone: what boots while the server restarts is further on when it is back, or
 * asks for files that are not there yet and will ask again; and who waited for a turn was an operation, which goes on and waits
 * anew. At worst one more crowd of the permitted size comes on top of the one that there was.
 */
export function createBootTurns(options: {
  classOf(pi: PiId): Promise<BootClass>;
  /** When the newest boot of a Pi last gave a sign beside its power-on, in ms since the epoch. */
  lastSign(pi: PiId): number | undefined;
  readonly limits: BootLimits;
  readonly clock: Clock;
  readonly log: Log;
}): BootTurns {
  const { classOf, lastSign, limits, clock, log } = options;
  const boots = new Map<PiId, Boot>();
  const waiting: Waiting[] = [];
  let lastStartAt: number | undefined;
  let alarm = new AbortController();
  let isStopped = false;

  /** Takes in what was heard, and forgets boots that nothing is heard of any more. */
  function sweep(): void {
    for (const [pi, boot] of boots) {
      const signAt = lastSign(pi);
      const heardAt = signAt === undefined ? 0 : clock.monotonic() - (clock.now() - signAt);
      // What was heard before its power came was of another boot.
      if (signAt !== undefined && heardAt > boot.startedAt) boot.heardAt = heardAt;
      if (stillUnderWay(boot, clock.monotonic())) continue;
      boots.delete(pi);
      log.debug({ pi }, 'nothing more is heard of a boot; its turn is over');
    }
  }

  function grant(next: Waiting): void {
    const boot: Boot = { class: next.class, startedAt: clock.monotonic(), heardAt: undefined };
    waiting.splice(waiting.indexOf(next), 1);
    boots.set(next.pi, boot);
    lastStartAt = boot.startedAt;
    next.granted.resolve(boot);
  }

  /** Gives all turns that can be given now, and comes again when time alone makes room. */
  function proceed(): void {
    alarm.abort();
    sweep();
    while (!isStopped) {
      const next = nextStart({ underWay: [...boots.values()], waiting, lastStartAt }, limits, clock.monotonic());
      if (next.kind === 'start') grant(next.who);
      else if (next.until === undefined) return;
      else {
        alarm = new AbortController();
        clock.sleep(next.until - clock.monotonic(), alarm.signal).then(proceed, () => undefined);
        return;
      }
    }
  }

  function end(pi: PiId, of = boots.get(pi)): void {
    if (of === undefined || boots.get(pi) !== of) return;
    boots.delete(pi);
    proceed();
  }

  function turnOf(pi: PiId, boot: Boot): BootTurn {
    return {
      begun() {
        boot.startedAt = clock.monotonic();
      },
      giveBack: () => end(pi, boot),
    };
  }

  function count(list: Iterable<{ readonly class: BootClass }>): Record<BootClass, number> {
    const classes = [...list].map((one) => one.class);
    const counts = BOOT_CLASSES.map((name) => [name, classes.filter((one) => one === name).length] as const);
    return Object.fromEntries(counts) as Record<BootClass, number>;
  }

  return {
    async take(pi, signal) {
      const next = { pi, class: await classOf(pi), granted: Promise.withResolvers<Boot>() };
      signal?.throwIfAborted();
      sweep();
      const same = boots.get(pi);
      if (same) return turnOf(pi, same);
      waiting.push(next);
      proceed();
      if (waiting.includes(next))
        log.info({ pi, class: next.class, waiting: waiting.length }, 'a power-on waits its turn');
      try {
        return turnOf(pi, await unlessAborted(next.granted.promise, signal));
      } catch (error) {
        if (waiting.includes(next)) waiting.splice(waiting.indexOf(next), 1);
        else end(pi, await next.granted.promise);
        throw error;
      }
    },
    ended: (pi) => end(pi),
    counts() {
      sweep();
      return { underWay: count(boots.values()), waiting: count(waiting) };
    },
    isWaiting: (pi) => waiting.some((one) => one.pi === pi),
    stop() {
      isStopped = true;
      alarm.abort();
    },
  };
}
