import type { Disk } from '../../core/disk.ts';
import { describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { DiskId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { oneByOne } from '../../core/one-by-one.ts';
import { listDisks } from '../../db/disks.ts';
import { findClaim } from '../../db/journal.ts';
import type { Db } from '../../db/open.ts';
import type { SpaceLevel } from '../../exports/volumes/space.ts';
import type { Places } from '../operations/ports.ts';
import type { TrashKeeper } from './trash.ts';

/** Where room is short, one that was trimmed so long ago may have something to give again. */
const FOR_ROOM_MS = 3_600_000;

/** Gives back to the pool what Pis have freed on their volumes, one volume after the other. */
export interface Trimmer {
  /** Trims the one that has waited the longest, if it is due. @returns true when there was one. */
  round(): Promise<boolean>;
  /** Room is short: trims until one has given something back. False when none has. */
  makeRoom(): Promise<boolean>;
}

/** A trim that has ended. */
export interface Trimmed {
  readonly outcome: 'done' | 'failed';
  readonly bytes: number;
}

/**
 * Builds it. A volume gives back most of what is freed on it at once (it is mounted with `discard`); this is for what got lost on the
 * way: by a crash, a journal that was played back, a mount of another hand. When each was trimmed is not kept over a restart: the kernel knows what
 * it has trimmed, and does nothing twice.
 */
export function createTrimmer(options: {
  db: Db;
  /** Does it; the bytes that came back. */
  trim(volume: { id: DiskId; at: string; mayGoOn(): Promise<boolean> }): Promise<number>;
  places: Places;
  /** How often each is trimmed; 0: only where room is short. */
  everyMs: number;
  onTrim(trimmed: Trimmed): void;
  clock: Clock;
  log: Log;
}): Trimmer {
  const { db, places, everyMs, clock, log } = options;
  const trimmedAt = new Map<DiskId, number>();
  const ageOf = (disk: Disk) => clock.monotonic() - (trimmedAt.get(disk.id) ?? Number.NEGATIVE_INFINITY);

  /** Whose operation it is may want to unmount it. */
  const isFree = async (disk: Disk) => !(await findClaim(db, `disk:${disk.id}`));

  /** The one that has waited the longest, for so long at least. */
  async function next(leastMs: number): Promise<Disk | undefined> {
    const disks = await listDisks(db);
    const known = new Set(disks.map(({ id }) => id));
    for (const id of trimmedAt.keys()) if (!known.has(id)) trimmedAt.delete(id);
    const due = disks.filter((disk) => disk.state === 'ready' && ageOf(disk) >= leastMs);
    for (const disk of due.toSorted((a, b) => (ageOf(a) === ageOf(b) ? 0 : ageOf(b) - ageOf(a)))) {
      if (await isFree(disk)) return disk;
    }
    return undefined;
  }

  async function trim(disk: Disk): Promise<number> {
    const at = disk.role === 'root' && disk.pi ? places.root(disk.pi) : places.disk(disk.id);
    trimmedAt.set(disk.id, clock.monotonic());
    try {
      const bytes = await options.trim({ id: disk.id, at, mayGoOn: () => isFree(disk) });
      options.onTrim({ outcome: 'done', bytes });
      log[bytes > 0 ? 'info' : 'debug']({ disk: disk.id, bytes }, 'a volume was trimmed');
      return bytes;
    } catch (error) {
      options.onTrim({ outcome: 'failed', bytes: 0 });
      log.warn({ disk: disk.id, error: describeError(error) }, 'a volume could not be trimmed');
      return 0;
    }
  }

  const inTurn = oneByOne();

  return {
    round: () =>
      inTurn(async () => {
        const disk = everyMs > 0 ? await next(everyMs) : undefined;
        if (disk) await trim(disk);
        return disk !== undefined;
      }),
    makeRoom: () =>
      inTurn(async () => {
        for (let disk = await next(FOR_ROOM_MS); disk; disk = await next(FOR_ROOM_MS)) {
          if ((await trim(disk)) > 0) return true;
        }
        return false;
      }),
  };
}

/**
 * Gives some room back: what costs nobody anything before what could still be restored; but while running Pis may not write, what is quicker.
 * @returns false when there is none to give.
 */
export async function makeRoom(from: {
  level: SpaceLevel;
  trimmer: Pick<Trimmer, 'makeRoom'>;
  trash: Pick<TrashKeeper, 'makeRoom'>;
}): Promise<boolean> {
  const { trimmer, trash } = from;
  const order = from.level === 'readonly' ? [trash, trimmer] : [trimmer, trash];
  for (const one of order) if (await one.makeRoom()) return true;
  return false;
}
