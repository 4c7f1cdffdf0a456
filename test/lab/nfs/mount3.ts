import type { RpcClient } from './rpc.ts';
import { type XdrReader, XdrWriter } from './xdr.ts';

/** The mount protocol, version 3 (RFC 1813 appendix I). */
const [PROGRAM, VERSION] = [100_005, 3];
const [MNT, EXPORT] = [1, 5];
const STATUS: Readonly<Record<number, string>> = {
  1: 'PERM',
  2: 'NOENT',
  5: 'IO',
  13: 'ACCES',
  20: 'NOTDIR',
  22: 'INVAL',
  63: 'NAMETOOLONG',
  10004: 'NOTSUPP',
  10006: 'SERVERFAULT',
};

/** A handle, or why there is none. */
export type MountAnswer = { readonly handle: Buffer } | { readonly refused: string };

/** Reads what MNT says (§5.2.1): a handle of at most 64 bytes. */
export function decodeMount(results: XdrReader): MountAnswer {
  const status = results.uint32();
  return status === 0 ? { handle: results.opaque(64) } : { refused: `MNT3ERR_${STATUS[status] ?? status}` };
}

/** Asks for the handle of a path. @throws RpcRefusal, Error. */
export async function mount(rpc: RpcClient, path: string): Promise<MountAnswer> {
  return decodeMount(await rpc.call(PROGRAM, VERSION, MNT, new XdrWriter().string(path).bytes()));
}

/** One line of what `showmount -e` shows. */
export interface Listed {
  readonly path: string;
  readonly groups: readonly string[];
}

/** Reads what EXPORT says (§5.2.5). */
export function decodeExports(results: XdrReader): Listed[] {
  return results.list(() => ({ path: results.string(), groups: results.list(() => results.string()) }));
}

/** Asks for the list of what is exported. */
export async function listExports(rpc: RpcClient): Promise<Listed[]> {
  return decodeExports(await rpc.call(PROGRAM, VERSION, EXPORT, Buffer.alloc(0)));
}
