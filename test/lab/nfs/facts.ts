import { Nfs3Refusal } from './nfs3.ts';
import { type Nfs4, type Operation, op } from './nfs4.ts';
import type { RpcClient } from './rpc.ts';
import { type XdrReader, XdrWriter } from './xdr.ts';

/** All that a client is told of a file. */
export interface Facts {
  /** 1 file, 2 folder, 3 block and 4 character device, 5 link, 6 socket, 7 FIFO (RFC 1813 §2.3.5; nfs_ftype4 is the same so far). */
  readonly type: number;
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: bigint;
  /** Bytes on disk. */
  readonly used: bigint;
  readonly major: number;
  readonly minor: number;
  readonly fileid: bigint;
  /** When its content was changed, in ns. */
  readonly changed: bigint;
}

const NS = 1_000_000_000n;

/** Asks by NFSv3 (GETATTR, RFC 1813 §3.3.1; fattr3, §2.3.5). @throws Nfs3Refusal. */
export async function facts3(rpc: RpcClient, handle: Uint8Array): Promise<Facts> {
  const results = await rpc.call(100_003, 3, 1, new XdrWriter().opaque(handle).bytes());
  const status = results.uint32();
  if (status !== 0) throw new Nfs3Refusal(status);
  const [type, mode, links] = [results.uint32(), results.uint32(), results.uint32()];
  const [uid, gid] = [results.uint32(), results.uint32()];
  const [size, used] = [results.uint64(), results.uint64()];
  const [major, minor] = [results.uint32(), results.uint32()];
  results.uint64();
  const fileid = results.uint64();
  // atime
  results.fixed(8);
  const changed = BigInt(results.uint32()) * NS + BigInt(results.uint32());
  return { type, mode, links, uid, gid, size, used, major, minor, fileid, changed };
}

/** Attributes of NFSv4 by their numbers: RFC 7530 §5.6 and §5.7, RFC 8276 §8.2.1. */
const SUPPORTED = 0;
const WANTED = [1, 4, 20, 33, 35, 36, 37, 41, 45, 53];
export const [ACL, XATTR_SUPPORT] = [12, 82];

function bitmap(attributes: readonly number[]): Buffer {
  const words = [0, 0, 0];
  for (const one of attributes) words[one >>> 5] = ((words[one >>> 5] ?? 0) | (1 << (one & 31))) >>> 0;
  return new XdrWriter().uint32(words.length, ...words).bytes();
}

function readBitmap(results: XdrReader): number[] {
  const words = Array.from({ length: results.uint32() }, () => results.uint32());
  return words.flatMap((word, i) =>
    Array.from({ length: 32 }, (_, bit) => i * 32 + bit).filter((n) => (word >>> (n & 31)) & 1),
  );
}

function getattr<T>(attributes: readonly number[], read: (results: XdrReader) => T): Operation<T> {
  return {
    number: 9,
    args: bitmap(attributes),
    read(results) {
      const given = readBitmap(results);
      if (given.join() !== attributes.join()) throw new Error(`of ${attributes.join()} it tells ${given.join()}`);
      results.uint32();
      return read(results);
    },
  };
}

/** Asks by NFSv4. Owners are numbers (RFC 7530 §5.9). */
export function facts4(nfs: Nfs4, handle: Uint8Array): Promise<Facts> {
  const read = (results: XdrReader): Facts => {
    const [type, size, fileid] = [results.uint32(), results.uint64(), results.uint64()];
    const [mode, links] = [results.uint32(), results.uint32()];
    const [uid, gid] = [Number(results.string()), Number(results.string())];
    const [major, minor, used] = [results.uint32(), results.uint32(), results.uint64()];
    const changed = results.uint64() * NS + BigInt(results.uint32());
    return { type, mode, links, uid, gid, size, used, major, minor, fileid, changed };
  };
  return nfs.last(op.putfh(handle), getattr(WANTED, read));
}

/** The numbers of the attributes that the server knows of that file. */
export function attributesOf(nfs: Nfs4, handle: Uint8Array): Promise<number[]> {
  return nfs.last(op.putfh(handle), getattr([SUPPORTED], readBitmap));
}

/** The value of the attribute `user.NAME` (GETXATTR, RFC 8276 §8.4.1), of NFSv4.2. */
export function userAttribute(nfs: Nfs4, handle: Uint8Array, name: string): Promise<string> {
  const args = new XdrWriter().string(name).bytes();
  return nfs.last(op.putfh(handle), { number: 72, args, read: (results) => results.string() });
}

/** The names of such attributes (LISTXATTRS, RFC 8276 §8.4.3). */
export function userAttributes(nfs: Nfs4, handle: Uint8Array): Promise<string[]> {
  return nfs.last(op.putfh(handle), {
    number: 74,
    args: new XdrWriter().uint64(0n).uint32(65_536).bytes(),
    read(results) {
      results.uint64();
      return Array.from({ length: results.uint32() }, () => results.string());
    },
  });
}

/** Whether it says that it has such attributes (xattr_support, RFC 8276 §8.2.1). */
export function saysXattrs(nfs: Nfs4, handle: Uint8Array): Promise<boolean> {
  return nfs.last(
    op.putfh(handle),
    getattr([XATTR_SUPPORT], (results) => results.bool()),
  );
}

/** POSIX ACLs beside NFSv3, as Linux asks for them (include/uapi/linux/nfsacl.h, fs/nfs/nfs3xdr.c). */
const [NFSACL, VERSION, GETACL] = [100_227, 3, 1];
/** The access ACL, and how many entries it has. */
const [ACCESS, ACCESS_COUNT] = [1, 2];

/** How many entries the ACL of a file has. @throws Nfs3Refusal; RpcRefusal where there is no such program. */
export async function aclEntries(rpc: RpcClient, handle: Uint8Array): Promise<number> {
  const args = new XdrWriter().opaque(handle).uint32(ACCESS | ACCESS_COUNT);
  const results = await rpc.call(NFSACL, VERSION, GETACL, args.bytes());
  const status = results.uint32();
  if (status !== 0) throw new Nfs3Refusal(status);
  // fattr3, and which of them follow.
  results.optional(() => results.fixed(84));
  results.uint32();
  return results.uint32();
}
