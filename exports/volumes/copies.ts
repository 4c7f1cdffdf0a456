import { chmod, rmdir, stat } from 'node:fs/promises';
import { BakeryError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { exists, removeFile, renameDurably, syncFile, syncFolder } from '../../core/host/files.ts';
import type { Custody } from './custody.ts';
import type { DiskImages } from './disk-image.ts';
import { setExt4Uuid, settleExt4 } from './ext4.ts';
import { FREEZE_TOO_LONG, freezeAndCopy } from './freeze.ts';
import type { Pool } from './pool.ts';

/** A data disk as it is now. `at` is where it is mounted when it is; `inUse`: a Pi may be writing on it. */
export interface LiveDisk {
  readonly kind: 'disk';
  readonly id: string;
  readonly at: string;
  readonly inUse: boolean;
}

/** A data disk as it was. */
export interface KeptDisk {
  readonly kind: 'snapshot';
  readonly id: string;
}

/**
 * Copies of data disks: snapshots, which are files of the pool that are never mounted nor exported, and disks made from them.
 * They share blocks where the pool can. A copy is of one moment, whoever writes meanwhile.
 */
export interface Copies {
  /**
   * Keeps a disk as it is at this moment.
   * @throws BakeryError `snapshot-needs-reflink` (conflict) where the pool cannot share blocks and the disk is in use,
   * `snapshot-too-slow` (timeout), `pool-full` (no-space).
   */
  snapshot(copy: { id: string; from: LiveDisk }): Promise<void>;
  /** Deletes a snapshot, and what a broken making left. */
  removeSnapshot(snapshot: { id: string }): Promise<void>;
  /** Makes a disk's volume from a copy, with a UUID of its own; with `growTo` it is grown to so many MiB. Throws as `snapshot`. */
  copyDisk(copy: { id: string; from: LiveDisk | KeptDisk; fsUuid: string; growTo?: number }): Promise<void>;
  /**
   * Prepares what is to replace the volume of a disk that is not mounted, beside it: what it was in a snapshot, or is now;
   * with `growTo` grown to so many MiB. @throws BakeryError `volume-busy`, `disk-image-missing` (conflict), `pool-full` (no-space).
   */
  stage(next: { id: string; from?: KeptDisk; growTo?: number }): Promise<void>;
  /** Deletes what `stage` prepared, or half prepared. */
  unstage(disk: { id: string }): Promise<void>;
  /** Puts what was prepared in the place of the volume, at once and for good; fine when that was done. */
  replace(disk: { id: string }): Promise<void>;
}

const MIB = 1024 ** 2;

/** Builds them for a pool. */
export function createCopies(ports: { pool: Pool; exec: Exec; custody: Custody; diskImages: DiskImages }): Copies {
  const { pool, exec, custody, diskImages } = ports;
  const fileOf = (id: string) => pool.path('volumes', `${id}.ext4`);
  const nextOf = (id: string) => `${fileOf(id)}.next`;
  const snapshotOf = (id: string) => pool.path('snapshots', `${id}.ext4`);

  /** A half-made file, and what a crash has left mounted of it. */
  async function clear(partial: string, id: string): Promise<void> {
    const at = pool.path('work', id);
    await custody.release(partial, at);
    await rmdir(at).catch(() => undefined);
    await removeFile(partial);
  }

  async function takeLive({ id, at, inUse }: LiveDisk, to: string): Promise<void> {
    const file = fileOf(id);
    if (!(await custody.mountOf(file, at))) {
      await custody.refuseWhileHeld(file);
      return pool.clone(file, to);
    }
    if (pool.kind !== 'plain') {
      const outcome = await freezeAndCopy(exec, { file, at, to }).finally(() => custody.thaw(at));
      if (outcome === 'copied') return;
      throw new BakeryError('timeout', 'snapshot-too-slow', 'the disk could not be held still long enough', {
        detail: `${at} was thawed after ${FREEZE_TOO_LONG} s`,
      });
    }
    if (inUse) {
      const message = 'this pool cannot share blocks: a disk can be copied only while it is attached to no Pi';
      throw new BakeryError('conflict', 'snapshot-needs-reflink', message);
    }
    // Nobody writes on it: once its journal is empty it stays as it is for as long as the copy takes.
    await exec('fsfreeze', ['--freeze', at]);
    await exec('fsfreeze', ['--unfreeze', at]);
    await pool.clone(file, to);
  }

  async function take(from: LiveDisk | KeptDisk, to: string): Promise<void> {
    const source = from.kind === 'snapshot' ? snapshotOf(from.id) : fileOf(from.id);
    if (!(await exists(source))) {
      throw new BakeryError('internal', 'volume-missing', 'the volume of the disk is gone', { detail: source });
    }
    await pool.ensureFree(pool.kind === 'plain' ? (await stat(source)).blocks * 512 : 64 * MIB);
    if (from.kind === 'snapshot') await pool.clone(source, to);
    else await takeLive(from, to);
    await chmod(to, 0o600);
    await settleExt4(exec, to);
  }

  return {
    async snapshot({ id, from }) {
      const [file, partial] = [snapshotOf(id), `${snapshotOf(id)}.partial`];
      if (await exists(file)) return;
      await removeFile(partial);
      await take(from, partial);
      await syncFile(partial);
      await renameDurably(partial, file);
    },

    async removeSnapshot({ id }) {
      await removeFile(`${snapshotOf(id)}.partial`);
      await removeFile(snapshotOf(id));
      await syncFolder(pool.path('snapshots', ''));
    },

    async copyDisk({ id, from, fsUuid, growTo }) {
      const [file, partial] = [fileOf(id), `${fileOf(id)}.partial`];
      if (await exists(file)) return;
      await clear(partial, id);
      await take(from, partial);
      await setExt4Uuid(exec, partial, fsUuid);
      if (growTo !== undefined) await diskImages.grow({ id, file: partial, sizeMiB: growTo });
      await syncFile(partial);
      await renameDurably(partial, file);
    },

    async stage({ id, from, growTo }) {
      const [next, partial] = [nextOf(id), `${fileOf(id)}.partial`];
      if (await exists(next)) return;
      await clear(partial, id);
      await take(from ?? { kind: 'disk', id, at: pool.path('work', id), inUse: false }, partial);
      if (growTo !== undefined) await diskImages.grow({ id, file: partial, sizeMiB: growTo });
      await syncFile(partial);
      await renameDurably(partial, next);
    },

    async unstage({ id }) {
      await clear(`${fileOf(id)}.partial`, id);
      await removeFile(nextOf(id));
      await syncFolder(pool.path('volumes', ''));
    },

    async replace({ id }) {
      if (!(await exists(nextOf(id)))) return;
      await custody.refuseWhileHeld(fileOf(id));
      await renameDurably(nextOf(id), fileOf(id));
    },
  };
}
