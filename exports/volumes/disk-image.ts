import { mkdir, open, rmdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { NewFileSystem } from '../../core/disk.ts';
import { BakeryError, isErrno } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { openBeneath } from '../../core/host/files.ts';
import type { Custody } from './custody.ts';
import { checkExt4, mountExt4 } from './ext4.ts';
import { makeFileSystem } from './new-file-system.ts';
import type { Pool } from './pool.ts';

/** Makes and grows what is in a data disk's volume: an ext4 with one sparse `disk.img`, which fits in it to its last byte. */
export interface DiskImages {
  /**
   * A new file system in a new file, and another in its `disk.img` where one is wished. `id` names the place where it is worked on.
   */
  make(disk: NewDisk & { fsUuid: string; fileSystem?: NewFileSystem | undefined }): Promise<void>;
  /**
   * Grows one that is mounted nowhere, its `disk.img` with it; nothing is ever made smaller.
   * @throws BakeryError `disk-image-missing` (conflict), `path-refused` (forbidden) when a Pi has put something else there.
   */
  grow(disk: NewDisk): Promise<void>;
}

interface NewDisk {
  readonly id: string;
  readonly file: string;
  readonly sizeMiB: number;
}

const MIB = 1024 ** 2;
const TRIES = 8;

/** ext4 keeps an extent in 12 bytes, 340 to a block. A disk written in the worst order has one for each block of 4 KiB. */
function extentBytes(sizeMiB: number): number {
  return Math.ceil(sizeMiB / 256) * MIB + MIB;
}

/** Journal blocks are taken at once (1 GiB for 1 TiB by default), and one big file needs none bigger. */
export function journalMiBOf(sizeMiB: number): number {
  return sizeMiB < 1024 ? 8 : 64;
}

/** Generous: a volume is sparse. How much mkfs and the kernel keep for themselves is measured, not guessed. */
function volumeBytes(sizeMiB: number): number {
  return Math.ceil(sizeMiB * 1.008 + journalMiBOf(sizeMiB) + 32) * MIB;
}

function tooSmall(missing: number, sizeMiB: number): BakeryError {
  return new BakeryError('internal', 'disk-too-small', 'the volume of the disk does not get large enough', {
    detail: `${missing} bytes are missing of ${sizeMiB} MiB`,
  });
}

async function extend(file: string, bytes: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    if ((await handle.stat()).size < bytes) await handle.truncate(bytes);
  } finally {
    await handle.close();
  }
}

/** Builds it for a pool. */
export function createDiskImages(ports: { pool: Pool; exec: Exec; custody: Custody }): DiskImages {
  const { pool, exec, custody } = ports;

  /** Gives it a `disk.img` of so much. @returns the bytes it lacks to be filled; 0 or less when it has room. */
  async function furnish(
    { id, file, sizeMiB, fileSystem }: NewDisk & { fileSystem?: NewFileSystem | undefined },
    purpose: 'write' | 'change',
  ): Promise<number> {
    const at = pool.path('work', id);
    await mkdir(at, { recursive: true, mode: 0o700 });
    await mountExt4(exec, file, at);
    try {
      // Of a disk that is grown a Pi's root has made what is there: it may be a link that leads out, or gone.
      const handle = await openBeneath(at, 'disk.img', purpose).catch((cause) => {
        if (!isErrno(cause, 'ENOENT')) throw cause;
        throw new BakeryError('conflict', 'disk-image-missing', 'the disk holds no disk.img any more', { cause });
      });
      try {
        if (purpose === 'write') await handle.chmod(0o600);
        const { size, blocks } = await handle.stat();
        if (size < sizeMiB * MIB) await handle.truncate(sizeMiB * MIB);
        await handle.sync();
        // statfs leaves out what the mounted ext4 keeps for itself (s_resv_clusters, 2 % up to 16 MiB); dumpe2fs does not.
        const { bavail, bsize } = await statfs(at);
        const missing = sizeMiB * MIB + extentBytes(sizeMiB) - blocks * 512 - bavail * bsize;
        // In a volume that nobody else has seen yet.
        if (missing <= 0 && fileSystem) await makeFileSystem(exec, join(at, 'disk.img'), fileSystem);
        return missing;
      } finally {
        await handle.close();
      }
    } finally {
      await custody.release(file, at);
      await rmdir(at);
    }
  }

  return {
    async make({ id, file, fsUuid, sizeMiB, fileSystem }) {
      let bytes = volumeBytes(sizeMiB);
      for (let tries = 0; ; tries++) {
        const handle = await open(file, 'w', 0o600);
        await handle.truncate(bytes);
        await handle.close();
        const sizes = ['-b', '4096', '-J', `size=${journalMiBOf(sizeMiB)}`, '-N', '64', '-I', '256'];
        // With a seed of its checksums a clone gets a UUID of its own at once.
        const features = ['-m', '0', '-T', 'largefile4', '-O', 'metadata_csum,metadata_csum_seed'];
        // A sparse file is zeros: neither mkfs nor the kernel, later, writes some into the journal and the tables of inodes. Groups that keep
        // these tables together, 256 instead of 16, are fewer places to write at.
        const fast = ['-E', 'nodiscard,assume_storage_prezeroed=1', '-G', '256'];
        const args = ['-q', '-F', ...features, ...sizes, ...fast, '-U', fsUuid, file];
        await exec('mkfs.ext4', args, { timeoutMs: 120_000 });
        const missing = await furnish({ id, file, sizeMiB, fileSystem }, 'write');
        if (missing <= 0) return;
        if (tries >= TRIES) throw tooSmall(missing, sizeMiB);
        bytes += Math.ceil((missing * 1.05) / MIB + 4) * MIB;
      }
    },

    async grow({ id, file, sizeMiB }) {
      let bytes = Math.max(volumeBytes(sizeMiB), (await stat(file)).size);
      for (let tries = 0; ; tries++) {
        await extend(file, bytes);
        // resize2fs wants a file system that was checked just now.
        await checkExt4(exec, file);
        await exec('resize2fs', [file], { timeoutMs: 30 * 60_000 });
        const missing = await furnish({ id, file, sizeMiB }, 'change');
        if (missing <= 0) return;
        if (tries >= TRIES) throw tooSmall(missing, sizeMiB);
        bytes += Math.ceil((missing * 1.05) / MIB + 4) * MIB;
      }
    },
  };
}
