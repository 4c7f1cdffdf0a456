/** A handle taken apart. */
export interface HandleParts {
  /** The export that the server looks up first, where its handles name one. */
  readonly exportId?: number;
  /** What names the file system: its kind and its bytes. */
  readonly fileSystem: Buffer;
  /** The kind of what follows (FILEID_…, include/linux/exportfs.h of the kernel). */
  readonly type: number;
  readonly inode: number;
  readonly generation: number;
  /** What stands behind the generation. */
  readonly rest: Buffer;
}

/** How a server lays out its handles of files on ext4. */
export interface HandleLayout {
  /** @throws Error when it is none of this server's. */
  parse(handle: Uint8Array): HandleParts;
  build(parts: HandleParts): Buffer;
}

/** FILEID_INO32_GEN and FILEID_INO32_GEN_PARENT: the two that ext4 knows. */
export const [INO32_GEN, INO32_GEN_PARENT] = [1, 2];
const VERSION = 0x43;
const TYPE_8 = 0x40;
/** Bytes of an fsid by its kind (src/include/fsal_api.h: none, ONE_UINT64, MAJOR_64, TWO_UINT64 as of a UUID, TWO_UINT32, DEVICE). */
const FSID_SIZE = [0, 8, 8, 16, 8, 8];

/**
 * nfs-ganesha 4.3 with FSAL_VFS. src/include/nfs_fh.h: version 0x43, flags, export id (2 bytes, big-endian), length of what follows.
 * src/FSAL/FSAL_VFS/os/linux/handle_syscalls.c: kind of fsid with bits for the size of the type, fsid, type (1 byte), and the kernel's
 * own handle. That is for ext4 (fs/libfs.c, generic_encode_ino32_fh) inode and generation, in the machine's order of bytes, and with
 * the other type those of the parent. In NFSv3 zeros are added up to a multiple of 4.
 */
export const ganeshaLayout: HandleLayout = {
  parse(handle) {
    const bytes = Buffer.from(handle);
    const own = bytes.subarray(5, 5 + (bytes[4] ?? 0));
    const size = FSID_SIZE[(own[0] ?? 0) & 0x1f];
    if (bytes[0] !== VERSION || size === undefined || own.length < 1 + size + 1 + 8) {
      throw new Error(`no handle of nfs-ganesha: ${bytes.toString('hex')}`);
    }
    const body = own.subarray(1 + size + 1);
    return {
      exportId: bytes.readUInt16BE(2),
      fileSystem: own.subarray(0, 1 + size),
      type: own[1 + size] ?? 0,
      inode: body.readUInt32LE(0),
      generation: body.readUInt32LE(4),
      rest: body.subarray(8),
    };
  },
  build({ exportId = 0, fileSystem, type, inode, generation, rest }) {
    const numbers = Buffer.alloc(8);
    numbers.writeUInt32LE(inode, 0);
    numbers.writeUInt32LE(generation, 4);
    const own = Buffer.concat([fileSystem, Buffer.from([type]), numbers, rest]);
    return Buffer.concat([Buffer.from([VERSION, 0, exportId >> 8, exportId & 0xff, own.length]), own]);
  },
};

/**
 * Handles that ganesha 4.3 never makes: cut off behind the file system, and with a bit that it has for its own use (HANDLE_DUMMY). Left
 * to itself it takes such a one for the folder that the file system is mounted at, whoever's it is; and when it is cut off and has
 * a type, it ends.
 */
export function ganeshaOddities(handle: Uint8Array): Buffer[] {
  const [DUMMY, FSID] = [0x20, 0x1f];
  const parts = ganeshaLayout.parse(handle);
  const { exportId = 0, fileSystem } = parts;
  const marked = (bits: number) => {
    const bytes = Buffer.from(fileSystem);
    bytes[0] = ((bytes[0] ?? 0) & FSID) | bits;
    return bytes;
  };
  const short = [0, TYPE_8, DUMMY, DUMMY | TYPE_8].map((bits) => {
    const own = marked(bits);
    return Buffer.concat([Buffer.from([VERSION, 0, exportId >> 8, exportId & 0xff, own.length]), own]);
  });
  return [...short, ganeshaLayout.build({ ...parts, fileSystem: marked(DUMMY | TYPE_8) })];
}

/** What tells a folder from all others of a machine. */
export interface Place {
  readonly major: number;
  readonly minor: number;
  readonly inode: number;
  /** Of its file system, 16 bytes; undefined for one that has none. */
  readonly uuid?: Uint8Array | undefined;
}

/** Every way in which a handle of ganesha's can name the file system of a place (src/FSAL/commonlib.c, fsal_fs_compare_fsid and its kin). */
export function ganeshaFileSystems({ major, minor, uuid }: Place): Buffer[] {
  const numbers = Buffer.from(Uint32Array.of(major, minor).buffer);
  const one = Buffer.from(BigUint64Array.of((BigInt(major) << 32n) + BigInt(minor)).buffer);
  const named: [number, Uint8Array][] = [
    [0, Buffer.alloc(0)],
    [1, one],
    [2, one],
    [4, numbers],
    [5, numbers],
  ];
  if (uuid) named.push([3, uuid]);
  return named.map(([kind, bytes]) => Buffer.concat([Buffer.from([kind | TYPE_8]), bytes]));
}

/** As NFSv3 sends it: a multiple of 4 bytes. */
export function padded(handle: Uint8Array): Buffer {
  return Buffer.concat([handle, Buffer.alloc((4 - (handle.length % 4)) % 4)]);
}
