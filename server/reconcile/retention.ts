import type { Clock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import { pruneBoots } from '../../db/boots.ts';
import { addFeedEvent } from '../../db/events.ts';
import type { Db } from '../../db/open.ts';
import { pruneAudit, pruneEvents, pruneKeys, pruneOperations } from '../../db/retention.ts';
import { pruneTokens } from '../../db/tokens.ts';

/** How many rows each table may have, whatever their age. */
export interface Bounds {
  readonly events: number;
  readonly operations: number;
  readonly audit: number;
  readonly keys: number;
  /** Of those that were revoked or have expired. */
  readonly tokens: number;
}

/**
 * A bake and an unbake are two operations and some 40 events. So this is what a pool that does 1,000 bakes a day leaves in 3
 * weeks, and a webhook may be deaf for as long; some 200 MB of database at most for the events, 150 for the operations.
 */
export const BOUNDS: Bounds = { events: 1_000_000, operations: 50_000, audit: 500_000, keys: 50_000, tokens: 1_000 };

/**
 * Rows that go in one transaction, in which nothing else gets at the database: measured with full tables, 1,000 events took 1
 * ms, 100 keys 17 ms, and 100 operations with 20 lines of history each 110 ms.
 */
const BATCH = { rows: 1_000, operations: 25, keys: 100, boots: 200 };
const PAUSE_MS = 10;
/** How far the two clocks may run apart between two rounds. */
const JUMP_MS = 60_000;

/** Keeps the tables that only grow from growing for ever. */
export interface Retention {
  /** Prunes what is too old, and what is too much. */
  round(): Promise<void>;
}

/**
 * Builds it. What is too old is known only while the clock is right: one that was set makes everything look old, so from then
 * on this server prunes by number only. The next start trusts the clock again.
 */
export function createRetention(options: {
  db: Db;
  keepMs: number;
  bounds?: Bounds;
  clock: Clock;
  log: Log;
}): Retention {
  const { db, keepMs, clock, log } = options;
  const bounds = options.bounds ?? BOUNDS;
  let seen = { wall: clock.now(), steady: clock.monotonic() };
  let isClockTrusted = true;

  async function watchClock(): Promise<void> {
    const now = { wall: clock.now(), steady: clock.monotonic() };
    const jump = Math.round(now.wall - seen.wall - (now.steady - seen.steady));
    if (Math.abs(jump) > JUMP_MS) {
      isClockTrusted = false;
      log.warn({ jump }, 'the clock has jumped; nothing is removed for its age before the next start');
      await addFeedEvent(db, { type: 'clock.jumped', data: { ms: jump } }, now.wall);
    }
    seen = now;
  }

  return {
    async round() {
      await watchClock();
      const before = isClockTrusted ? clock.now() - keepMs : undefined;
      const pause = () => clock.sleep(PAUSE_MS);
      const gone = {
        events: await pruneEvents(db, { before, keep: bounds.events, batch: BATCH.rows, pause }),
        audit: await pruneAudit(db, { before, keep: bounds.audit, batch: BATCH.rows, pause }),
        operations: await pruneOperations(db, { before, keep: bounds.operations, batch: BATCH.operations, pause }),
        keys: await pruneKeys(db, { before, keep: bounds.keys, batch: BATCH.keys, pause }),
        // How many there may be of each Pi is seen to when one is written.
        boots: await pruneBoots(db, { before, batch: BATCH.boots, pause }),
        tokens: await pruneTokens(db, { before, keep: bounds.tokens, now: clock.now() }),
      };
      if (Object.values(gone).some((count) => count > 0)) log.debug({ gone }, 'removed what was kept for long enough');
    },
  };
}
