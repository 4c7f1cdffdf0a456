import { chmod, mkdir, readdir, rmdir, stat } from 'node:fs/promises';
import type { NewFileSystem } from '../../core/disk.ts';
import { BakeryError, describeError, isErrno } from '../../core/errors.ts';
import { type Clock, systemClock } from '../../core/host/clock.ts';
import type { Exec } from '../../core/host/exec.ts';
import { exists, removeFile, renameDurably, syncFile, syncFolder } from '../../core/host/files.ts';
import type { OpenFiles } from '../../core/host/open-files.ts';
import type { Log } from '../../core/log.ts';
import { type Copies, createCopies } from './copies.ts';
import { createCustody } from './custody.ts';
import type { DirtyLimits } from './dirty.ts';
import { createDiskImages } from './disk-image.ts';
import { journalMiBOf } from './disk-size.ts';
import { growExt4, readExt4Uuid, repairExt4, setExt4Uuid } from './ext4.ts';
import { createGrowth, type Growth } from './growth.ts';
import { mountExt4 } from './loop-mount.ts';
import { detachLoop, hasBehind, loopsOf } from './loops.ts';
import { isBroken, type Mount, mountAt, mountsBelow, readMounts } from './mountinfo.ts';
import type { Pool } from './pool.ts';
import { trimExt4 } from './trim.ts';

/**
 * Volumes: one file each, with one ext4 in it. Every call is idempotent and durable when it resolves, and what takes
 * something away is fine with "it never happened". A volume file is never renamed, copied, checked or deleted while a
 * loop device of this machine has it.
 */
export interface Volumes extends Copies, Growth {
  /**
   * Makes a volume that holds one sparse `disk.img` of exactly `sizeMiB` MiB, which can be filled to its last byte; with a
   * file system in that, where one is wished, or not at all.
   * @throws BakeryError `pool-full` (no-space).
   */
  createDisk(volume: {
    id: string;
    fsUuid: string;
    sizeMiB: number;
    fileSystem?: NewFileSystem | undefined;
  }): Promise<void>;
  /**
   * Makes a volume from a golden one, grown to `bytes` when that is more.
   * @throws BakeryError `golden-missing` (internal), `pool-full` (no-space).
   */
  clone(volume: { golden: string; id: string; fsUuid: string; bytes?: number | undefined }): Promise<void>;
  /** The size of a golden volume. @throws BakeryError `golden-missing` (internal). */
  goldenBytes(id: string): Promise<number>;
  /**
   * Mounts it at `at` (absolute, without links in it), or adopts that mount.
   * @throws BakeryError `volume-missing`, `volume-uuid` (internal: not the recorded file system), `mount-foreign` (conflict: another
   * file system is there), `volume-busy` (conflict: it is mounted elsewhere).
   */
  mount(volume: { id: string; fsUuid: string; at: string }): Promise<void>;
  /** Unmounts it and waits for its release. @throws BakeryError `volume-busy`, `mount-foreign` (conflict). */
  unmount(volume: { id: string; at: string }): Promise<void>;
  /**
   * Unmounts it wherever among these places it is mounted, and waits for its release; what else is mounted there stays.
   * @throws BakeryError `volume-busy` (conflict).
   */
  unmountFrom(volume: { id: string; places: readonly string[] }): Promise<void>;
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
  /**
   * Gives what it does not use back to the pool; nothing when it is not mounted at `at`. `mayGoOn` is asked now and then.
   * @returns the bytes that came back. @throws BakeryError `mount-foreign` (conflict).
   */
  trim(volume: { id: string; at: string; mayGoOn(): Promise<boolean> }): Promise<number>;
  /** Thaws the volumes mounted below `folder`: a snapshot that was killed in the middle leaves one frozen. */
  thaw(folder: string): Promise<void>;
  /** Mount points of the volumes below `folder` that are read-only, or gone, after an error. */
  broken(folder: string): Promise<ReadonlySet<string>>;
  /** Every mount point there is now. */
  mountPoints(): Promise<ReadonlySet<string>>;
}

const MIB = 1024 ** 2;

