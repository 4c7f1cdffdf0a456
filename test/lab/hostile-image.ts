import type { Chance } from './seed.ts';

/** An image that is whole, and where things are in it. */
export interface WholeImage {
  readonly bytes: Buffer;
  /** Where the FAT and the ext4 begin, in bytes. */
  readonly fat: number;
  readonly ext4: number;
}

const SECTOR = 512;
/** Numbers that programs trip over. */
const ABSURD = [
  0, 1, 2, 7, 63, 127, 255, 256, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff,
];

/** Writes an absurd number, or one near what is there, into 1, 2 or 4 bytes. */
function upset(bytes: Buffer, at: number, width: 1 | 2 | 4, chance: Chance): void {
  const size = 2 ** (8 * width);
  const near = bytes.readUIntLE(at, width) + chance.pick([-1, 1, -8, 8]);
  const value = chance.below(4) === 0 ? near : chance.pick(ABSURD);
  bytes.writeUIntLE(((value % size) + size) % size, at, width);
}

function times(count: number, act: () => void): void {
  for (let n = 0; n < count; n++) act();
}

/** Writes an entry of an MBR, or of a logical partition's table, at `sector` (its type, its first sector, how many). */
function writeEntry(bytes: Buffer, sector: number, slot: number, entry: readonly [number, number, number]): void {
  const at = sector * SECTOR + 446 + slot * 16;
  const [type, start, size] = entry;
  bytes.writeUInt8(type, at + 4);
  bytes.writeUInt32LE(start, at + 8);
  bytes.writeUInt32LE(size, at + 12);
  bytes.writeUInt16LE(0xaa55, sector * SECTOR + 510);
}

const TYPES = [0, 0x01, 0x05, 0x0b, 0x0c, 0x0e, 0x0f, 0x82, 0x83, 0x85, 0xa5, 0xee, 0xef, 0xff];
/** First bytes of files that are packed, and of other tables. */
const HEADS = [
  '1f8b0800',
  'fd377a585a00',
  '28b52ffd',
  '504b0304',
  '425a6839',
  '04224d18',
  '377abcaf271c',
  '0be5a941',
  '82564557',
];

/** Ways to spoil the table of partitions; each gives the upload's bytes. */
const TABLES: readonly ((image: WholeImage, chance: Chance) => Buffer)[] = [
  // Cut anywhere, also in the table.
  ({ bytes }, chance) => bytes.subarray(0, chance.pick([1, 446, 511, 512, 513, chance.below(bytes.length)])),
  // Numbers of the four entries.
  ({ bytes }, chance) => {
    times(1 + chance.below(4), () => {
      const at = 446 + 16 * chance.below(4);
      bytes.writeUInt8(chance.pick(TYPES), at + 4);
      upset(bytes, at + chance.pick([8, 12]), 4, chance);
    });
    return bytes;
  },
  // Two partitions that overlap, by one sector or all.
  ({ bytes }, chance) => {
    writeEntry(bytes, 0, 2, [0x83, 2048 + chance.below(100), chance.pick([1, 2048, 0xffff_ffff])]);
    return bytes;
  },
  // Logical partitions: a chain that comes back to itself, or leads out of the file.
  ({ bytes }, chance) => {
    const sectors = Math.floor(bytes.length / SECTOR);
    const first = chance.below(sectors);
    writeEntry(bytes, 0, 2 + chance.below(2), [
      chance.pick([0x05, 0x0f, 0x85]),
      first,
      chance.pick([1, sectors, 0xffff_ffff]),
    ]);
    let at = first;
    times(1 + chance.below(6), () => {
      const next = chance.pick([0, 1, chance.below(sectors - first || 1), 0xffff_ffff]);
      writeEntry(bytes, at, 0, [chance.pick(TYPES), chance.below(100), chance.below(10_000)]);
      writeEntry(bytes, at, 1, [0x05, next, chance.below(10_000)]);
      at = Math.min(sectors - 1, first + next);
    });
    return bytes;
  },
  // Another kind of table, or something packed, in front of a good one.
  ({ bytes }, chance) => {
    Buffer.from(chance.pick(HEADS), 'hex').copy(bytes, 0);
    return bytes;
  },
  // Random bytes in the first sector, its signature kept.
  ({ bytes }, chance) => {
    times(30, () => bytes.writeUInt8(chance.below(256), chance.below(510)));
    return bytes;
  },
];

/** Sectors of the FAT and of its root folder, as its first sector says. */
function layoutOfFat(bytes: Buffer, fat: number) {
  const reserved = bytes.readUInt16LE(fat + 14);
  const fats = bytes.readUInt8(fat + 16);
  const sectorsPerFat = bytes.readUInt16LE(fat + 22);
  const table = fat + reserved * SECTOR;
  const root = table + fats * sectorsPerFat * SECTOR;
  return { table, tableBytes: sectorsPerFat * SECTOR, root, rootBytes: bytes.readUInt16LE(fat + 17) * 32 };
}

