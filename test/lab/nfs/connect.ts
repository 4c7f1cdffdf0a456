import { type Listed, listExports, type MountAnswer, mount } from './mount3.ts';
import { type Nfs3, Nfs3Refusal, nfs3 } from './nfs3.ts';
import { type Nfs4, Nfs4Refusal, nfs4, type Operation, op } from './nfs4.ts';
import { connectRpc, RpcRefusal } from './rpc.ts';
import { nfs4Session } from './session.ts';

/** Where a server answers. */
export interface Server {
  readonly address: string;
  readonly nfs: number;
  readonly mountd: number;
}

/** Somebody who is root on a machine with one address, and speaks NFS as he likes. */
export interface Intruder {
  readonly v3: Nfs3;
  readonly v4: Nfs4;
  mount(path: string): Promise<MountAnswer>;
  exports(): Promise<Listed[]>;
  close(): void;
}

/** A minor version of NFSv4. */
export type Minor = 0 | 1 | 2;

/** Connects to both ports from `address`, one of this machine's. */
export async function intrude(server: Server, address: string, minor: Minor): Promise<Intruder> {
  const nfs = await connectRpc({ host: server.address, port: server.nfs, from: address });
  const mountd = await connectRpc({ host: server.address, port: server.mountd, from: address });
  return {
    v3: nfs3(nfs),
    v4: minor === 0 ? nfs4(nfs) : nfs4Session(nfs, minor),
    mount: (path) => mount(mountd, path),
    exports: () => listExports(mountd),
    close() {
      nfs.close();
      mountd.close();
    },
  };
}

/** The way to a path from the root of NFSv4's tree. */
export function walk(path: string): Operation<undefined>[] {
  return [
    op.putrootfh(),
    ...path
      .split('/')
      .filter(Boolean)
      .map((name) => op.lookup(name)),
  ];
}

/** What an attempt came to: what the server gave, or its word for no. A server that hangs up or is silent is an error. */
export async function attempt<T>(act: () => Promise<T>): Promise<{ readonly got: T } | { readonly refused: string }> {
  try {
    return { got: await act() };
  } catch (error) {
    if (error instanceof Nfs3Refusal || error instanceof Nfs4Refusal || error instanceof RpcRefusal) {
      return { refused: error.reason };
    }
    throw error;
  }
}
