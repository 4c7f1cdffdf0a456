import { BakeryError, describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { DiskId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { listDisks } from '../../db/disks.ts';
import type { Db } from '../../db/open.ts';
import type { Engine } from '../operations/engine.ts';
import { planHeal } from '../operations/heal.ts';
import type { Places } from '../operations/ports.ts';

/** A disk that could not be healed is left alone for so long, twice as long after each failure. */
const PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;

/** Repairs volumes whose file systems have given up: after an error, most often because the pool was full. */
export interface Healer {
  /** One round over all disks. @returns how many were healed. */
  round(): Promise<number>;
}

/** Builds it. It remembers only which disks it failed on. */
export function createHealer(options: {
  db: Db;
  engine: Engine;
  /** Mount points of volumes that are read-only by an error. */
  broken(): Promise<ReadonlySet<string>>;
  /** False while the pool has no room: a repair needs some, and what is repaired would break again. */
  hasRoom(): boolean;
  places: Places;
  clock: Clock;
  log: Log;
}): Healer {
  const { db, engine, places, clock, log } = options;
  const failures = new Map<DiskId, { count: number; notBefore: number }>();

  async function heal(id: DiskId): Promise<boolean> {
    try {
      await (await engine.start('heal', (trx) => planHeal(trx, id))).done;
      failures.delete(id);
      log.warn(
        { disk: id },
        'the file system of a disk had given up and was repaired: what was written last may be lost',
      );
      return true;
    } catch (error) {
      // An operation has it: what becomes of the disk is for that one to say.
      if (error instanceof BakeryError && ['busy', 'disk-unknown', 'stopping'].includes(error.code)) return false;
      const count = (failures.get(id)?.count ?? 0) + 1;
      const pause = Math.min(PAUSE_MS * 2 ** (count - 1), LONGEST_PAUSE_MS);
      failures.set(id, { count, notBefore: clock.monotonic() + pause });
      log.error({ disk: id, error: describeError(error) }, 'a broken volume could not be healed; it is tried again');
      return false;
    }
  }

  return {
    async round() {
      const broken = await options.broken();
      if (broken.size === 0) return 0;
      let healed = 0;
      for (const disk of await listDisks(db)) {
        const at = disk.role === 'root' && disk.pi ? places.root(disk.pi) : places.disk(disk.id);
        if (disk.state !== 'ready' || !broken.has(at)) continue;
        if (!options.hasRoom()) break;
        if ((failures.get(disk.id)?.notBefore ?? Number.NEGATIVE_INFINITY) > clock.monotonic()) continue;
        if (await heal(disk.id)) healed++;
      }
      return healed;
    },
  };
}
