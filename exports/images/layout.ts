import { open } from 'node:fs/promises';
import { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { readExt4Uuid } from '../volumes/ext4.ts';

/** A partition, in bytes. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** Where the two partitions of a Pi's image are. */
export interface ImageLayout {
  readonly boot: Extent;
  readonly root: Extent;
}

const Table = z.object({
  partitiontable: z.object({
    label: z.string(),
    sectorsize: z.number().int().positive().default(512),
    partitions: z
      .array(z.object({ start: z.number().int().nonnegative(), size: z.number().int().positive(), type: z.string() }))
      .default([]),
  }),
});

/** MBR types (sfdisk --list-types): FAT16 and FAT32 in their LBA and CHS forms; Linux. */
const FAT_TYPES = new Set(['4', '6', 'b', 'c', 'e']);
const LINUX_TYPE = '83';

function bad(code: string, message: string): BakeryError {
  return new BakeryError('invalid', code, message);
}

/**
 * Finds the boot and the root partition in what `sfdisk --json` says of an image of `fileBytes`.
 * @throws BakeryError `image-not-an-image`, `image-partitions`, `image-truncated` (invalid).
 */
export function readLayout(json: string, fileBytes: number): ImageLayout {
  let table: z.output<typeof Table>['partitiontable'];
  try {
    table = Table.parse(JSON.parse(json)).partitiontable;
  } catch {
    throw bad('image-not-an-image', 'the upload has no partition table');
  }
  if (table.label !== 'dos') throw bad('image-partitions', 'only images with an MBR partition table are supported yet');
  const extents = table.partitions.map((p) => ({
    type: p.type.toLowerCase(),
    offset: p.start * table.sectorsize,
    length: p.size * table.sectorsize,
  }));
  const sorted = extents.toSorted((a, b) => a.offset - b.offset);
  for (const [i, part] of sorted.entries()) {
    const next = sorted[i + 1];
    if (part.offset < 512 || (next && part.offset + part.length > next.offset)) {
      throw bad('image-partitions', 'the partitions of the image overlap');
    }
  }
  const boot = sorted.find((part) => FAT_TYPES.has(part.type));
  const root = sorted.find((part) => part.type === LINUX_TYPE);
  if (!boot || !root) {
    const found = sorted.map((part) => part.type).join(', ') || 'none';
    throw bad('image-partitions', `the image must have a FAT boot and a Linux root partition; it has types: ${found}`);
  }
  const end = Math.max(boot.offset + boot.length, root.offset + root.length);
  if (!Number.isSafeInteger(end) || end > fileBytes) {
    throw bad('image-truncated', 'the image ends before its last partition does');
  }
  return {
    boot: { offset: boot.offset, length: boot.length },
    root: { offset: root.offset, length: root.length },
  };
}

/** First bytes of files that hold an image, packed. */
const PACKED: readonly (readonly [string, string])[] = [
  ['fd377a585a00', 'xz'],
  ['1f8b', 'gzip'],
  ['28b52ffd', 'zstd'],
  ['504b0304', 'zip'],
];

/**
 * Reads an image's layout and checks that its root is ext4.
 * @throws BakeryError of the kinds of `readLayout`; `image-packed`, `image-root-not-ext4` (invalid).
 */
export async function inspectImage(exec: Exec, file: string): Promise<ImageLayout> {
  const handle = await open(file, 'r');
  let head: string;
  let size: number;
  try {
    const start = Buffer.alloc(8);
    await handle.read(start, 0, 8, 0);
    head = start.toString('hex');
    size = (await handle.stat()).size;
  } finally {
    await handle.close();
  }
  const packed = PACKED.find(([magic]) => head.startsWith(magic));
  if (packed)
    throw bad('image-packed', `the image is packed (${packed[1]}), which is not supported yet: unpack it first`);
  // sfdisk exits 1 where there is no table.
  const { stdout } = await exec('sfdisk', ['--json', file], { okCodes: [0, 1] });
  const layout = readLayout(stdout, size);
  if ((await readExt4Uuid(file, layout.root.offset)) === undefined) {
    throw bad('image-root-not-ext4', 'the root partition of the image holds no ext4 file system');
  }
  return layout;
}
