import { randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { XdrReader, XdrWriter } from './xdr.ts';

/** ONC RPC (RFC 5531) over TCP, as root of some machine (AUTH_SYS, uid 0), from the address and port one says. */

/** The server has answered that it does not do this call, before the program saw it; `reason` is the RFC's word. */
export class RpcRefusal extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(`the call was refused: ${reason}`);
    this.reason = reason;
  }
}

const AUTH_SYS = 1;
const ACCEPT = ['SUCCESS', 'PROG_UNAVAIL', 'PROG_MISMATCH', 'PROC_UNAVAIL', 'GARBAGE_ARGS', 'SYSTEM_ERR'];
const AUTH = ['OK', 'BADCRED', 'REJECTEDCRED', 'BADVERF', 'REJECTEDVERF', 'TOOWEAK', 'INVALIDRESP', 'FAILED'];
const LAST_FRAGMENT = 0x8000_0000;

/** A call's header and arguments (§9), without its record mark. The credentials are those of root (appendix A). */
export function encodeCall(
  call: { xid: number; program: number; version: number; procedure: number },
  args: Uint8Array,
): Buffer {
  const credentials = new XdrWriter().uint32(0).string('pi').uint32(0, 0, 0).bytes();
  return new XdrWriter()
    .uint32(call.xid, 0, 2, call.program, call.version, call.procedure, AUTH_SYS)
    .opaque(credentials)
    .uint32(0, 0)
    .fixed(args)
    .bytes();
}

/** The record that goes over the wire, as one fragment (§11). */
export function markRecord(message: Uint8Array): Buffer {
  return Buffer.concat([new XdrWriter().uint32(LAST_FRAGMENT + message.length).bytes(), message]);
}

/** The records that are whole in `bytes`, put together of their fragments, and what is left of it. */
export function takeRecords(bytes: Buffer): { records: readonly Buffer[]; rest: Buffer } {
  const records: Buffer[] = [];
  let fragments: Buffer[] = [];
  let [at, rest] = [0, 0];
  while (at + 4 <= bytes.length) {
    const mark = bytes.readUInt32BE(at);
    const end = at + 4 + (mark & ~LAST_FRAGMENT);
    if (end > bytes.length) break;
    fragments.push(bytes.subarray(at + 4, end));
    at = end;
    if (mark < LAST_FRAGMENT) continue;
    records.push(Buffer.concat(fragments));
    fragments = [];
    rest = at;
  }
  return { records, rest: bytes.subarray(rest) };
}

/** The call that a reply answers, and a reader of its results. @throws RpcRefusal, XdrError. */
export function decodeReply(message: Uint8Array): { xid: number; results: () => XdrReader } {
  const reader = new XdrReader(message);
  const xid = reader.uint32();
  return {
    xid,
    results() {
      if (reader.uint32() !== 1) throw new RpcRefusal('NOT_A_REPLY');
      if (reader.uint32() !== 0) {
        if (reader.uint32() === 0) throw new RpcRefusal('RPC_MISMATCH');
        const reason = reader.uint32();
        throw new RpcRefusal(`AUTH_${AUTH[reason] ?? reason}`);
      }
      reader.uint32();
      reader.opaque(400);
      const stat = reader.uint32();
      if (stat !== 0) throw new RpcRefusal(ACCEPT[stat] ?? `ACCEPT_${stat}`);
      return reader;
    },
  };
}

/** A connection to one port of a server. */
export interface RpcClient {
  /** @throws RpcRefusal; Error when the server hangs up or says nothing for 10 s: that is no refusal. */
  call(program: number, version: number, procedure: number, args: Uint8Array): Promise<XdrReader>;
  close(): void;
}

const LIMIT_MS = 10_000;
/** Servers may insist on a port that only root has; kernels take theirs from here (net.sunrpc.min_resvport). */
const [LOW_PORT, HIGH_PORT] = [665, 1024];
const TRIES = 50;

function dial(host: string, port: number, localAddress: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, localAddress, localPort: randomInt(LOW_PORT, HIGH_PORT) });
    socket.once('connect', () => resolve(socket)).once('error', reject);
  });
}

async function dialFromFreePort(host: string, port: number, localAddress: string): Promise<Socket> {
  for (let tries = 1; ; tries++) {
    try {
      return await dial(host, port, localAddress);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (tries === TRIES || (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL')) throw error;
    }
  }
}

/** Connects from `from`, one of this machine's addresses. */
export async function connectRpc(to: { host: string; port: number; from: string }): Promise<RpcClient> {
  const socket = await dialFromFreePort(to.host, to.port, to.from);
  socket.removeAllListeners('error');
  const waiting = new Map<number, { resolve(reader: XdrReader): void; reject(error: Error): void }>();
  let buffer: Buffer = Buffer.alloc(0);
  let xid = randomInt(0x7fff_ffff);
  let ended: Error | undefined;
  const end = (error: Error) => {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  socket.on('error', end);
  socket.on('close', () => end(new Error('the server has hung up')));
  socket.on('data', (bytes) => {
    const { records, rest } = takeRecords(Buffer.concat([buffer, bytes]));
    buffer = rest;
    for (const record of records) {
      const reply = decodeReply(record);
      const call = waiting.get(reply.xid);
      waiting.delete(reply.xid);
      try {
        call?.resolve(reply.results());
      } catch (error) {
        call?.reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
  });
  return {
    async call(program, version, procedure, args) {
      if (ended) throw ended;
      const mine = ++xid;
      let timer: NodeJS.Timeout | undefined;
      try {
        return await new Promise<XdrReader>((resolve, reject) => {
          waiting.set(mine, { resolve, reject });
          timer = setTimeout(() => reject(new Error('the server does not answer')), LIMIT_MS);
          socket.write(markRecord(encodeCall({ xid: mine, program, version, procedure }, args)));
        });
      } finally {
        clearTimeout(timer);
        waiting.delete(mine);
      }
    },
    close: () => socket.destroy(),
  };
}
