import type { RpcClient } from './rpc.ts';
import { type XdrReader, XdrWriter } from './xdr.ts';

/** NFS version 4.0 (RFC 7530): compounds without a client id, which READ and WRITE do not need with the anonymous stateid. */
const [PROGRAM, VERSION, COMPOUND] = [100_003, 4, 1];
const STATUS: Readonly<Record<number, string>> = {
  1: 'PERM',
  2: 'NOENT',
  5: 'IO',
  13: 'ACCESS',
  18: 'XDEV',
  20: 'NOTDIR',
  21: 'ISDIR',
  22: 'INVAL',
  30: 'ROFS',
  63: 'NAMETOOLONG',
  70: 'STALE',
  10001: 'BADHANDLE',
  10004: 'NOTSUPP',
  10006: 'SERVERFAULT',
  10008: 'DELAY',
  10014: 'FHEXPIRED',
  10016: 'WRONGSEC',
  10020: 'NOFILEHANDLE',
  10025: 'BAD_STATEID',
  10029: 'SYMLINK',
  10036: 'BADXDR',
  10040: 'BADCHAR',
  10041: 'BADNAME',
};

/** The server's answer that it will not; `reason` is the RFC's word, `at` the operation that it stopped at. */
export class Nfs4Refusal extends Error {
  readonly reason: string;
  readonly at: number;
  constructor(status: number, at: number) {
    const reason = `NFS4ERR_${STATUS[status] ?? status}`;
    super(reason);
    this.reason = reason;
    this.at = at;
  }
}

/** One operation of a compound: its number, its arguments, and how its result is read. */
export interface Operation<T> {
  readonly number: number;
  readonly args: Uint8Array;
  readonly read: (results: XdrReader) => T;
}

/** Attributes that are asked for (§5.6, §5.7): type, size, fsid, rdattr_error, filehandle, fileid. */
const [TYPE, SIZE, FSID, RDATTR_ERROR, FILEHANDLE, FILEID] = [1, 4, 8, 11, 19, 20];

/** What of the attributes tells whose a file is. */
export interface Attributes4 {
  readonly type?: number;
  readonly size?: bigint;
  readonly fsid?: string;
  readonly error?: number;
  readonly handle?: Buffer;
  readonly fileid?: bigint;
}

const bitmap = (...attributes: readonly number[]) =>
  new XdrWriter()
    .uint32(
      1,
      attributes.reduce((sum, bit) => sum | (1 << bit), 0),
    )
    .bytes();

/** Reads an fattr4 (§3.3.6) that has no attribute but those above; they come in the order of their numbers. */
export function decodeAttributes4(results: XdrReader): Attributes4 {
  const words = Array.from({ length: results.uint32() }, () => results.uint32());
  // The length of the values; they tell their own.
  results.uint32();
  const has = (bit: number) => (((words[0] ?? 0) >>> bit) & 1) === 1;
  return {
    ...(has(TYPE) ? { type: results.uint32() } : {}),
    ...(has(SIZE) ? { size: results.uint64() } : {}),
    ...(has(FSID) ? { fsid: `${results.uint64()}.${results.uint64()}` } : {}),
    ...(has(RDATTR_ERROR) ? { error: results.uint32() } : {}),
    ...(has(FILEHANDLE) ? { handle: results.opaque(128) } : {}),
    ...(has(FILEID) ? { fileid: results.uint64() } : {}),
  };
}

/** A name in a folder. */
export interface Entry4 {
  readonly name: string;
  readonly attributes: Attributes4;
}

/** Reads what READDIR says (§16.24), behind its status. */
export function decodeEntries4(results: XdrReader): Entry4[] {
  results.fixed(8);
  return results.list(() => {
    results.uint64();
    return { name: results.string(), attributes: decodeAttributes4(results) };
  });
}

const nothing = () => undefined;
const none = new Uint8Array();
/** seqid 0, other 0: neither opened nor locked by anybody (§9.1.4.3). */
const ANONYMOUS = Buffer.alloc(16);

/** For operations that stand last: what they tell of the change is left unread. */
const last = nothing;
const text = (name: string) => new XdrWriter().string(name).bytes();
const named = (name: string) => ({ args: text(name), read: last });

