import { chmod, mkdir, open, readdir, rmdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { BakeryError, describeError, isErrno } from '../../core/errors.ts';
import { type Clock, systemClock } from '../../core/host/clock.ts';
import type { Exec } from '../../core/host/exec.ts';
import { exists, removeFile, renameDurably, syncFile, syncFolder } from '../../core/host/files.ts';
import type { Log } from '../../core/log.ts';
import type { DirtyLimits } from './dirty.ts';
import { mountExt4, readExt4Uuid, repairExt4, setExt4Uuid } from './ext4.ts';
import { detachLoop, hasBehind, loopsOf } from './loops.ts';
import { isBroken, mountAt, mountsBelow, readMounts } from './mountinfo.ts';
import type { Pool } from './pool.ts';

/**
 * Volumes: one file each, with one ext4 in it. Every call is idempotent and durable when it resolves, and what takes
 * something away is fine with "it never happened". A volume file is never renamed, copied, checked or deleted while a
 * loop device of this machine has it.
 */
export interface Volumes {
  /**
   * Makes a volume that holds one sparse `disk.img` of exactly `sizeMiB` MiB, which can be filled to its last byte.
   * @throws BakeryError `pool-full` (no-space).
   */
  createDisk(volume: { id: string; fsUuid: string; sizeMiB: number }): Promise<void>;
  /** Makes a volume from a golden one. @throws BakeryError `golden-missing` (internal), `pool-full` (no-space). */
  clone(volume: { golden: string; id: string; fsUuid: string }): Promise<void>;
  /**
   * Mounts it at `at` (absolute, without links in it), or adopts that mount.
   * @throws BakeryError `volume-missing`, `volume-uuid` (internal: not the recorded file system), `mount-foreign` (conflict: another
   * file system is there), `volume-busy` (conflict: it is mounted elsewhere).
   */
  mount(volume: { id: string; fsUuid: string; at: string }): Promise<void>;
  /** Unmounts it and waits for its release. @throws BakeryError `volume-busy`, `mount-foreign` (conflict). */
  unmount(volume: { id: string; at: string }): Promise<void>;
  /** Repairs its file system; what is gone is fine. @throws BakeryError `volume-busy` (conflict), `filesystem-broken` (invalid). */
  check(volume: { id: string }): Promise<void>;
  /** Moves it to the trash. @throws BakeryError `volume-busy` (conflict). */
  discard(volume: { id: string }): Promise<void>;
  /** Takes it back out of the trash. @throws BakeryError `volume-missing` (internal) when it is in neither place. */
  recover(volume: { id: string }): Promise<void>;
  /** Deletes it from the trash. @throws BakeryError `volume-busy` (conflict). */
  purge(volume: { id: string }): Promise<void>;
  /**
   * Deletes it, and what a broken making left; with `fsUuid` only the volume that has it. @throws BakeryError `volume-busy`
   * (conflict).
   */
  remove(volume: { id: string; fsUuid?: string }): Promise<void>;
  /** Deletes a golden volume, and what a broken making left; clones of it live on. */
  removeGolden(id: string): Promise<void>;
  /** Writes out what the volumes mounted below `folder` have in memory, all at once. Those that cannot are told in the log. */
  flush(folder: string): Promise<void>;
  /** Thaws the volumes mounted below `folder`: a snapshot that was killed in the middle leaves one frozen. */
  thaw(folder: string): Promise<void>;
  /** Mount points of the volumes below `folder` that are read-only, or gone, after an error. */
  broken(folder: string): Promise<ReadonlySet<string>>;
  /** Every mount point there is now. */
  mountPoints(): Promise<ReadonlySet<string>>;
}

const MIB = 1024 ** 2;
const UMOUNT_TRIES = 50;
const PAUSE_MS = 100;

/** ext4 keeps an extent in 12 bytes, 340 to a block. A disk written in the worst order has one for each block of 4 KiB. */
function extentBytes(sizeMiB: number): number {
  return Math.ceil(sizeMiB / 256) * MIB + MIB;
}

/** Builds the volumes of a pool. */
export function createVolumes(options: {
  pool: Pool;
  exec: Exec;
  log: Log;
  clock?: Clock;
  dirtyLimits?: DirtyLimits;
}): Volumes {
  const { pool, exec, log, clock = systemClock } = options;
  const fileOf = (id: string) => pool.path('volumes', `${id}.ext4`);
  const goldenOf = (id: string) => pool.path('golden', `${id}.ext4`);
  const trashOf = (id: string) => pool.path('trash', `${id}.ext4`);

  async function refuseWhileHeld(file: string): Promise<void> {
    const [loop] = await loopsOf(exec, file);
    if (loop) {
      throw new BakeryError('conflict', 'volume-busy', 'the volume is still in use on the server', {
        detail: `${file} is behind ${loop.name}`,
      });
    }
  }

  /** Throws unless nothing, or `file`, is mounted at `at`; true when it is `file`. */
  async function isMounted(file: string, at: string): Promise<boolean> {
    const there = await mountAt(at);
    if (!there) return false;
    if (await hasBehind(exec, there.source, file)) return true;
    throw new BakeryError('conflict', 'mount-foreign', 'something else is mounted where the volume belongs', {
      detail: `${there.source} at ${at}`,
    });
  }

  /** Also for a mount that is adopted: an older Bakery, or another hand, may have made it. */
  async function bound(at: string): Promise<void> {
    const device = (await mountAt(at))?.device;
    if (device) await options.dirtyLimits?.bound(device);
  }

  /** It is an error to thaw what is not frozen, which is how it nearly always is. */
  async function thawMount(at: string): Promise<void> {
    const { code } = await exec('fsfreeze', ['--unfreeze', at], { okCodes: [0, 1] });
    if (code === 0) log.warn({ at }, 'a volume was frozen, and was thawed');
  }

  /** umount, and the wait until the loop is gone: a mount in another namespace or a frozen file system keeps it. */
  async function release(file: string, at: string): Promise<void> {
    for (let tries = 0; await isMounted(file, at); tries++) {
      // Unmounted frozen it would keep its loop, and nobody could thaw it any more.
      await thawMount(at);
      try {
        await exec('umount', [at], { timeoutMs: 30_000 });
      } catch (error) {
        if (tries >= UMOUNT_TRIES) {
          throw new BakeryError('conflict', 'volume-busy', 'the volume is still in use on the server', {
            cause: error,
            detail: at,
          });
        }
        await clock.sleep(PAUSE_MS);
      }
    }
    for (let tries = 0; ; tries++) {
      const loops = await loopsOf(exec, file);
      if (loops.length === 0) return;
      if (tries >= 20) return refuseWhileHeld(file);
      const mounted = new Set((await readMounts()).map((mount) => mount.source));
      for (const loop of loops) if (!mounted.has(loop.name)) await detachLoop(exec, loop.name);
      await clock.sleep(PAUSE_MS);
    }
  }

  /** Puts a sparse `disk.img` into a new ext4. @returns the bytes it lacks to be filled; 0 or less when it has room. */
  async function furnish(id: string, file: string, sizeMiB: number): Promise<number> {
    const at = pool.path('work', id);
    await mkdir(at, { recursive: true, mode: 0o700 });
    await mountExt4(exec, file, at);
    try {
      const handle = await open(join(at, 'disk.img'), 'w', 0o600);
      await handle.truncate(sizeMiB * MIB);
      await handle.sync();
      await handle.close();
      // statfs leaves out what the mounted ext4 keeps for itself (s_resv_clusters, 2 % up to 16 MiB); dumpe2fs does not.
      const { bavail, bsize } = await statfs(at);
      return sizeMiB * MIB + extentBytes(sizeMiB) - bavail * bsize;
    } finally {
      await release(file, at);
      await rmdir(at);
    }
  }

  return {
    async createDisk({ id, fsUuid, sizeMiB }) {
      const [file, partial] = [fileOf(id), `${fileOf(id)}.partial`];
      if (await exists(file)) return;
      await release(partial, pool.path('work', id));
      await removeFile(partial);
      const journalMiB = sizeMiB < 1024 ? 8 : 64;
      await pool.ensureFree((journalMiB + 64) * MIB);
      // Generous: it is sparse. How much mkfs and the kernel keep for themselves is measured, not guessed.
      let bytes = Math.ceil(sizeMiB * 1.008 + journalMiB + 32) * MIB;
      for (let tries = 0; ; tries++) {
        const handle = await open(partial, 'w', 0o600);
        await handle.truncate(bytes);
        await handle.close();
        // A small journal: its blocks are taken at once (1 GiB for 1 TiB by default), and one big file needs none bigger.
        const sizes = ['-b', '4096', '-J', `size=${journalMiB}`, '-N', '64', '-I', '256'];
        const args = ['-q', '-F', '-m', '0', '-T', 'largefile4', ...sizes, '-U', fsUuid, '-E', 'nodiscard', partial];
        await exec('mkfs.ext4', args, { timeoutMs: 120_000 });
        const missing = await furnish(id, partial, sizeMiB);
        if (missing <= 0) break;
        if (tries >= 8) {
          throw new BakeryError('internal', 'disk-too-small', 'the volume of the disk does not get large enough', {
            detail: `${missing} bytes are missing of ${sizeMiB} MiB`,
          });
        }
        bytes += Math.ceil((missing * 1.05) / MIB + 4) * MIB;
      }
      await syncFile(partial);
      await renameDurably(partial, file);
    },

    async clone({ golden, id, fsUuid }) {
      const [file, partial] = [fileOf(id), `${fileOf(id)}.partial`];
      if (await exists(file)) return;
      const source = goldenOf(golden);
      if (!(await exists(source))) {
        throw new BakeryError('internal', 'golden-missing', 'the golden volume of the bakeform is gone', {
          detail: source,
        });
      }
      await refuseWhileHeld(source);
      await refuseWhileHeld(partial);
      await removeFile(partial);
      const { blocks } = await stat(source);
      await pool.ensureFree(pool.kind === 'plain' ? blocks * 512 : 64 * MIB);
      await pool.clone(source, partial);
      await chmod(partial, 0o600);
      await setExt4Uuid(exec, partial, fsUuid);
      await syncFile(partial);
      await renameDurably(partial, file);
    },

    async mount({ id, fsUuid, at }) {
      const file = fileOf(id);
      if (!(await exists(file))) {
        throw new BakeryError('internal', 'volume-missing', 'the volume of the disk is gone', { detail: file });
      }
      if ((await readExt4Uuid(file)) !== fsUuid) {
        throw new BakeryError('internal', 'volume-uuid', 'the volume of the disk is not the recorded one', {
          detail: file,
        });
      }
      if (await isMounted(file, at)) return bound(at);
      const mounted = new Set((await readMounts()).map((mount) => mount.source));
      for (const loop of await loopsOf(exec, file)) if (!mounted.has(loop.name)) await detachLoop(exec, loop.name);
      await refuseWhileHeld(file);
      await mkdir(at, { recursive: true });
      // Nobody may write below a mount point that is not mounted: it would hide there, and be served by mistake. What is there
      // already is somebody else's (a folder of the original Bakery): it is covered, and stays as it is.
      if ((await readdir(at)).length === 0) await chmod(at, 0o000);
      await mountExt4(exec, file, at);
      await bound(at);
      log.debug({ volume: id, at }, 'volume mounted');
    },

    async unmount({ id, at }) {
      await release(fileOf(id), at);
      await rmdir(at).catch((error) => {
        // Something was written below while it was not mounted. It is not ours to delete, nor a reason to fail.
        if (isErrno(error, 'ENOTEMPTY')) log.warn({ at }, 'the mount point is not empty and stays');
        else if (!isErrno(error, 'ENOENT')) throw error;
      });
    },

    async check({ id }) {
      const file = fileOf(id);
      if (!(await exists(file))) return;
      await refuseWhileHeld(file);
      const hard = await repairExt4(exec, file);
      if (hard) log.warn({ volume: id }, 'the file system of a volume needed a repair that may have dropped files');
    },

    async discard({ id }) {
      const file = fileOf(id);
      if (!(await exists(file))) return;
      await refuseWhileHeld(file);
      await renameDurably(file, trashOf(id));
    },

    async recover({ id }) {
      if (await exists(fileOf(id))) return;
      if (!(await exists(trashOf(id)))) {
        throw new BakeryError('internal', 'volume-missing', 'the volume of the disk is gone', { detail: trashOf(id) });
      }
      await renameDurably(trashOf(id), fileOf(id));
    },

    async purge({ id }) {
      await refuseWhileHeld(trashOf(id));
      await removeFile(trashOf(id));
      await syncFolder(pool.path('trash', ''));
    },

    async remove({ id, fsUuid }) {
      await release(`${fileOf(id)}.partial`, pool.path('work', id));
      await rmdir(pool.path('work', id)).catch(() => undefined);
      await removeFile(`${fileOf(id)}.partial`);
      const file = fileOf(id);
      const isOther = fsUuid !== undefined && (await exists(file)) && (await readExt4Uuid(file)) !== fsUuid;
      if (isOther) return;
      await refuseWhileHeld(file);
      await removeFile(file);
      await syncFolder(pool.path('volumes', ''));
    },

    async removeGolden(id) {
      await refuseWhileHeld(goldenOf(id));
      await removeFile(`${goldenOf(id)}.partial`);
      await removeFile(goldenOf(id));
      await syncFolder(pool.path('golden', ''));
    },

    async thaw(folder) {
      for (const { mountPoint } of await mountsBelow(folder)) await thawMount(mountPoint);
    },

    async broken(folder) {
      return new Set((await mountsBelow(folder)).filter(isBroken).map(({ mountPoint }) => mountPoint));
    },

    async flush(folder) {
      const writing = (await mountsBelow(folder)).map(({ mountPoint }) =>
        exec('sync', ['--file-system', mountPoint], { timeoutMs: 60_000 }).catch((error: unknown) => {
          log.error({ mountPoint, error: describeError(error) }, 'a volume could not be written out');
        }),
      );
      await Promise.all(writing);
    },

    async mountPoints() {
      return new Set((await readMounts()).map((mount) => mount.mountPoint));
    },
  };
}
