import type { PoolKind } from './pool-kind.ts';

/**
 * How full the pool is. `normal`; `low` and `high` are told; at `refuse` nothing new is put on the pool; at `readonly` running
 * Pis may not write either.
 */
export type SpaceLevel = 'normal' | 'low' | 'high' | 'refuse' | 'readonly';

/** Room on a file system, in bytes. */
export interface Room {
  readonly available: number;
  readonly total: number;
}

/** What is measured of a pool and the host below it. */
export interface SpaceReading {
  readonly kind: PoolKind;
  readonly pool: Room;
  /** The file system of the root. For the kinds `plain` and `reflink` it is the pool's own. */
  readonly host: Room;
  /** What the pool can be grown by. */
  readonly growable: number;
  /** Bytes of a loop-backed pool that the host has not reserved for it. */
  readonly unreserved: number;
  /** What volumes may have dirty in memory, all together: it must find room even when nobody may write any more. */
  readonly dirty: number;
}

const MIB = 1024 ** 2;
/** What may come between a reading and the moment when the last export is read-only. */
const IN_FLIGHT = 256 * MIB;
const SHARE = 0.05;
/** The most that a reserve takes of a pool: one that is too small for what may be dirty can still hold something. */
const MOST = 0.25;

/** Where each level begins, in parts of the room that may be used, and how far below it ends. */
const BEGINS: readonly (readonly [SpaceLevel, number])[] = [
  ['refuse', 0.95],
  ['high', 0.9],
  ['low', 0.8],
];
const SLACK = 0.03;
/** From good to bad. */
export const SPACE_LEVELS: readonly SpaceLevel[] = ['normal', 'low', 'high', 'refuse', 'readonly'];

/** True when `level` is as bad as `than`, or worse. */
export function isAtLeast(level: SpaceLevel, than: SpaceLevel): boolean {
  return SPACE_LEVELS.indexOf(level) >= SPACE_LEVELS.indexOf(than);
}

/**
 * What must stay free below running volumes: 5 % of the pool, or what they may have dirty and write until their exports are
 * read-only, whichever is more; but never more than a quarter of the pool.
 */
export function reserveOf({ total, dirty }: { total: number; dirty: number }): number {
  return Math.ceil(Math.min(Math.max(total * SHARE, dirty + IN_FLIGHT), total * MOST));
}

/** What can really be written now: where the host has not reserved all of the pool, no more than the host has. */
export function availableOf({ kind, pool, host, unreserved }: SpaceReading): number {
  return kind === 'loop-xfs' && unreserved > 0 ? Math.min(pool.available, host.available) : pool.available;
}

/** The part of the usable room (all of it but the reserve, growth included) that is used once `extra` more bytes are. */
function usedPart(reading: SpaceReading, extra: number): number {
  const reserve = reserveOf({ total: reading.pool.total, dirty: reading.dirty });
  const usable = reading.pool.total + reading.growable - reserve;
  const room = availableOf(reading) + reading.growable - reserve - extra;
  return usable <= 0 ? 1 : 1 - room / usable;
}

/** True when `bytes` of something new may be put on the pool: it is not at `refuse` after that. */
export function maySpend(reading: SpaceReading, bytes: number): boolean {
  return usedPart(reading, bytes) < 0.95;
}

/**
 * The level after this reading. Growth that is possible counts as room, except for `readonly`: what cannot be written at this
 * moment breaks volumes, whatever may be added in the next one. A level ends a good way below its beginning, so that it does
 * not come and go with every file.
 */
export function nextLevel(reading: SpaceReading, previous: SpaceLevel): SpaceLevel {
  const reserve = reserveOf({ total: reading.pool.total, dirty: reading.dirty });
  const needed = previous === 'readonly' ? reserve * 1.25 : reserve;
  if (availableOf(reading) < needed) return 'readonly';
  const used = usedPart(reading, 0);
  const found = BEGINS.find(([level, begins]) => used >= begins - (isAtLeast(previous, level) ? SLACK : 0));
  return found?.[0] ?? 'normal';
}
