import { type HandleLayout, INO32_GEN, type Place } from './handles.ts';

/** FILEID_ROOT: the folder that is exported itself, without a number. */
const ROOT = 0;
/** ext4's, of what it has at its root. */
const ROOT_INODE = 2;
const [VERSION, AUTH_NONE, HEAD] = [1, 0, 4];
/** Kinds of fsid (fs/nfsd/nfsfh.h: enum nfsd_fsid), and how many bytes each has (key_len). */
const [DEV, NUM, MAJOR_MINOR, ENCODE_DEV, UUID4_INUM, UUID8, UUID16, UUID16_INUM] = [0, 1, 2, 3, 4, 5, 6, 7];
const FSID_SIZE = [8, 4, 12, 8, 8, 8, 16, 24];

/**
 * The kernel's server. fs/nfsd/nfsfh.h, struct knfsd_fh: version 1, no authentication, kind of fsid, kind of what names the file, the fsid,
 * and the file system's own handle: for ext4 inode and generation in the machine's order of bytes (fs/libfs.c, generic_encode_ino32_fh), for
 * the exported folder itself nothing. No export has a number: the fsid names it. All of it is a multiple of 4 bytes.
 */
export const nfsdLayout: HandleLayout = {
  parse(handle) {
    const bytes = Buffer.from(handle);
    const [version, auth, kind = FSID_SIZE.length, type = 0] = bytes;
    const size = FSID_SIZE[kind];
    const body = bytes.subarray(HEAD + (size ?? 0));
    const isWhole = type === ROOT ? body.length === 0 : body.length >= 8;
    if (version !== VERSION || auth !== AUTH_NONE || size === undefined || bytes.length < HEAD + size || !isWhole) {
      throw new Error(`no handle of nfsd: ${bytes.toString('hex')}`);
    }
    const fileSystem = Buffer.concat([Buffer.from([kind]), bytes.subarray(HEAD, HEAD + size)]);
    if (type === ROOT) return { fileSystem, type, inode: ROOT_INODE, generation: 0, rest: body };
    return {
      fileSystem,
      type,
      inode: body.readUInt32LE(0),
      generation: body.readUInt32LE(4),
      rest: body.subarray(8),
    };
  },
  build({ fileSystem, type, inode, generation, rest }) {
    const numbers = Buffer.alloc(8);
    numbers.writeUInt32LE(inode, 0);
    numbers.writeUInt32LE(generation, 4);
    const head = Buffer.from([VERSION, AUTH_NONE, fileSystem[0] ?? 0, type]);
    return Buffer.concat([head, fileSystem.subarray(1), ...(type === ROOT ? [] : [numbers, rest])]);
  },
};

/** Every way in which an fsid can name a place by what it is, and not by what the server calls it (fs/nfsd/nfsfh.h, mk_fsid). */
export function nfsdFileSystems({ major, minor, inode, uuid }: Place): Buffer[] {
  const le = (...values: readonly number[]) => Buffer.from(Uint32Array.from(values).buffer);
  const be = (...values: readonly number[]) => le(...values).swap32();
  const shorts = Buffer.alloc(4);
  shorts.writeUInt16BE(major, 0);
  shorts.writeUInt16BE(minor, 2);
  // new_encode_dev
  const encoded = (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
  const named: [number, Uint8Array][] = [
    [DEV, Buffer.concat([shorts, le(inode)])],
    [MAJOR_MINOR, Buffer.concat([be(major, minor), le(inode)])],
    [ENCODE_DEV, le(encoded >>> 0, inode)],
    // The root of NFSv4's tree.
    [NUM, le(0)],
  ];
  if (uuid) {
    // As nfs-utils makes them shorter (support/export/cache.c, get_uuid).
    const folded = (length: number) => {
      const bytes = Buffer.alloc(length);
      for (const [i, byte] of uuid.entries()) bytes[i % length] = (bytes[i % length] ?? 0) ^ byte;
      return bytes;
    };
    named.push(
      [UUID4_INUM, Buffer.concat([le(inode), folded(4)])],
      [UUID8, folded(8)],
      [UUID16, uuid],
      [UUID16_INUM, Buffer.concat([le(inode, 0), uuid])],
    );
  }
  return named.map(([kind, bytes]) => Buffer.concat([Buffer.from([kind]), bytes]));
}

/** Handles that the kernel's server never makes: of other versions, of kinds that nobody knows, and cut off. */
export function nfsdOddities(handle: Uint8Array): Buffer[] {
  const whole = nfsdLayout.build({ ...nfsdLayout.parse(handle), type: INO32_GEN });
  const changed = (at: number, value: number) => {
    const bytes = Buffer.from(whole);
    bytes[at] = value;
    return bytes;
  };
  const fsid = FSID_SIZE[whole[2] ?? 0] ?? 0;
  return [
    ...[0, 2].map((version) => changed(0, version)),
    changed(1, 1),
    changed(2, FSID_SIZE.length),
    // FILEID_INVALID, and one of a file system that this is not (FILEID_UDF_WITH_PARENT).
    ...[0xff, 0x52].map((type) => changed(3, type)),
    ...[1, HEAD, HEAD + fsid - 4, HEAD + fsid, HEAD + fsid + 4].map((length) => whole.subarray(0, length)),
  ];
}
