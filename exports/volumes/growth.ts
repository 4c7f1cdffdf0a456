import { stat } from 'node:fs/promises';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import type { Log } from '../../core/log.ts';
import type { Custody } from './custody.ts';
import { makeLonger, missingBytes, openDiskImage, untilItFits, volumeBytes } from './disk-size.ts';
import { toDiskFault } from './faults.ts';
import { isBroken } from './mountinfo.ts';
import type { Pool } from './pool.ts';

/** A data disk that is mounted at `at`, and what its `disk.img` is to have. */
export interface MountedDisk {
  readonly id: string;
  readonly at: string;
  readonly sizeMiB: number;
}

/** Growth of data disks that stay mounted and served, and are written on meanwhile. */
export interface Growth {
  /**
   * Makes room in the volume for a `disk.img` of that size that is filled to its last byte, by the kernel's online growth of ext4 (resize2fs(8)),
   * which needs CAP_SYS_RESOURCE. Nobody sees it: `disk.img` stays as it is. Cut off anywhere it leaves a longer file, or an ext4 with
   * more room, and both are whole.
   * @throws BakeryError `growth-needs-interruption` (conflict) where the kernel refuses; `disk-image-missing` (conflict), `path-refused`
   * (forbidden) when a Pi has put something else there; `mount-foreign` (conflict), `pool-full` (no-space).
   */
  extend(disk: MountedDisk): Promise<void>;
  /**
   * Makes `disk.img` that long; one that is, or is longer, stays as it is, and so does what a Pi has put in its place since `extend`: the room is
   * there all the same. @throws BakeryError `volume-missing` (internal) when it is not mounted, `mount-foreign` (conflict).
   */
  lengthen(disk: MountedDisk): Promise<void>;
}

const MIB = 1024 ** 2;
/** What the kernel writes for each group of 128 MiB when it adds one is less than a block (2.8 KiB, measured with Linux 6.1). */
const GROUP_BYTES_PER_MIB = 4096 / 128;

function needsInterruption(why: { detail: string; cause?: unknown }): BakeryError {
  const message =
    'the disk cannot grow while it is in use: detach it, or allow with mayInterrupt that its Pi is interrupted';
  return new BakeryError('conflict', 'growth-needs-interruption', message, why);
}

/** Builds it for a pool. */
export function createGrowth(ports: { pool: Pool; exec: Exec; custody: Custody; log: Log }): Growth {
  const { pool, exec, custody, log } = ports;
  const fileOf = (id: string) => pool.path('volumes', `${id}.ext4`);

  /** Runs a tool that asks the kernel for it. What it says but of the disk below is taken for a refusal. */
  async function asks(tool: string, args: readonly string[], timeoutMs: number): Promise<void> {
    await exec(tool, args, { timeoutMs }).catch((cause) => {
      const isRefusal = cause instanceof BakeryError && cause.code === 'tool-failed' && toDiskFault(cause) === cause;
      throw isRefusal ? needsInterruption({ detail: describeError(cause), cause }) : cause;
    });
  }

  return {
    async extend({ id, at, sizeMiB }) {
      const file = fileOf(id);
      const mount = await custody.mountOf(file, at);
      if (!mount || isBroken(mount)) throw needsInterruption({ detail: `${at} is not mounted, or broken` });
      const image = await openDiskImage(at, 'change');
      try {
        await pool.ensureFree(64 * MIB + sizeMiB * GROUP_BYTES_PER_MIB);
        if ((await missingBytes(image, at, sizeMiB)) > 0) {
          const bytes = Math.max(volumeBytes(sizeMiB), (await stat(file)).size);
          await untilItFits({ sizeMiB, bytes }, async (wanted) => {
            // For good before the ext4 is: one that is larger than its device cannot be mounted.
            await makeLonger(file, wanted);
            await asks('losetup', ['--set-capacity', mount.source], 30_000);
            await asks('resize2fs', [mount.source], 30 * 60_000);
            return missingBytes(image, at, sizeMiB);
          });
        }
        await exec('sync', ['--file-system', at], { timeoutMs: 10 * 60_000 });
      } finally {
        await image.close();
      }
    },

    async lengthen({ id, at, sizeMiB }) {
      if (!(await custody.mountOf(fileOf(id), at))) {
        throw new BakeryError('internal', 'volume-missing', 'the volume of the disk is not mounted', { detail: at });
      }
      try {
        const image = await openDiskImage(at, 'change');
        try {
          if ((await image.stat()).size < sizeMiB * MIB) await image.truncate(sizeMiB * MIB);
          await image.sync();
        } finally {
          await image.close();
        }
      } catch (error) {
        const isOfPi = error instanceof BakeryError && ['disk-image-missing', 'path-refused'].includes(error.code);
        if (!isOfPi) throw error;
        log.warn(
          { volume: id, error: describeError(error) },
          'a disk has grown, but its Pi has taken its disk.img away',
        );
      }
    },
  };
}
