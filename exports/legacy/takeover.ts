import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BakeryError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { exists, openBeneath, removeFile, renameDurably, syncFile } from '../../core/host/files.ts';
import type { Log } from '../../core/log.ts';
import { placeBootFiles } from '../images/golden.ts';
import { findBootFolder } from '../images/prepare.ts';
import { readMounts } from '../volumes/mountinfo.ts';
import type { Pool } from '../volumes/pool.ts';
import type { Volumes } from '../volumes/volumes.ts';

/** Copies of what the original kept in plain folders, into volumes. The folders are only read. Every call may be repeated. */
export interface Takeover {
  /** Makes an empty volume that is large enough for the tree `from` and the boot files `boot`. @throws BakeryError `pool-full`. */
  createRoot(volume: { id: string; fsUuid: string; from: string; boot?: string | undefined }): Promise<void>;
  /**
   * Copies into a volume: for a root the tree with owners, modes, times, extended attributes, hard links, device nodes and
   * holes; for a data disk the bytes of its `disk.img`.
   * @throws BakeryError `legacy-source-mounted` (conflict), `path-refused` (forbidden: disk.img is no plain file), `pool-full`.
   */
  fill(volume: { id: string; fsUuid: string; role: 'root' | 'data'; from: string; signal: AbortSignal }): Promise<void>;
  /** Ends what a broken `fill` left mounted. */
  unfill(volume: { id: string }): Promise<void>;
  /** Puts the boot files that the original served into a mounted root, where Bakery serves them from. */
  placeBoot(root: { mountPoint: string; from: string }): Promise<void>;
}

const MIB = 1024 ** 2;
/** A tree of a terabyte over a slow disk. */
const COPY_MS = 24 * 3_600_000;

/** How large an ext4 must be to hold a tree, and how many inodes it needs. It is sparse: generous costs nothing. */
export function rootVolumeSize(
  tree: { bytes: number; inodes: number },
  wishBytes: number,
): { bytes: number; inodes: number } {
  // A file may take a block less where it comes from (compressed, packed), and an inode here takes 256 bytes.
  const needed = Math.ceil(tree.bytes * 1.15) + tree.inodes * (4096 + 2 * 256) + 256 * MIB;
  const bytes = Math.max(wishBytes, Math.ceil(needed / MIB) * MIB);
  return { bytes, inodes: Math.max(Math.floor(bytes / 16_384), Math.ceil(tree.inodes * 1.5) + 1024) };
}

/** Builds it over a pool. */
export function createTakeover(options: {
  pool: Pool;
  volumes: Volumes;
  exec: Exec;
  log: Log;
  /** Size of a Pi's root, unless its tree needs more. */
  rootBytes: number;
}): Takeover {
  const { pool, volumes, exec, log } = options;
  const fileOf = (id: string) => pool.path('volumes', `${id}.ext4`);
  const workOf = (id: string) => pool.path('work', id);

  async function weigh(folder: string): Promise<{ bytes: number; inodes: number }> {
    const ask = async (...what: string[]) => {
      const { stdout } = await exec('du', ['--summarize', '--one-file-system', ...what, folder], {
        timeoutMs: COPY_MS,
      });
      return Number.parseInt(stdout, 10);
    };
    return { bytes: await ask('--block-size=1'), inodes: await ask('--inodes') };
  }

  /** A folder that something is mounted over is not what the original had there. */
  async function refuseMounted(folder: string): Promise<void> {
    const over = (await readMounts()).find(
      ({ mountPoint }) => mountPoint === folder || mountPoint.startsWith(`${folder}/`),
    );
    if (!over) return;
    throw new BakeryError('conflict', 'legacy-source-mounted', 'something is mounted over the old folder of the disk', {
      detail: `${over.source} at ${over.mountPoint}`,
    });
  }

  async function copy(args: readonly string[], signal: AbortSignal): Promise<void> {
    await exec('cp', args, { timeoutMs: COPY_MS, signal });
  }

  async function copyImage(from: string, at: string, signal: AbortSignal): Promise<void> {
    // The Pi could write into this folder, and may have put a link there: opened beneath it, and copied from what was opened.
    const image = await openBeneath(from, 'disk.img');
    try {
      const { size, blocks } = await image.stat();
      await pool.ensureFree(blocks * 512 + 64 * MIB);
      const target = join(at, 'disk.img');
      await copy(['--sparse=always', `/proc/${process.pid}/fd/${image.fd}`, target], signal);
      const copied = (await stat(target)).size;
      if (copied !== size) {
        throw new BakeryError('conflict', 'legacy-source-changed', 'the old disk changed while it was copied', {
          detail: `${from}: ${size} bytes, ${copied} copied`,
        });
      }
    } finally {
      await image.close();
    }
  }

  return {
    async createRoot({ id, fsUuid, from, boot }) {
      const [file, partial] = [fileOf(id), `${fileOf(id)}.partial`];
      if (await exists(file)) return;
      await refuseMounted(from);
      const tree = await weigh(from);
      const files = boot === undefined ? { bytes: 0, inodes: 0 } : await weigh(boot);
      const total = { bytes: tree.bytes + files.bytes, inodes: tree.inodes + files.inodes };
      const { bytes, inodes } = rootVolumeSize(total, options.rootBytes);
      await pool.ensureFree(total.bytes + total.inodes * 512 + 128 * MIB);
      await removeFile(partial);
      const handle = await open(partial, 'w', 0o600);
      await handle.truncate(bytes);
      await handle.close();
      const sizes = ['-b', '4096', '-I', '256', '-N', String(inodes), '-J', 'size=64', '-m', '0'];
      const args = ['-q', '-F', ...sizes, '-O', 'metadata_csum_seed', '-U', fsUuid, '-E', 'nodiscard', partial];
      await exec('mkfs.ext4', args, { timeoutMs: 120_000 });
      await syncFile(partial);
      await renameDurably(partial, file);
    },

    async fill({ id, fsUuid, role, from, signal }) {
      await refuseMounted(from);
      const at = workOf(id);
      await volumes.mount({ id, fsUuid, at });
      try {
        log.info({ disk: id, role }, 'copying an old disk into its volume');
        if (role === 'data') await copyImage(from, at, signal);
        else {
          const preserve = '--preserve=mode,ownership,timestamps,links,xattr';
          const how = ['--recursive', '--no-dereference', preserve, '--sparse=auto', '--remove-destination'];
          await copy([...how, '--one-file-system', `${from}/.`, `${at}/`], signal);
        }
      } finally {
        await volumes.unmount({ id, at });
      }
      await syncFile(fileOf(id));
    },

    unfill: ({ id }) => volumes.unmount({ id, at: workOf(id) }),

    async placeBoot({ mountPoint, from }) {
      await placeBootFiles(from, mountPoint, await findBootFolder(mountPoint));
    },
  };
}
