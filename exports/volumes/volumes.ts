import { chmod, mkdir, open, readdir, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BakeryError, isErrno } from '../../core/errors.ts';
import { type Clock, systemClock } from '../../core/host/clock.ts';
import type { Exec } from '../../core/host/exec.ts';
import { removeFile, renameDurably, syncFile, syncFolder } from '../../core/host/files.ts';
import type { Log } from '../../core/log.ts';
import { ext4Facts, readExt4Uuid, setExt4Uuid } from './ext4.ts';
import { detachLoop, loopsOf } from './loops.ts';
import { mountAt, readMounts } from './mountinfo.ts';
import type { Pool } from './pool.ts';

/** Volumes: one file each, with one ext4 in it. Every call is idempotent and durable when it resolves. */
export interface Volumes {
  createDisk(volume: { id: string; fsUuid: string; sizeMiB: number }): Promise<void>;
  clone(volume: { golden: string; id: string; fsUuid: string }): Promise<void>;
  mount(volume: { id: string; fsUuid: string; at: string }): Promise<void>;
  unmount(volume: { id: string; at: string }): Promise<void>;
  discard(volume: { id: string }): Promise<void>;
  remove(volume: { id: string }): Promise<void>;
  removeGolden(id: string): Promise<void>;
  /** Deletes what has been in the trash for longer; its names. */
  purgeTrash(limits: { olderThanMs: number; now: number }): Promise<string[]>;
  /** Every mount point there is now. */
  mountPoints(): Promise<ReadonlySet<string>>;
}

const MIB = 1024 ** 2;
const UMOUNT_TRIES = 50;
const PAUSE_MS = 100;

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Mounts an ext4 file: no devices, no set-uid, nothing to run here; direct I/O, so that no block is cached twice. */
export async function mountExt4(exec: Exec, file: string, at: string): Promise<void> {
  await exec('mount', ['-t', 'ext4', '-o', 'loop,discard,nodev,nosuid,noexec', file, at], { timeoutMs: 60_000 });
  const source = (await mountAt(at))?.source;
  if (source) await exec('losetup', ['--direct-io=on', source], { okCodes: [0, 1] });
}

/** Builds the volumes of a pool. */
export function createVolumes(options: { pool: Pool; exec: Exec; log: Log; clock?: Clock }): Volumes {
  const { pool, exec, log, clock = systemClock } = options;
  const fileOf = (id: string) => pool.path('volumes', `${id}.ext4`);
  const goldenOf = (id: string) => pool.path('golden', `${id}.ext4`);

  async function refuseWhileHeld(file: string): Promise<void> {
    const [loop] = await loopsOf(exec, file);
    if (loop) {
      throw new BakeryError('conflict', 'volume-busy', 'the volume is still in use on the server', {
        detail: `${file} is behind ${loop.name}`,
      });
    }
  }

  /** umount, and the wait until the loop is gone: a mount in another namespace or a frozen file system keeps it. */
  async function release(file: string, at: string): Promise<void> {
    for (let tries = 0; await mountAt(at); tries++) {
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

  /** Puts a sparse `disk.img` in a new ext4; false when the file system could not hold it filled. */
  async function furnish(id: string, file: string, sizeMiB: number): Promise<boolean> {
    const at = pool.path('work', id);
    await mkdir(at, { recursive: true, mode: 0o700 });
    await mountExt4(exec, file, at);
    try {
      const image = join(at, 'disk.img');
      const handle = await open(image, 'w', 0o600);
      await handle.truncate(sizeMiB * MIB);
      await handle.sync();
      await handle.close();
    } finally {
      await release(file, at);
      await rmdir(at);
    }
    // A file of n bytes in fragments needs extent blocks too: one of 4 KiB per 340 extents of at most 128 MiB.
    const { freeBytes } = await ext4Facts(exec, file);
    return freeBytes >= sizeMiB * MIB + Math.ceil(sizeMiB / 1024) * 64 * 1024 + MIB;
  }

  return {
    async createDisk({ id, fsUuid, sizeMiB }) {
      const [file, partial] = [fileOf(id), `${fileOf(id)}.partial`];
      if (await exists(file)) return;
      await release(partial, pool.path('work', id));
      await removeFile(partial);
      await pool.ensureFree(64 * MIB);
      // mkfs takes the journal, inode tables and group descriptors from the size; what that is, is measured afterwards.
      let bytes = Math.ceil((sizeMiB * 1.004 + 24) * MIB);
      for (let tries = 0; ; tries++) {
        const handle = await open(partial, 'w', 0o600);
        await handle.truncate(bytes);
        await handle.close();
        const inodes = ['-N', '64', '-I', '256'];
        await exec(
          'mkfs.ext4',
          ['-q', '-F', '-m', '0', '-T', 'largefile4', ...inodes, '-U', fsUuid, '-E', 'nodiscard', partial],
          {
            timeoutMs: 120_000,
          },
        );
        if (await furnish(id, partial, sizeMiB)) break;
        if (tries >= 8)
          throw new BakeryError('internal', 'disk-too-small', 'the volume of the disk does not get large enough');
        bytes += Math.max(16 * MIB, Math.ceil(sizeMiB * 0.01) * MIB);
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
      const loops = await loopsOf(exec, file);
      const there = await mountAt(at);
      if (there && loops.some((loop) => loop.name === there.source)) return;
      if (there) {
        throw new BakeryError('conflict', 'mount-foreign', 'something else is mounted where the volume belongs', {
          detail: `${there.source} at ${at}`,
        });
      }
      const mounted = new Set((await readMounts()).map((mount) => mount.source));
      for (const loop of loops) if (!mounted.has(loop.name)) await detachLoop(exec, loop.name);
      await refuseWhileHeld(file);
      await mkdir(at, { recursive: true });
      // Nobody may write below a mount point that is not mounted: it would hide there, and be served by mistake.
      await chmod(at, 0o000);
      await mountExt4(exec, file, at);
      log.debug({ volume: id, at }, 'volume mounted');
    },

    async unmount({ id, at }) {
      await release(fileOf(id), at);
      await rmdir(at).catch((error) => {
        if (!isErrno(error, 'ENOENT')) throw error;
      });
    },

    async discard({ id }) {
      const file = fileOf(id);
      if (!(await exists(file))) return;
      await refuseWhileHeld(file);
      await renameDurably(file, pool.path('trash', `${id}-${clock.now()}.ext4`));
    },

    async remove({ id }) {
      await release(`${fileOf(id)}.partial`, pool.path('work', id));
      await rmdir(pool.path('work', id)).catch(() => undefined);
      await refuseWhileHeld(fileOf(id));
      await removeFile(`${fileOf(id)}.partial`);
      await removeFile(fileOf(id));
      await syncFolder(pool.path('volumes', ''));
    },

    async removeGolden(id) {
      await refuseWhileHeld(goldenOf(id));
      await removeFile(`${goldenOf(id)}.partial`);
      await removeFile(goldenOf(id));
      await syncFolder(pool.path('golden', ''));
    },

    async purgeTrash({ olderThanMs, now }) {
      const purged: string[] = [];
      for (const name of await readdir(pool.path('trash', ''))) {
        const since = Number(/-(\d+)\.ext4$/.exec(name)?.[1] ?? Number.NaN);
        if (Number.isNaN(since) || now - since < olderThanMs) continue;
        await removeFile(pool.path('trash', name));
        purged.push(name);
      }
      return purged;
    },

    async mountPoints() {
      return new Set((await readMounts()).map((mount) => mount.mountPoint));
    },
  };
}