/** Ways to spoil the FAT (Microsoft FAT specification). */
const FATS: readonly ((image: WholeImage, chance: Chance) => void)[] = [
  // Its first sector: bytes per sector, sectors per cluster, how many tables, entries, sectors.
  ({ bytes, fat }, chance) => {
    times(1 + chance.below(3), () => {
      const [at, width] = chance.pick([
        [11, 2],
        [13, 1],
        [14, 2],
        [16, 1],
        [17, 2],
        [19, 2],
        [22, 2],
        [32, 4],
        [510, 2],
      ] as const);
      upset(bytes, fat + at, width, chance);
    });
  },
  // Chains that come back to themselves, run into each other, or lead out of the partition.
  ({ bytes, fat }, chance) => {
    const { table } = layoutOfFat(bytes, fat);
    const clusters = Array.from({ length: 3_000 }, (_, n) => n).filter((n) => bytes.readUInt16LE(table + 2 * n) > 1);
    times(1 + chance.below(40), () => {
      const cluster = chance.pick(clusters);
      bytes.writeUInt16LE(chance.pick([cluster, 0, 1, chance.pick(clusters), 0xfff7, 0xffef]), table + 2 * cluster);
    });
  },
  // Entries of folders: attributes, first cluster, size, names.
  ({ bytes, fat }, chance) => {
    const { root } = layoutOfFat(bytes, fat);
    const entries = Array.from({ length: 40 }, (_, n) => root + 32 * n).filter((at) => bytes[at] !== 0);
    times(1 + chance.below(4), () => {
      const at = chance.pick(entries);
      chance.pick([
        () => bytes.writeUInt8(chance.pick([0x10, 0x0f, 0x08, 0xff, 0]), at + 11),
        () => bytes.writeUInt16LE(chance.pick([0, 1, 2, 3, 0xffff]), at + 26),
        () => bytes.writeUInt32LE(chance.pick(ABSURD), at + 28),
        () => bytes.writeUInt8(chance.pick([0, 0x2e, 0x2f, 0xe5, 0x0a, 0x00]), at + chance.below(11)),
      ])();
    });
  },
  // Random bytes in its tables and its root folder.
  ({ bytes, fat }, chance) => {
    const { table, root, rootBytes } = layoutOfFat(bytes, fat);
    times(200, () => bytes.writeUInt8(chance.below(256), table + chance.below(root + rootBytes - table)));
  },
  // Everything is one folder that contains itself.
  ({ bytes, fat }) => {
    const { root } = layoutOfFat(bytes, fat);
    for (let at = root; at < root + 32 * 40; at += 32) {
      if (bytes[at] === 0 || bytes[at + 11] === 0x0f) continue;
      bytes.writeUInt8(0x10, at + 11);
      bytes.writeUInt16LE(3, at + 26);
    }
  },
];

/** Fields of ext4's superblock that its size, its blocks or its features are told by, with their widths (super.rst). */
const SUPER_FIELDS = [
  [0x00, 4], // inodes
  [0x04, 4], // blocks
  [0x14, 4], // first data block
  [0x18, 4], // log2 of the block size
  [0x1c, 4], // log2 of the cluster size
  [0x20, 4], // blocks per group
  [0x28, 4], // inodes per group
  [0x3a, 2], // state
  [0x3c, 2], // what to do at an error: 3 is panic
  [0x4c, 4], // revision
  [0x54, 4], // first inode
  [0x58, 2], // inode size
  [0x5c, 4], // compatible features
  [0x60, 4], // incompatible features
  [0x64, 4], // features that need read-only
  [0xce, 2], // blocks reserved for growth
  [0xe0, 4], // inode of the journal
  [0xe4, 4], // device of the journal
  [0xe8, 4], // first orphan
  [0xfc, 1], // hash of folders
  [0xfe, 2], // size of a group descriptor
  [0x100, 4], // mount options
  [0x104, 4], // first meta block group
  [0x150, 4], // blocks, the higher half
  [0x166, 2], // seconds between two looks whether somebody else has it mounted
  [0x174, 1], // log2 of the groups of a flexible one
  [0x194, 4], // errors seen
] as const;

/** Ways to spoil the ext4. */
const EXT4S: readonly ((image: WholeImage, chance: Chance) => void)[] = [
  ({ bytes, ext4 }, chance) => {
    times(1 + chance.below(3), () => {
      const [at, width] = chance.pick(SUPER_FIELDS);
      upset(bytes, ext4 + 1024 + at, width, chance);
    });
  },
  // Mount options of the image's own choice.
  ({ bytes, ext4 }, chance) => {
    const options = [
      'errors=panic',
      'journal_path=/etc/passwd',
      'usrjquota=../../x,jqfmt=vfsv0',
      'sb=1',
      'x'.repeat(64),
    ];
    bytes.write(chance.pick(options).padEnd(64, '\0'), ext4 + 1024 + 0x200, 'latin1');
  },
  // Random bytes in the groups' descriptors, bitmaps, inodes and folders, which are at its beginning.
  ({ bytes, ext4 }, chance) => {
    times(1 + chance.below(300), () => {
      bytes.writeUInt8(chance.below(256), ext4 + 2048 + chance.below(Math.min(2 ** 20, bytes.length - ext4 - 2048)));
    });
  },
  // Blocks in each other's place.
  ({ bytes, ext4 }, chance) => {
    times(1 + chance.below(20), () => {
      const block = () => ext4 + 1024 * (2 + chance.below(1_500));
      const from = block();
      bytes.copy(bytes, block(), from, from + 1024);
    });
  },
  // Cut behind its superblock: all else is 0.
  ({ bytes, ext4 }, chance) => {
    bytes.fill(0, ext4 + 2048 + chance.below(2 ** 20));
  },
];

/** What part of an image is spoilt. */
export type Spoilt = 'table' | 'fat' | 'ext4';

/** A copy of an image with one part spoilt, in `scratch`, which is as large: a thousand copies would wait for their collection. */
export function spoilImage(
  image: WholeImage,
  part: Spoilt,
  { scratch, chance }: { scratch: Buffer; chance: Chance },
): Buffer {
  image.bytes.copy(scratch);
  const copy = { ...image, bytes: scratch };
  if (part === 'table') return chance.pick(TABLES)(copy, chance);
  chance.pick(part === 'fat' ? FATS : EXT4S)(copy, chance);
  return copy.bytes;
}