/** Builds the volumes of a pool. */
export function createVolumes(options: {
  pool: Pool;
  exec: Exec;
  log: Log;
  clock?: Clock;
  dirtyLimits?: DirtyLimits;
  openFiles?: Pick<OpenFiles, 'end'>;
}): Volumes {
  const { pool, exec, log, clock = systemClock } = options;
  const fileOf = (id: string) => pool.path('volumes', `${id}.ext4`);
  const goldenOf = (id: string) => pool.path('golden', `${id}.ext4`);
  const trashOf = (id: string) => pool.path('trash', `${id}.ext4`);
  const custody = createCustody({ exec, clock, log, openFiles: options.openFiles });
  const { refuseWhileHeld, mountOf, thaw, release } = custody;
  const diskImages = createDiskImages({ pool, exec, custody });
  const copies = createCopies({ pool, exec, custody, diskImages });
  const growth = createGrowth({ pool, exec, custody, log });

  async function statGolden(id: string) {
    const source = goldenOf(id);
    return stat(source).catch((cause) => {
      if (!isErrno(cause, 'ENOENT')) throw cause;
      const message = 'the golden volume of the bakeform is gone';
      throw new BakeryError('internal', 'golden-missing', message, { detail: source, cause });
    });
  }

  /** Also for a mount that is adopted: an older Bakery, or another hand, may have made it. */
  const bound = (mount: Mount | undefined) => (mount ? options.dirtyLimits?.bound(mount.device) : undefined);

  async function unmountAt(file: string, at: string): Promise<void> {
    const mounted = await mountOf(file, at);
    // Before: a moment after it the device may be another volume's.
    if (mounted) options.dirtyLimits?.lift(mounted.device);
    await release(file, at).catch(async (error: unknown) => {
      bound(await mountOf(file, at));
      throw error;
    });
    await rmdir(at).catch((error) => {
      // Something was written below while it was not mounted. It is not ours to delete, nor a reason to fail.
      if (isErrno(error, 'ENOTEMPTY')) log.warn({ at }, 'the mount point is not empty and stays');
      else if (!isErrno(error, 'ENOENT')) throw error;
    });
  }

  return {
    ...copies,
    ...growth,

    async createDisk({ id, fsUuid, sizeMiB, fileSystem }) {
      const [file, partial] = [fileOf(id), `${fileOf(id)}.partial`];
      if (await exists(file)) return;
      await release(partial, pool.path('work', id));
      await removeFile(partial);
      await pool.ensureFree((journalMiBOf(sizeMiB) + 64) * MIB);
      await diskImages.make({ id, file: partial, fsUuid, sizeMiB, fileSystem });
      await syncFile(partial);
      await renameDurably(partial, file);
    },

    goldenBytes: async (id) => (await statGolden(id)).size,

    async clone({ golden, id, fsUuid, bytes = 0 }) {
      const [file, partial] = [fileOf(id), `${fileOf(id)}.partial`];
      if (await exists(file)) return;
      const source = goldenOf(golden);
      const { blocks, size } = await statGolden(golden);
      await refuseWhileHeld(source);
      await refuseWhileHeld(partial);
      await removeFile(partial);
      await pool.ensureFree(pool.kind === 'plain' ? blocks * 512 : 64 * MIB);
      await pool.clone(source, partial);
      await chmod(partial, 0o600);
      await setExt4Uuid(exec, partial, fsUuid);
      if (bytes > size) await growExt4(exec, partial, bytes);
      await syncFile(partial);
      await renameDurably(partial, file);
    },

    async mount({ id, fsUuid, at }) {
      const file = fileOf(id);
      const found = await readExt4Uuid(file).catch((cause) => {
        if (!isErrno(cause, 'ENOENT')) throw cause;
        throw new BakeryError('internal', 'volume-missing', 'the volume of the disk is gone', { detail: file });
      });
      if (found !== fsUuid) {
        throw new BakeryError('internal', 'volume-uuid', 'the volume of the disk is not the recorded one', {
          detail: file,
        });
      }
      const there = await mountOf(file, at);
      if (there) return bound(there);
      const loops = await loopsOf(exec, file);
      if (loops.length > 0) {
        const mounted = new Set((await readMounts()).map((mount) => mount.source));
        for (const loop of loops) if (!mounted.has(loop.name)) await detachLoop(exec, loop.name);
        await refuseWhileHeld(file);
      }
      const made = await mkdir(at, { recursive: true });
      // Nobody may write below a mount point that is not mounted: it would hide there, and be served by mistake. What is there
      // already is somebody else's (a folder of the original Bakery): it is covered, and stays as it is.
      if ((await readdir(at)).length === 0) await chmod(at, 0o000);
      await mountExt4(exec, file, at).catch(async (error) => {
        // The disk may have been destroyed meanwhile: nobody would take the folder away again.
        if (made !== undefined) await rmdir(at).catch(() => undefined);
        throw error;
      });
      bound(await mountAt(at));
      log.debug({ volume: id, at }, 'volume mounted');
    },

    unmount: ({ id, at }) => unmountAt(fileOf(id), at),

    async unmountFrom({ id, places }) {
      const file = fileOf(id);
      for (const at of places) {
        const there = await mountAt(at);
        if (there && (await hasBehind(exec, there.source, file))) return unmountAt(file, at);
      }
      // Nowhere: a loop device may still have it.
      await release(file, pool.path('work', id));
      for (const at of places) if (!(await mountAt(at))) await rmdir(at).catch(() => undefined);
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

    async trim({ id, at, mayGoOn }) {
      const file = fileOf(id);
      return (await mountOf(file, at)) ? trimExt4(exec, { file, at, mayGoOn }) : 0;
    },

    async thaw(folder) {
      for (const { mountPoint } of await mountsBelow(folder)) await thaw(mountPoint);
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
