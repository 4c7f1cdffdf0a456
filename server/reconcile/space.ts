import { describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import {
  availableOf,
  isAtLeast,
  nextLevel,
  reserveOf,
  type SpaceLevel,
  type SpaceReading,
} from '../../exports/volumes/space.ts';

const MIB = 1024 ** 2;
/** The pool is grown when less than this is left above its reserve: what running Pis write in a second or so. */
const AHEAD = 256 * MIB;
/** Below this it is read again sooner, as often as this. */
const NEAR = 1024 * MIB;
const NEAR_MS = 50;
const NEAR_READS = 3;
/** What failed is tried again after so long: making room, growing. */
const PAUSE_MS = 1_000;

/** What happened, as it is told. */
export interface SpaceEvent {
  readonly type: string;
  readonly data: object;
}

/** Keeps the pool from running full under a Pi (design §5). */
export interface SpaceKeeper {
  /** How full the pool is, as last read. */
  level(): SpaceLevel;
  /** What exports allow now: `ro` while the pool is below its reserve. */
  access(): 'rw' | 'ro';
  /** One round: reads, and acts when it must. To be called every 200 ms at least; a slow action never holds up the next reading. */
  round(): Promise<void>;
  /** Resolves when nothing that a round began is under way. */
  settled(): Promise<void>;
}

/** Builds the keeper; it reads nothing before its first round. */
export function createSpaceKeeper(options: {
  pool: { read(): Promise<SpaceReading>; growAhead(bytes: number): Promise<boolean> };
  /** Brings the exports to `access()`. Asked again until it resolves. */
  converge(): Promise<void>;
  /** Writes out what volumes have in memory, while there still is room for it. Asked when no export may be written any more. */
  flush(): Promise<void>;
  /** Gives some room back, the least missed first; false when there is none to give. Asked again while the pool is not `normal`. */
  makeRoom(): Promise<boolean>;
  tell(event: SpaceEvent): Promise<void>;
  clock: Clock;
  log: Log;
}): SpaceKeeper {
  const { pool, clock, log } = options;
  let level: SpaceLevel = 'normal';
  let served: 'rw' | 'ro' = 'rw';
  const access = () => (level === 'readonly' ? 'ro' : 'rw');

  /** Runs `act` beside the readings, never twice at a time, and not again for a while after it has failed or done nothing. */
  function beside(name: string, act: () => Promise<boolean>) {
    let running: Promise<void> | undefined;
    let notBefore = Number.NEGATIVE_INFINITY;
    return {
      begin() {
        if (running || clock.monotonic() < notBefore) return;
        running = act()
          .then((worked) => {
            if (!worked) notBefore = clock.monotonic() + PAUSE_MS;
          })
          .catch((error: unknown) => {
            notBefore = clock.monotonic() + PAUSE_MS;
            log.error({ error: describeError(error) }, `${name} failed; it is tried again`);
          })
          .finally(() => {
            running = undefined;
          });
      },
      end: () => running ?? Promise.resolve(),
    };
  }

  const growing = beside('growing the pool', () => pool.growAhead(AHEAD));
  const makingRoom = beside('making room on the pool', options.makeRoom);
  const serving = beside('changing the access of the exports', async () => {
    // It may change its mind while the exports are changed.
    while (served !== access()) {
      const now = access();
      await options.converge();
      served = now;
      if (now === 'ro') flushing.begin();
    }
    return true;
  });
  const flushing = beside('writing out the volumes', async () => {
    await options.flush();
    return true;
  });
  // The database may be on the disk that is full: what happened is told when there is room again.
  const untold: SpaceEvent[] = [];
  const telling = beside('telling of the pool', async () => {
    for (let next = untold[0]; next; next = untold[0]) {
      await options.tell(next);
      untold.shift();
    }
    return true;
  });

  /** @returns the room above the reserve. */
  async function look(): Promise<number> {
    const reading = await pool.read();
    const reserve = reserveOf({ total: reading.pool.total, dirty: reading.dirty });
    const previous = level;
    level = nextLevel(reading, previous);
    // First of all: everything else can wait.
    if (served !== access()) serving.begin();
    const room = availableOf(reading) - reserve;
    if (room < AHEAD && (reading.growable > 0 || reading.unreserved > 0)) growing.begin();
    if (level !== 'normal') makingRoom.begin();
    if (level !== previous) {
      const data = { level, previous, availableBytes: availableOf(reading), totalBytes: reading.pool.total, reserve };
      const worse = isAtLeast(level, previous);
      log[worse ? 'warn' : 'info'](data, worse ? 'the pool is getting full' : 'there is more room on the pool again');
      untold.push({ type: 'pool.level', data });
    }
    if (untold.length > 0) telling.begin();
    return room;
  }

  return {
    level: () => level,
    access,
    async round() {
      for (let reads = 0; (await look()) < NEAR && reads < NEAR_READS; reads++) await clock.sleep(NEAR_MS);
    },
    async settled() {
      await serving.end();
      await Promise.all([growing.end(), makingRoom.end(), flushing.end(), telling.end()]);
    },
  };
}
