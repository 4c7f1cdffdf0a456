import { type FileHandle, open, statfs } from 'node:fs/promises';
import { BakeryError, isErrno } from '../../core/errors.ts';
import { openBeneath } from '../../core/host/files.ts';

const MIB = 1024 ** 2;
const TRIES = 8;

/** ext4 keeps an extent in 12 bytes, 340 to a block. A disk written in the worst order has one for each block of 4 KiB. */
function extentBytes(sizeMiB: number): number {
  return Math.ceil(sizeMiB / 256) * MIB + MIB;
}

/** MiB of a volume's journal. Its blocks are taken at once (1 GiB for 1 TiB by default), and one big file needs none bigger. */
export function journalMiBOf(sizeMiB: number): number {
  return sizeMiB < 1024 ? 8 : 64;
}

/**
 * The bytes that a volume is to have for a `disk.img` of so many MiB. Generous: a volume is sparse. How much mkfs and the kernel keep for
 * themselves is measured, not guessed.
 */
export function volumeBytes(sizeMiB: number): number {
  return Math.ceil(sizeMiB * 1.008 + journalMiBOf(sizeMiB) + 32) * MIB;
}

/**
 * Opens the `disk.img` of a disk that is mounted at `at`; the caller closes it.
 * @throws BakeryError `disk-image-missing` (conflict), `path-refused` (forbidden) when a Pi has put something else there.
 */
export function openDiskImage(at: string, purpose: 'write' | 'change'): Promise<FileHandle> {
  // Of a disk that is grown a Pi's root has made what is there: it may be a link that leads out, or gone.
  return openBeneath(at, 'disk.img', purpose).catch((cause) => {
    if (!isErrno(cause, 'ENOENT')) throw cause;
    throw new BakeryError('conflict', 'disk-image-missing', 'the disk holds no disk.img any more', { cause });
  });
}

/** The bytes that the volume mounted at `at` lacks for an image of so many MiB that is filled; 0 or less when it has room. */
export async function missingBytes(image: FileHandle, at: string, sizeMiB: number): Promise<number> {
  // In this order: what is written in between counts as missing, and not as room.
  const { blocks } = await image.stat();
  // statfs leaves out what the mounted ext4 keeps for itself (s_resv_clusters, 2 % up to 16 MiB); dumpe2fs does not.
  const { bavail, bsize } = await statfs(at);
  return sizeMiB * MIB + extentBytes(sizeMiB) - blocks * 512 - bavail * bsize;
}

/** Makes a file so many bytes long, for good; one that is longer stays as it is. */
export async function makeLonger(file: string, bytes: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    if ((await handle.stat()).size < bytes) await handle.truncate(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Tries with so many bytes, and with more until none is missing. @param attempt answers how many are, 0 or less when the disk fits.
 * @throws BakeryError `disk-too-small` (internal) when it never does.
 */
export async function untilItFits(
  { sizeMiB, bytes }: { sizeMiB: number; bytes: number },
  attempt: (bytes: number) => Promise<number>,
): Promise<void> {
  let wanted = bytes;
  for (let tries = 0; ; tries++) {
    const missing = await attempt(wanted);
    if (missing <= 0) return;
    if (tries >= TRIES) {
      throw new BakeryError('internal', 'disk-too-small', 'the volume of the disk does not get large enough', {
        detail: `${missing} bytes are missing of ${sizeMiB} MiB`,
      });
    }
    wanted += Math.ceil((missing * 1.05) / MIB + 4) * MIB;
  }
}
