import { readFileSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

/** What one volume may have dirty in memory. */
export const DIRTY_BYTES = 64 * 1024 ** 2;
const SYSFS = '/sys/class/bdi';
/** The part of the memory that may be dirty where nothing else is said (vm.dirty_ratio). */
const DIRTY_RATIO = 0.2;

/** Bounds what volumes have in memory and not yet on the pool: it has been promised to Pis, and must find room there. */
export interface DirtyLimits {
  /** Bounds a mounted volume by its device, `major:minor`. May be repeated. Never fails: what cannot be done is told once. */
  bound(device: string): void;
  /** Takes that back, of a volume that is about to be unmounted: its loop device keeps it, for whoever has it next. Never fails. */
  lift(device: string): void;
  /** The most that so many mounted volumes have dirty together. */
  allowed(volumes: number): number;
}

/** The limits that a device has by itself (sysfs-class-bdi). Where the kernel has none there is nothing to take back. */
export function liftDirtyLimits(device: string, sysfs = SYSFS): void {
  for (const [file, value] of [
    ['strict_limit', '0'],
    ['max_ratio', '100'],
  ] as const) {
    try {
      writeFileSync(join(sysfs, device, file), value, { flag: 'r+' });
    } catch {
      return;
    }
  }
}

/** Limits through the block devices' writeback settings, which Linux has from 6.2 on (sysfs-class-bdi). */
export function createDirtyLimits({ log, sysfs = SYSFS }: { log: Log; sysfs?: string }): DirtyLimits {
  let unbound: string | undefined;
  return {
    bound(device) {
      try {
        // In this order: a strict limit without a size would be none. Each answers at once: to have another thread ask takes longer than the answer.
        for (const [name, value] of [
          ['max_bytes', String(DIRTY_BYTES)],
          ['strict_limit', '1'],
        ] as const) {
          const file = join(sysfs, device, name);
          // Not made when it is missing, and read back: a kernel may take a number and do nothing with it.
          writeFileSync(file, value, { flag: 'r+' });
          if (Number.parseInt(readFileSync(file, 'utf8'), 10) <= 0) throw new Error(`${name} stays 0`);
        }
      } catch (error) {
        if (unbound === undefined) {
          const told = 'what volumes have unwritten in memory cannot be bounded here: the pool keeps a larger reserve';
          log.warn({ error: describeError(error) }, told);
        }
        unbound = device;
      }
    },
    lift: (device) => liftDirtyLimits(device, sysfs),
    allowed: (volumes) =>
      unbound === undefined ? volumes * DIRTY_BYTES : volumes === 0 ? 0 : Math.ceil(totalmem() * DIRTY_RATIO),
  };
}
