import assert from 'node:assert/strict';
import { attempt, type Intruder, intrude, type Minor, type Server } from '../lab/nfs/connect.ts';
import { type HandleLayout, type HandleParts, INO32_GEN, INO32_GEN_PARENT } from '../lab/nfs/handles.ts';
import { op } from '../lab/nfs/nfs4.ts';

/**
 * A volume that is exported. In it: `secret.txt`, `folder` with `inner.txt`, a file whose name is its `mark`, `link-out` that leads to the
 * host's secret folder, and `link-sibling` that leads to another Pi's volume.
 */
export interface ExportedVolume {
  readonly path: string;
  /** Stands in `secret.txt`, and nowhere else. */
  readonly secret: string;
  readonly mark: string;
}

/** A Pi, by its address, and what is exported to it. */
export interface Tenant {
  readonly address: string;
  readonly root: ExportedVolume;
  readonly disk: ExportedVolume;
}

/** A file as the server's own machine sees it. */
export interface Known {
  readonly type: number;
  readonly mode: number;
  readonly size: bigint;
  readonly content?: Buffer;
  readonly names?: readonly string[];
}

/** In what servers differ. Each is checked for being so, and for not being so. */
export interface Ways {
  /** The list of exports (`showmount -e`) has all of them, whoever asks. */
  readonly listsAll: boolean;
  /** Who is shown, in NFSv4's tree, the folders above the volumes. */
  readonly treeIsFor: 'everybody' | 'owners';
  /**
   * A path that is to be mounted is followed, through `..` and links, before it is looked at whose it is: who has a volume learns which
   * folders the server has.
   */
  readonly followsPaths: boolean;
  /** Calls of NFSv3 whose name has a slash are not understood (GARBAGE_ARGS), where others look at the name and say no. */
  readonly slashIsGarbage: boolean;
}

/** How often the server is asked. */
export interface Counts {
  readonly forgedInodes: number;
  readonly spoiltHandles: number;
  readonly stolenHandleRaces: number;
  /** 1: the volume's root alone; 2: a folder in it too. */
  readonly oddNameFolders: number;
}

/** A server with two Pis on it. The addresses are this machine's: attacks come from here. */
export interface IsolationSubject {
  readonly server: Server;
  readonly layout: HandleLayout;
  readonly ways: Ways;
  readonly counts: Counts;
  readonly a: Tenant;
  readonly b: Tenant;
  /** The address of somebody who has nothing. */
  readonly stranger: string;
  /** A folder of the host that is never exported; in it `secret.txt`. */
  readonly hostFolder: string;
  /** Files of the host, of which nothing is exported, that are on one file system with the folders above the volumes. */
  readonly hostFiles: readonly string[];
  /** Other places that must not be mounted, the pool for one. */
  readonly hidden: readonly string[];
  /** Handles that only this server's makers know of; made of one that is valid. */
  oddHandles(handle: Uint8Array): readonly Buffer[];
  /** What a handle might call the file system that a path is on, beside what the server calls it: by its device, its UUID… */
  fileSystems(path: string): Promise<readonly Buffer[]>;
  /**
   * Handles for a number, made of the handle of a folder of NFSv4's tree, which may be a folder of the host, and of one of the own volume.
   */
  throughTree(tree: Uint8Array, own: Uint8Array, inode: number): readonly Buffer[];
  /** Every file of a volume by its inode number. */
  inventory(volume: ExportedVolume): Promise<ReadonlyMap<bigint, Known>>;
  /** All that B's volumes and the host's folders are, to be compared: names, sizes, and when each was changed. */
  outside(): Promise<readonly string[]>;
  /** Has the server export a volume to another address alone, in the way the product does. */
  move(volume: ExportedVolume, address: string): Promise<void>;
}

/** The handle of a volume's root, for who may mount it. */
export async function rootOf(intruder: Intruder, volume: ExportedVolume): Promise<Buffer> {
  const answer = await intruder.mount(volume.path);
  if ('refused' in answer) assert.fail(`${volume.path}: ${answer.refused}`);
  return answer.handle;
}

/** The handle in the form that NFSv4 has: without what NFSv3 fills up with. */
export const forV4 = (subject: IsolationSubject, handle: Uint8Array) =>
  subject.layout.build(subject.layout.parse(handle));

/** The same handle for another number; ext4 takes generation 0 for any. */
export const numbered = (parts: HandleParts, inode: number, generation = 0): HandleParts => ({
  ...parts,
  type: INO32_GEN,
  inode,
  generation,
  rest: Buffer.alloc(0),
});

