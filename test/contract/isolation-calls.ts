import type { Intruder } from '../lab/nfs/connect.ts';
import type { Nfs3 } from '../lab/nfs/nfs3.ts';
import { op } from '../lab/nfs/nfs4.ts';

/** An attempt, by the name of the call. */
export type Call = [name: string, attempt: () => Promise<unknown>];

const READ = 65_536;

/** Every call of both versions that takes a handle, for one that must not be taken; `own` is the caller's own folder. */
export function everyCall(
  { v3, v4 }: Intruder,
  { handle, handle4 = handle, own }: { handle: Uint8Array; handle4?: Uint8Array; own?: Uint8Array },
): Call[] {
  const here = { folder: handle, name: 'secret.txt' };
  const fresh = { folder: handle, name: 'fresh' };
  const bytes = Buffer.from('overwritten');
  return [
    ['GETATTR', () => v3.getattr(handle)],
    ['SETATTR', () => v3.setattr(handle)],
    ['LOOKUP', () => v3.lookup(here)],
    ['LOOKUP ..', () => v3.lookup({ folder: handle, name: '..' })],
    ['READLINK', () => v3.readlink(handle)],
    ['READ', () => v3.read(handle, READ)],
    ['WRITE', () => v3.write(handle, bytes)],
    ['CREATE', () => v3.create(fresh)],
    ['MKDIR', () => v3.mkdir(fresh)],
    ['SYMLINK', () => v3.symlink(fresh, 'secret.txt')],
    ['MKNOD', () => v3.mknod(fresh)],
    ['REMOVE', () => v3.remove(here)],
    ['RMDIR', () => v3.rmdir({ folder: handle, name: 'folder' })],
    ['RENAME', () => v3.rename(here, fresh)],
    ['LINK', () => v3.link(handle, fresh)],
    ['READDIRPLUS', () => v3.readdirplus(handle)],
    ['FSINFO', () => v3.fsinfo(handle)],
    ['4 GETATTR', () => v4.last(op.putfh(handle4), op.getattr())],
    ['4 GETFH', () => v4.last(op.putfh(handle4), op.getfh())],
    ['4 LOOKUP', () => v4.last(op.putfh(handle4), op.lookup('secret.txt'), op.getfh())],
    ['4 LOOKUPP', () => v4.last(op.putfh(handle4), op.lookupp(), op.getfh())],
    ['4 READ', () => v4.last(op.putfh(handle4), op.read(READ))],
    ['4 WRITE', () => v4.last(op.putfh(handle4), op.write(bytes))],
    ['4 READDIR', () => v4.last(op.putfh(handle4), op.readdir())],
    ['4 CREATE', () => v4.last(op.putfh(handle4), op.mkdir('fresh'))],
    ['4 REMOVE', () => v4.last(op.putfh(handle4), op.remove('secret.txt'))],
    ...(own === undefined ? [] : intoOther({ v3, v4 }, { handle, handle4, own })),
  ];
}

/** Calls with two folders, of which the first one is the caller's: servers have looked at that one alone. */
function intoOther(
  { v3, v4 }: Pick<Intruder, 'v3' | 'v4'>,
  { handle, handle4, own }: { handle: Uint8Array; handle4: Uint8Array; own: Uint8Array },
): Call[] {
  const [mine, fresh] = [
    { folder: own, name: 'secret.txt' },
    { folder: handle, name: 'fresh' },
  ];
  return [
    ['RENAME into it', () => v3.rename(mine, fresh)],
    ['LINK into it', async () => v3.link(await v3.lookup(mine), fresh)],
    [
      '4 RENAME into it',
      () => v4.last(op.putfh(own), op.savefh(), op.putfh(handle4), op.rename('secret.txt', 'fresh')),
    ],
    [
      '4 LINK into it',
      () => v4.last(op.putfh(own), op.lookup('secret.txt'), op.savefh(), op.putfh(handle4), op.link('fresh')),
    ],
  ];
}

/** Each call of NFSv3 that takes a name, with that name in each place. */
export function callsWith(v3: Nfs3, folder: Uint8Array, name: string): Call[] {
  const [there, here] = [
    { folder, name },
    { folder, name: 'secret.txt' },
  ];
  return [
    ['LOOKUP', () => v3.lookup(there)],
    ['CREATE', () => v3.create(there)],
    ['MKDIR', () => v3.mkdir(there)],
    ['SYMLINK', () => v3.symlink(there, '/etc/passwd')],
    ['MKNOD', () => v3.mknod(there)],
    ['REMOVE', () => v3.remove(there)],
    ['RMDIR', () => v3.rmdir(there)],
    ['RENAME of it', () => v3.rename(there, { folder, name: 'caught' })],
    ['RENAME back', () => v3.rename(there, here)],
    ['RENAME to it', () => v3.rename(here, there)],
    ['LINK', async () => v3.link(await v3.lookup(here), there)],
  ];
}

/** The same calls so that each takes away again, by the same name, what the one before it has made. */
export const MADE_AND_TAKEN = [
  ...['CREATE', 'REMOVE', 'MKDIR', 'RMDIR', 'SYMLINK', 'REMOVE', 'MKNOD', 'REMOVE', 'LINK', 'REMOVE'],
  ...['RENAME to it', 'RENAME back'],
];

/** Each operation of NFSv4 that takes a name. */
export function operationsWith(
  { v4 }: Intruder,
  { folder, name, client }: { folder: Uint8Array; name: string; client: bigint },
): Call[] {
  const at = op.putfh(folder);
  return [
    ['4 LOOKUP', () => v4.last(at, op.lookup(name), op.getfh())],
    ['4 CREATE', () => v4.last(at, op.mkdir(name))],
    ['4 REMOVE', () => v4.last(at, op.remove(name))],
    ['4 RENAME of it', () => v4.last(at, op.savefh(), op.rename(name, 'caught'))],
    ['4 RENAME to it', () => v4.last(at, op.savefh(), op.rename('secret.txt', name))],
    ['4 LINK', () => v4.last(at, op.lookup('secret.txt'), op.savefh(), at, op.link(name))],
    ['4 OPEN', () => v4.last(at, op.open(client, name))],
  ];
}
