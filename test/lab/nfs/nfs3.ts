import type { RpcClient } from './rpc.ts';
import { type XdrReader, XdrWriter } from './xdr.ts';

/** NFS version 3 (RFC 1813), as much of it as somebody needs who looks for what is not his. */
const [PROGRAM, VERSION] = [100_003, 3];
const STATUS: Readonly<Record<number, string>> = {
  1: 'PERM',
  2: 'NOENT',
  5: 'IO',
  6: 'NXIO',
  13: 'ACCES',
  17: 'EXIST',
  18: 'XDEV',
  20: 'NOTDIR',
  21: 'ISDIR',
  22: 'INVAL',
  28: 'NOSPC',
  30: 'ROFS',
  63: 'NAMETOOLONG',
  70: 'STALE',
  10001: 'BADHANDLE',
  10004: 'NOTSUPP',
  10006: 'SERVERFAULT',
  10008: 'JUKEBOX',
};

/** The server's answer that it will not; `reason` is the RFC's word. */
export class Nfs3Refusal extends Error {
  readonly reason: string;
  constructor(status: number) {
    const reason = `NFS3ERR_${STATUS[status] ?? status}`;
    super(reason);
    this.reason = reason;
  }
}

/** What of fattr3 (§2.3.5) tells whose a file is. `type`: 1 file, 2 folder, 5 link. */
export interface Attributes {
  readonly type: number;
  readonly mode: number;
  readonly size: bigint;
  readonly fsid: bigint;
  readonly fileid: bigint;
}

/** Reads fattr3: what GETATTR says (§3.3.1) behind its status. */
export function decodeAttributes(results: XdrReader): Attributes {
  const [type, mode] = [results.uint32(), results.uint32()];
  // nlink, uid, gid
  results.fixed(12);
  const size = results.uint64();
  // used, rdev
  results.fixed(16);
  const found = { type, mode, size, fsid: results.uint64(), fileid: results.uint64() };
  // atime, mtime, ctime
  results.fixed(24);
  return found;
}

const maybeAttributes = (results: XdrReader) => results.optional(() => decodeAttributes(results));

/** A name in a folder, with what READDIRPLUS tells of it. */
export interface Entry {
  readonly name: string;
  readonly fileid: bigint;
  readonly handle: Buffer | undefined;
}

/** Reads what READDIRPLUS says (§3.3.17), behind its status. */
export function decodeEntries(results: XdrReader): Entry[] {
  maybeAttributes(results);
  results.fixed(8);
  return results.list(() => {
    const [fileid, name] = [results.uint64(), results.string()];
    results.uint64();
    maybeAttributes(results);
    return { name, fileid, handle: results.optional(() => results.opaque(64)) };
  });
}

/** A folder and a name in it (diropargs3, §2.3.12). */
export interface In {
  readonly folder: Uint8Array;
  readonly name: string;
}

/** The calls, each of which throws Nfs3Refusal or RpcRefusal. */
export interface Nfs3 {
  getattr(handle: Uint8Array): Promise<Attributes>;
  /** Sets the mode to 0600. */
  setattr(handle: Uint8Array): Promise<void>;
  lookup(at: In): Promise<Buffer>;
  readlink(handle: Uint8Array): Promise<string>;
  /** The first `count` bytes. */
  read(handle: Uint8Array, count: number): Promise<Buffer>;
  /** Writes at the beginning, for good. */
  write(handle: Uint8Array, bytes: Uint8Array): Promise<void>;
  /** The first page of a folder. */
  readdirplus(folder: Uint8Array): Promise<Entry[]>;
  fsinfo(handle: Uint8Array): Promise<void>;
  /** Makes a file that was not there. */
  create(at: In): Promise<void>;
  mkdir(at: In): Promise<void>;
  symlink(at: In, target: string): Promise<void>;
  /** Makes a FIFO. */
  mknod(at: In): Promise<void>;
  remove(at: In): Promise<void>;
  rmdir(at: In): Promise<void>;
  rename(from: In, to: In): Promise<void>;
  link(file: Uint8Array, at: In): Promise<void>;
}

/** sattr3 (§2.3.11) with a mode and nothing else: no owner, group, size or times. */
const ONLY_MODE = [1, 0o600, 0, 0, 0, 0, 0] as const;

/** NFSv3 over a connection. */
export function nfs3(rpc: RpcClient): Nfs3 {
  async function call(procedure: number, args: XdrWriter): Promise<XdrReader> {
    const results = await rpc.call(PROGRAM, VERSION, procedure, args.bytes());
    const status = results.uint32();
    if (status !== 0) throw new Nfs3Refusal(status);
    return results;
  }
  const of = (handle: Uint8Array) => new XdrWriter().opaque(handle);
  const at = ({ folder, name }: In) => of(folder).string(name);
  /** A call whose results nobody needs. */
  const does = async (procedure: number, args: XdrWriter) => void (await call(procedure, args));
  return {
    getattr: async (handle) => decodeAttributes(await call(1, of(handle))),
    // no guard
    setattr: (handle) => does(2, of(handle).uint32(...ONLY_MODE, 0)),
    lookup: async (named) => (await call(3, at(named))).opaque(64),
    async readlink(handle) {
      const results = await call(5, of(handle));
      maybeAttributes(results);
      return results.string();
    },
    async read(handle, count) {
      const results = await call(6, of(handle).uint64(0n).uint32(count));
      maybeAttributes(results);
      results.uint32();
      results.bool();
      return results.opaque(count);
    },
    // FILE_SYNC
    write: (handle, bytes) => does(7, of(handle).uint64(0n).uint32(bytes.length, 2).opaque(bytes)),
    readdirplus: async (folder) => decodeEntries(await call(17, of(folder).uint64(0n).uint64(0n).uint32(4096, 32768))),
    fsinfo: (handle) => does(19, of(handle)),
    // GUARDED
    create: (named) => does(8, at(named).uint32(1, ...ONLY_MODE)),
    mkdir: (named) => does(9, at(named).uint32(...ONLY_MODE)),
    symlink: (named, target) =>
      does(
        10,
        at(named)
          .uint32(...ONLY_MODE)
          .string(target),
      ),
    // NF3FIFO
    mknod: (named) => does(11, at(named).uint32(7, ...ONLY_MODE)),
    remove: (named) => does(12, at(named)),
    rmdir: (named) => does(13, at(named)),
    rename: (from, to) => does(14, at(from).opaque(to.folder).string(to.name)),
    link: (file, named) => does(15, of(file).opaque(named.folder).string(named.name)),
  };
}
