import { type FileHandle, open } from 'node:fs/promises';
import { allOf } from '../../core/all-of.ts';

/** Offset of the primary superblock in the file system, and its size. */
const PRIMARY = 1024;
const SIZE = 1024;
const MAGIC = 0xef53;

/** Offsets in an ext4 superblock, all little endian (Documentation/filesystems/ext4/super.rst). */
const S_BLOCKS_COUNT_LO = 0x04; // le32
const S_FIRST_DATA_BLOCK = 0x14; // le32
const S_LOG_BLOCK_SIZE = 0x18; // le32: 2 ^ (10 + this)
const S_BLOCKS_PER_GROUP = 0x20; // le32
const S_MAGIC = 0x38; // le16
const S_FEATURE_COMPAT = 0x5c; // le32
const S_FEATURE_INCOMPAT = 0x60; // le32
const S_FEATURE_RO_COMPAT = 0x64; // le32
const S_UUID = 0x68; // 16 bytes
const S_BLOCKS_COUNT_HI = 0x150; // le32
const S_BACKUP_BGS = 0x24c; // le32 × 2
const S_CHECKSUM = 0x3fc; // le32, CRC32C of all before it

const COMPAT_SPARSE_SUPER2 = 0x200;
const INCOMPAT_RECOVER = 0x4;
const INCOMPAT_JOURNAL_DEV = 0x8;
const INCOMPAT_64BIT = 0x80;
const INCOMPAT_MMP = 0x100;
const INCOMPAT_CSUM_SEED = 0x2000;
const RO_COMPAT_SPARSE_SUPER = 0x1;
const RO_COMPAT_GDT_CSUM = 0x10;
const RO_COMPAT_METADATA_CSUM = 0x400;

/** Castagnoli's polynomial, reflected. */
const CRC32C = new Uint32Array(256).map((_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC32C as ext4 has it: begun with all ones and not inverted in the end. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC32C[(crc ^ byte) & 0xff] ?? 0);
  return crc >>> 0;
}

/** A superblock, as far as it is asked for. */
export interface Superblock {
  readonly uuid: string;
  /** Its checksums are made with its UUID: then all of them change with it. */
  readonly uuidInChecksums: boolean;
}

const has = (block: Buffer, field: number, bits: number) => (block.readUInt32LE(field) & bits) !== 0;
const isSuperblock = (block: Buffer) => block.length === SIZE && block.readUInt16LE(S_MAGIC) === MAGIC;

/** What a superblock says; undefined when it is none. */
export function parseSuperblock(block: Buffer): Superblock | undefined {
  if (!isSuperblock(block)) return undefined;
  const uuid = block
    .toString('hex', S_UUID, S_UUID + 16)
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const uuidInChecksums =
    has(block, S_FEATURE_RO_COMPAT, RO_COMPAT_METADATA_CSUM) && !has(block, S_FEATURE_INCOMPAT, INCOMPAT_CSUM_SEED);
  return { uuid, uuidInChecksums };
}

/** True when a group has a copy of the superblock in a file system with sparse_super: 0, 1 and the powers of 3, 5 and 7. */
function isSparse(group: number): boolean {
  if (group <= 1) return true;
  return [3, 5, 7].some((base) => {
    let power = base;
    while (power < group) power *= base;
    return power === group;
  });
}

/**
 * Where the copies of a superblock are, in bytes from the beginning of the file system; undefined for a file system whose UUID is more than
 * these: group descriptors (uninit_bg), a block of multiple mount protection, or a journal that is to be played back and would undo it.
 */
export function superblockPlaces(block: Buffer): number[] | undefined {
  if (!isSuperblock(block) || parseSuperblock(block)?.uuidInChecksums) return undefined;
  if (has(block, S_FEATURE_INCOMPAT, INCOMPAT_RECOVER | INCOMPAT_JOURNAL_DEV | INCOMPAT_MMP)) return undefined;
  const isChecked = has(block, S_FEATURE_RO_COMPAT, RO_COMPAT_METADATA_CSUM);
  if (!isChecked && has(block, S_FEATURE_RO_COMPAT, RO_COMPAT_GDT_CSUM)) return undefined;
  const log = block.readUInt32LE(S_LOG_BLOCK_SIZE);
  const perGroup = block.readUInt32LE(S_BLOCKS_PER_GROUP);
  if (log > 6 || perGroup === 0) return undefined;
  const first = block.readUInt32LE(S_FIRST_DATA_BLOCK);
  const high = has(block, S_FEATURE_INCOMPAT, INCOMPAT_64BIT) ? block.readUInt32LE(S_BLOCKS_COUNT_HI) : 0;
  const groups = Math.ceil((high * 2 ** 32 + block.readUInt32LE(S_BLOCKS_COUNT_LO) - first) / perGroup);
  if (groups > 1_000_000) return undefined;
  const chosen = [block.readUInt32LE(S_BACKUP_BGS), block.readUInt32LE(S_BACKUP_BGS + 4)];
  const isCopied = (group: number) => {
    if (has(block, S_FEATURE_COMPAT, COMPAT_SPARSE_SUPER2)) return chosen.includes(group);
    return !has(block, S_FEATURE_RO_COMPAT, RO_COMPAT_SPARSE_SUPER) || isSparse(group);
  };
  const places = [PRIMARY];
  for (let group = 1; group < groups; group++) {
    if (isCopied(group)) places.push((first + group * perGroup) * 2 ** (10 + log));
  }
  return places;
}

/** The same superblock with another UUID, and its checksum made anew where it has one. */
export function withUuid(block: Buffer, uuid: string): Buffer {
  const next = Buffer.from(block);
  next.write(uuid.replaceAll('-', ''), S_UUID, 16, 'hex');
  if (has(next, S_FEATURE_RO_COMPAT, RO_COMPAT_METADATA_CSUM)) {
    next.writeUInt32LE(crc32c(next.subarray(0, S_CHECKSUM)), S_CHECKSUM);
  }
  return next;
}

async function readAt(handle: FileHandle, place: number): Promise<Buffer> {
  const block = Buffer.alloc(SIZE);
  const { bytesRead } = await handle.read(block, 0, SIZE, place);
  return block.subarray(0, bytesRead);
}

/** The superblock of the ext4 that begins at `offset` of `file`; undefined when there is none. */
export async function readSuperblock(file: string, offset = 0): Promise<Superblock | undefined> {
  const handle = await open(file, 'r');
  try {
    return parseSuperblock(await readAt(handle, offset + PRIMARY));
  } finally {
    await handle.close();
  }
}

/**
 * Gives an unmounted ext4 another UUID where that is no more than its superblocks, without a child process, as each bake does it. The
 * caller makes it durable.
 * @returns false when it is more; nothing is written then.
 */
export async function writeUuid(file: string, uuid: string): Promise<boolean> {
  const handle = await open(file, 'r+');
  try {
    const places = superblockPlaces(await readAt(handle, PRIMARY));
    if (!places) return false;
    const blocks = await Promise.all(places.map((place) => readAt(handle, place)));
    // A copy that is none: e2fsck's business, which knows more.
    if (!blocks.every(isSuperblock)) return false;
    const write = ([i, block]: [number, Buffer]) => handle.write(withUuid(block, uuid), 0, SIZE, places[i] ?? PRIMARY);
    const [primary, ...copies] = [...blocks.entries()];
    // The primary one last: it is what counts.
    await allOf(copies, write);
    if (primary) await write(primary);
    return true;
  } finally {
    await handle.close();
  }
}
