import { mkdir, open, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { NewFileSystem } from '../../core/disk.ts';
import type { Exec } from '../../core/host/exec.ts';
import type { Custody } from './custody.ts';
import { journalMiBOf, makeLonger, missingBytes, openDiskImage, untilItFits, volumeBytes } from './disk-size.ts';
import { checkExt4 } from './ext4.ts';
import { mountExt4 } from './loop-mount.ts';
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
      const handle = await openDiskImage(at, purpose);
      try {
        if (purpose === 'write') await handle.chmod(0o600);
        if ((await handle.stat()).size < sizeMiB * MIB) await handle.truncate(sizeMiB * MIB);
        await handle.sync();
        const missing = await missingBytes(handle, at, sizeMiB);
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
    make: ({ id, file, fsUuid, sizeMiB, fileSystem }) =>
      untilItFits({ sizeMiB, bytes: volumeBytes(sizeMiB) }, async (bytes) => {
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
        return furnish({ id, file, sizeMiB, fileSystem }, 'write');
      }),

    async grow({ id, file, sizeMiB }) {
      const bytes = Math.max(volumeBytes(sizeMiB), (await stat(file)).size);
      await untilItFits({ sizeMiB, bytes }, async (wanted) => {
        await makeLonger(file, wanted);
        // resize2fs wants a file system that was checked just now.
        await checkExt4(exec, file);
        await exec('resize2fs', [file], { timeoutMs: 30 * 60_000 });
        return furnish({ id, file, sizeMiB }, 'change');
      });
    },
  };
}
