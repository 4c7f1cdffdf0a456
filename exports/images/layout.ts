import { stat } from 'node:fs/promises';
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

/** What partitions of these types hold (sfdisk --list-types), by the kind of table. */
const TYPES: Readonly<Record<string, { readonly boot: ReadonlySet<string>; readonly root: ReadonlySet<string> }>> = {
  // FAT16 and FAT32 in their LBA and CHS forms; Linux.
  dos: { boot: new Set(['4', '6', 'b', 'c', 'e']), root: new Set(['83']) },
  gpt: {
    // EFI system; Microsoft basic data.
    boot: new Set(['c12a7328-f81f-11d2-ba4b-00a0c93ec93b', 'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7']),
    root: new Set([
      // Linux file system.
      '0fc63daf-8483-4772-8e79-3d69d8477de4',
      // Linux root of ARM-64, and of ARM (UAPI group, Discoverable Partitions Specification).
      'b921b045-1df0-41c3-af44-4c6f280d3fae',
      '69dad710-2ce4-4e3c-b16c-21a1d49abed3',
    ]),
  },
};

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
  const types = TYPES[table.label];
  if (!types) throw bad('image-partitions', 'the partition table of an image is an MBR or a GPT');
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
  const boot = sorted.find((part) => types.boot.has(part.type));
  const root = sorted.find((part) => types.root.has(part.type));
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

/**
 * Reads an image's layout and checks that its root is ext4.
 * @throws BakeryError of the kinds of `readLayout`; `image-root-not-ext4` (invalid).
 */
export async function inspectImage(exec: Exec, file: string): Promise<ImageLayout> {
  const { size } = await stat(file);
  // sfdisk exits 1 where there is no table.
  const { stdout } = await exec('sfdisk', ['--json', file], { okCodes: [0, 1] });
  const layout = readLayout(stdout, size);
  if ((await readExt4Uuid(file, layout.root.offset)) === undefined) {
    throw bad('image-root-not-ext4', 'the root partition of the image holds no ext4 file system');
  }
  return layout;
}