/** The operations. */
export const op = {
  putrootfh: (): Operation<undefined> => ({ number: 24, args: none, read: nothing }),
  putfh: (handle: Uint8Array): Operation<undefined> => ({
    number: 22,
    args: new XdrWriter().opaque(handle).bytes(),
    read: nothing,
  }),
  lookup: (name: string): Operation<undefined> => ({ number: 15, args: text(name), read: nothing }),
  lookupp: (): Operation<undefined> => ({ number: 16, args: none, read: nothing }),
  getfh: (): Operation<Buffer> => ({ number: 10, args: none, read: (results) => results.opaque(128) }),
  getattr: (): Operation<Attributes4> => ({
    number: 9,
    args: bitmap(TYPE, SIZE, FSID, FILEID),
    read: decodeAttributes4,
  }),
  readlink: (): Operation<string> => ({ number: 27, args: none, read: (results) => results.string() }),
  read: (count: number): Operation<Buffer> => ({
    number: 25,
    args: new XdrWriter().fixed(ANONYMOUS).uint64(0n).uint32(count).bytes(),
    read: (results) => {
      results.bool();
      return results.opaque(count);
    },
  }),
  write: (bytes: Uint8Array): Operation<undefined> => ({
    number: 38,
    // FILE_SYNC
    args: new XdrWriter().fixed(ANONYMOUS).uint64(0n).uint32(2).opaque(bytes).bytes(),
    read: (results) => {
      results.fixed(16);
      return undefined;
    },
  }),
  savefh: (): Operation<undefined> => ({ number: 32, args: none, read: nothing }),
  remove: (name: string): Operation<undefined> => ({ number: 28, ...named(name) }),
  /** From the saved folder into the current one. */
  rename: (from: string, to: string): Operation<undefined> => ({
    number: 29,
    args: new XdrWriter().string(from).string(to).bytes(),
    read: last,
  }),
  /** The saved file, in the current folder. */
  link: (name: string): Operation<undefined> => ({ number: 11, ...named(name) }),
  /** Makes a folder (NF4DIR) without any attribute. */
  mkdir: (name: string): Operation<undefined> => ({
    number: 6,
    args: new XdrWriter().uint32(2).string(name).uint32(0, 0).bytes(),
    read: last,
  }),
  /** Makes a file, or opens it, for a client that has introduced itself (§16.16: UNCHECKED4, CLAIM_NULL). */
  open: (client: bigint, name: string): Operation<undefined> => ({
    number: 18,
    args: new XdrWriter().uint32(0, 3, 0).uint64(client).string('owner').uint32(1, 0, 0, 0, 0).string(name).bytes(),
    read: last,
  }),
  /** Introduces a client (§16.33); where it could be called back matters to nobody here. */
  setclientid: (name: string): Operation<{ client: bigint; confirm: Buffer }> => ({
    number: 35,
    args: new XdrWriter()
      .fixed(Buffer.alloc(8, 1))
      .string(name)
      .uint32(0)
      .string('tcp')
      .string('0.0.0.0.0.0')
      .uint32(0)
      .bytes(),
    read: (results) => ({ client: results.uint64(), confirm: results.fixed(8) }),
  }),
  confirm: ({ client, confirm }: { client: bigint; confirm: Uint8Array }): Operation<undefined> => ({
    number: 36,
    args: new XdrWriter().uint64(client).fixed(confirm).bytes(),
    read: nothing,
  }),
  readdir: (): Operation<Entry4[]> => ({
    number: 26,
    args: new XdrWriter()
      .uint64(0n)
      .fixed(Buffer.alloc(8))
      .uint32(4096, 32768)
      .fixed(bitmap(TYPE, FSID, RDATTR_ERROR, FILEHANDLE, FILEID))
      .bytes(),
    read: decodeEntries4,
  }),
};

/** The arguments of a compound (§16.2.1), without a tag. */
export function encodeCompound(operations: readonly Operation<unknown>[], minor = 0): Buffer {
  const args = new XdrWriter().string('').uint32(minor, operations.length);
  for (const { number, args: own } of operations) args.uint32(number).fixed(own);
  return args.bytes();
}

/** The result of each operation. @throws Nfs4Refusal for the one that failed. */
export function decodeCompound(results: XdrReader, operations: readonly Operation<unknown>[]): unknown[] {
  const status = results.uint32();
  results.string();
  const count = results.uint32();
  const values: unknown[] = [];
  for (const operation of operations.slice(0, count)) {
    results.uint32();
    const own = results.uint32();
    if (own !== 0) throw new Nfs4Refusal(own, operation.number);
    values.push(operation.read(results));
  }
  if (status !== 0) throw new Nfs4Refusal(status, -1);
  return values;
}

/** NFSv4 over a connection. */
export interface Nfs4 {
  /** Does operations one after the other; the result of the last. @throws Nfs4Refusal, RpcRefusal. */
  last<T>(...operations: readonly [...Operation<unknown>[], Operation<T>]): Promise<T>;
  /** Introduces a client that may open files; its id. */
  introduce(): Promise<bigint>;
}

/** NFSv4.0: without a session, and without a client until one is introduced. */
export function nfs4(rpc: RpcClient): Nfs4 {
  async function last<T>(...operations: readonly [...Operation<unknown>[], Operation<T>]): Promise<T> {
    const results = await rpc.call(PROGRAM, VERSION, COMPOUND, encodeCompound(operations));
    return decodeCompound(results, operations).at(-1) as T;
  }
  return {
    last,
    async introduce() {
      const introduced = await last(op.setclientid('intruder'));
      await last(op.confirm(introduced));
      return introduced.client;
    },
  };
}
