import { connect } from 'node:net';
import type { Ipv4 } from '../../core/ids.ts';

/** Calls of ONC RPC (RFC 5531) over TCP, with the AUTH_NULL that nobody needs more than. */
const [PORTMAP, NFS, MOUNT] = [100_000, 100_003, 100_005];
const LIMIT_MS = 3_000;
/** An answer to one of these calls has some 60 bytes. */
const MAX_ANSWER = 64 * 1024;

const word = (...values: readonly number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, i * 4);
  return bytes;
};

/** A call with its record mark: xid 1, CALL, RPC 2, program, version, procedure, no credentials, no verifier, then `body`. */
export function encodeCall(program: number, version: number, procedure: number, body = Buffer.alloc(0)): Buffer {
  const call = Buffer.concat([word(1, 0, 2, program, version, procedure, 0, 0, 0, 0), body]);
  return Buffer.concat([word(0x80000000 + call.length), call]);
}

/** The result in a whole answer (without its mark); undefined when the call was not accepted or is not answered by it. */
export function decodeAnswer(answer: Buffer): Buffer | undefined {
  // xid, REPLY, MSG_ACCEPTED, a verifier of some length, SUCCESS
  if (answer.length < 24 || answer.readUInt32BE(0) !== 1 || answer.readUInt32BE(4) !== 1) return undefined;
  if (answer.readUInt32BE(8) !== 0) return undefined;
  const after = 20 + answer.readUInt32BE(16);
  return answer.length >= after + 4 && answer.readUInt32BE(after) === 0 ? answer.subarray(after + 4) : undefined;
}

/** Makes one call; undefined when nobody is there or it is not answered well within 3 s. */
function call(server: Ipv4, port: number, request: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: server, port });
    let received = Buffer.alloc(0);
    const end = (result: Buffer | undefined) => {
      clearTimeout(late);
      socket.destroy();
      resolve(result);
    };
    const late = setTimeout(() => end(undefined), LIMIT_MS);
    socket.on('error', () => end(undefined));
    socket.on('close', () => end(undefined));
    socket.on('connect', () => socket.write(request));
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      if (received.length < 4) return;
      const length = received.readUInt32BE(0) & 0x7fffffff;
      if (length > MAX_ANSWER) return end(undefined);
      if (received.length >= 4 + length) end(decodeAnswer(received.subarray(4, 4 + length)));
    });
  });
}

/** The TCP ports that rpcbind names, 0 for none (RFC 1833 §3, GETPORT); undefined when it is not there. */
export async function askPorts(server: Ipv4): Promise<{ nfs: number; mountd: number } | undefined> {
  const port = async (program: number) => {
    const found = await call(server, 111, encodeCall(PORTMAP, 2, 3, word(program, 3, 6, 0)));
    return found && found.length >= 4 ? found.readUInt32BE(0) : undefined;
  };
  const nfs = await port(NFS);
  return nfs === undefined ? undefined : { nfs, mountd: (await port(MOUNT)) ?? 0 };
}

/** True when the NFS server answers a call that does nothing (RFC 1813 §3.3.0). */
export async function answersNfs(server: Ipv4, port: number): Promise<boolean> {
  return (await call(server, port, encodeCall(NFS, 3, 0))) !== undefined;
}

/** Asks for a mount, as a Pi does for its root (RFC 1813 §5.2.1). */
export async function askMount(server: Ipv4, port: number, path: string): Promise<'refused' | 'given' | 'no answer'> {
  const name = Buffer.from(path);
  const body = Buffer.concat([word(name.length), name, Buffer.alloc((4 - (name.length % 4)) % 4)]);
  const answer = await call(server, port, encodeCall(MOUNT, 3, 1, body));
  if (!answer || answer.length < 4) return 'no answer';
  return answer.readUInt32BE(0) === 0 ? 'given' : 'refused';
}