/** Other handles of the same folder, all of which ext4 takes: it ignores a parent that it is told, and bytes behind the generation. */
export function aliases({ layout }: IsolationSubject, handle: Uint8Array): Buffer[] {
  const whole = layout.parse(handle);
  const parts = numbered(whole, whole.inode, whole.generation);
  const numbers = (...values: readonly number[]) => Buffer.from(Uint32Array.from(values).buffer);
  return [
    layout.build(parts),
    layout.build({ ...parts, type: INO32_GEN_PARENT, rest: numbers(2, 0) }),
    layout.build({ ...parts, type: INO32_GEN_PARENT, rest: numbers(11, 0) }),
    layout.build({ ...parts, rest: numbers(0) }),
    layout.build({ ...parts, rest: numbers(7, 7) }),
  ];
}

const READ = 65_536;
const sorted = (names: readonly string[]) => names.filter((name) => name !== '.' && name !== '..').toSorted();

/**
 * Asks what a handle is, with both versions. Whatever answers has to be a file of `own`: the same number, kind, size and mode, the same
 * bytes, the same names. The fsid that a server tells proves nothing: it may be the export's, and not the file system's.
 * @returns how many times it answered.
 */
export async function inspect(
  { v3, v4 }: Intruder,
  own: ReadonlyMap<bigint, Known>,
  { handle, handle4 = handle, what }: { handle: Uint8Array; handle4?: Uint8Array; what: string },
): Promise<number> {
  let answers = 0;
  const isOwn = (found: { fileid?: bigint; type?: number; size?: bigint; mode?: number }): Known => {
    const known = own.get(found.fileid ?? 0n) ?? assert.fail(`${what}: ${found.fileid} is no file of the own volume`);
    assert.deepEqual([found.type, found.size], [known.type, known.size], what);
    if (found.mode !== undefined) assert.equal(found.mode & 0o7777, known.mode, what);
    answers++;
    return known;
  };
  const found3 = await attempt(() => v3.getattr(handle));
  const known3 = 'got' in found3 ? isOwn(found3.got) : undefined;
  // Asked in any case: a server may refuse one call and not another.
  const read3 = await attempt(() => v3.read(handle, READ));
  if ('got' in read3) assert.deepEqual(read3.got, known3?.content, what);
  const list3 = await attempt(() => v3.readdirplus(handle));
  if ('got' in list3) {
    assert.deepEqual(sorted(list3.got.map(({ name }) => name)), known3?.names, what);
    for (const { fileid } of list3.got) assert.ok(own.has(fileid), `${what}: it lists ${fileid}`);
  }
  const found4 = await attempt(() => v4.last(op.putfh(handle4), op.getattr()));
  const known4 = 'got' in found4 ? isOwn(found4.got) : undefined;
  const read4 = await attempt(() => v4.last(op.putfh(handle4), op.read(READ)));
  if ('got' in read4) assert.deepEqual(read4.got, known4?.content, what);
  const list4 = await attempt(() => v4.last(op.putfh(handle4), op.readdir()));
  if ('got' in list4) assert.deepEqual(sorted(list4.got.map(({ name }) => name)), known4?.names, what);
  return answers;
}

/** Words that blame the call or the moment, not the caller: they would make every refusal look good. */
const OUR_FAULT = /GARBAGE_ARGS|UNAVAIL|MISMATCH|BADXDR|OP_ILLEGAL|10044|JUKEBOX|DELAY/;

/** Each of the calls must be refused, for what it asks and not for how; or with one word, for a server that does not even read it. */
export async function allRefused(
  calls: readonly (readonly [string, () => Promise<unknown>])[],
  what: string,
  { by }: { by?: string | undefined } = {},
): Promise<void> {
  assert.ok(calls.length > 0);
  for (const [name, call] of calls) {
    const answer = await attempt(call);
    if ('got' in answer) assert.fail(`${what}: ${name} was done`);
    if (by !== undefined) assert.equal(answer.refused, by, `${what}: ${name}`);
    else assert.doesNotMatch(answer.refused, OUR_FAULT, `${what}: ${name}`);
  }
}

/** A Pi's two volumes. */
export const volumesOf = ({ root, disk }: Tenant): readonly ExportedVolume[] => [root, disk];

/** With everybody connected; afterwards nothing outside A's volumes has changed, and the server still serves. */
export async function together(
  subject: IsolationSubject,
  minor: Minor,
  act: (all: { subject: IsolationSubject; a: Intruder; b: Intruder; stranger: Intruder }) => Promise<void>,
): Promise<void> {
  const before = await subject.outside();
  const [a, b, stranger] = await Promise.all(
    [subject.a.address, subject.b.address, subject.stranger].map((address) => intrude(subject.server, address, minor)),
  );
  assert.ok(a && b && stranger);
  try {
    await act({ subject, a, b, stranger });
    assert.deepEqual(await subject.outside(), before);
    for (const volume of volumesOf(subject.a)) await rootOf(a, volume);
  } finally {
    for (const intruder of [a, b, stranger]) intruder.close();
  }
}
