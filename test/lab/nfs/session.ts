import { randomUUID } from 'node:crypto';
import { decodeCompound, encodeCompound, type Nfs4, type Operation } from './nfs4.ts';
import type { RpcClient } from './rpc.ts';
import { XdrWriter } from './xdr.ts';

/** Sessions of NFSv4.1 (RFC 8881) and 4.2 (RFC 7862), as little of them as it takes to have a compound done: one slot, no callbacks. */
const [PROGRAM, VERSION, COMPOUND] = [100_003, 4, 1];
const SESSION = 16;

/** Introduces a client (§18.35): a verifier and a name, no flags, SP4_NONE, no implementation. */
const exchangeId = (name: string): Operation<{ client: bigint; sequence: number }> => ({
  number: 42,
  args: new XdrWriter().fixed(Buffer.alloc(8, 1)).string(name).uint32(0, 0, 0).bytes(),
  read: (results) => ({ client: results.uint64(), sequence: results.uint32() }),
});

/** channel_attrs4: sizes of padding, request, response and kept response; operations; slots; no RDMA. */
const CHANNEL = [0, 1_048_576, 1_048_576, 4_096, 64, 1, 0] as const;

/** Makes a session (§18.36); callbacks would be program 1 without credentials. */
const createSession = (client: bigint, sequence: number): Operation<Buffer> => ({
  number: 43,
  args: new XdrWriter()
    .uint64(client)
    .uint32(sequence, 0, ...CHANNEL, ...CHANNEL, 1, 1, 0)
    .bytes(),
  read: (results) => results.fixed(SESSION),
});

/** The first operation of every compound (§18.46), here of slot 0. */
const sequenceOf = (session: Uint8Array, sequence: number): Operation<undefined> => ({
  number: 53,
  args: new XdrWriter().fixed(session).uint32(sequence, 0, 0, 0).bytes(),
  read: (results) => {
    results.fixed(SESSION + 5 * 4);
    return undefined;
  },
});

/** Nothing of an earlier life is asked back (§18.51): without it there is no OPEN. */
const reclaimComplete: Operation<undefined> = {
  number: 58,
  args: new XdrWriter().uint32(0).bytes(),
  read: () => undefined,
};

/** NFSv4.1 or 4.2 over a connection; its session begins with the first compound. One compound at a time. */
export function nfs4Session(rpc: RpcClient, minor: 1 | 2): Nfs4 {
  async function compound(operations: readonly Operation<unknown>[]): Promise<unknown[]> {
    return decodeCompound(await rpc.call(PROGRAM, VERSION, COMPOUND, encodeCompound(operations, minor)), operations);
  }
  async function begin(): Promise<Buffer> {
    const introduce = exchangeId(`intruder ${randomUUID()}`);
    const found = introduce.read(await one(introduce));
    const create = createSession(found.client, found.sequence);
    return create.read(await one(create));
  }
  /** The results of the one operation of a compound, unread: it has more of them than anybody wants. */
  async function one(operation: Operation<unknown>) {
    const results = await rpc.call(PROGRAM, VERSION, COMPOUND, encodeCompound([operation], minor));
    const status = results.uint32();
    results.string();
    // How many, which, and its own status.
    results.fixed(12);
    if (status !== 0) throw new Error(`NFSv4.${minor}: operation ${operation.number} gave ${status}`);
    return results;
  }
  let session: Promise<Buffer> | undefined;
  let sequence = 0;
  let turn: Promise<unknown> = Promise.resolve();
  function inTurn(operations: readonly Operation<unknown>[]): Promise<unknown[]> {
    const act = async () => {
      session ??= begin();
      return compound([sequenceOf(await session, ++sequence), ...operations]);
    };
    const mine = turn.then(act, act);
    turn = mine.catch(() => undefined);
    return mine;
  }
  return {
    async last<T>(...operations: readonly [...Operation<unknown>[], Operation<T>]): Promise<T> {
      return (await inTurn(operations)).at(-1) as T;
    },
    async introduce() {
      await inTurn([reclaimComplete]);
      // OPEN takes the session's client, whatever it says itself.
      return 0n;
    },
  };
}
