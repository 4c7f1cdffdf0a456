import { createSocket, type Socket } from 'node:dgram';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

/** What came of a request. */
export interface Fetched {
  readonly data: Buffer;
  /** The options of the OACK, or undefined where none came. */
  readonly oack: ReadonlyMap<string, string> | undefined;
  readonly error: { readonly code: number; readonly message: string } | undefined;
  /** DATA packets that arrived, copies and those dropped included. */
  readonly received: number;
}

/** How to ask. */
export interface FetchOptions {
  readonly options?: Readonly<Record<string, string>>;
  /** The client's address, any of loopback; 127.0.0.1 by default. */
  readonly from?: string;
  /** True for a DATA packet, by its order of arrival from 1 on, that is to be lost. */
  readonly drop?: (nth: number) => boolean;
  /** Called with the number of blocks that are there, before the ACK. */
  readonly onBlock?: (blocks: number) => void;
}

/** Bytes of a read request. */
export function readRequest(name: string, options: Readonly<Record<string, string>> = {}): Buffer {
  const fields = Object.entries(options).flat();
  return Buffer.from(`\0\x01${[name, 'octet', ...fields].join('\0')}\0`, 'latin1');
}

/** Sends one datagram to `port` on loopback. */
export function sendTo(socket: Socket, packet: Uint8Array, port: number): Promise<void> {
  return new Promise((resolve) => socket.send(packet, port, '127.0.0.1', () => resolve()));
}

/** A socket that is closed at the test's end, however that comes. */
export function openSocket(context: TestContext): Socket {
  const socket = createSocket('udp4');
  context.after(() => socket.close());
  return socket;
}

/** Waits until something is so; rejects after 30 s. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const limit = Date.now() + 30_000;
  while (!isSo()) {
    if (Date.now() > limit) throw new Error(`not so after 30 s: ${what}`);
    await sleep(5);
  }
}

/** The next datagram of a socket; rejects after 3 s. */
export function nextDatagram(socket: Socket): Promise<{ packet: Buffer; port: number }> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error('no answer')), 3_000);
    socket.once('message', (packet, from) => {
      clearTimeout(limit);
      resolve({ packet, port: from.port });
    });
  });
}

/**
 * Reads a file as a client that knows all options, windows included (RFC 7440 §4: an ACK for each window, and for the last block in
 * order at each gap). It never sends an ACK again by itself: what gets lost is for the server to notice.
 */
export async function fetchFile(port: number, name: string, how: FetchOptions = {}): Promise<Fetched> {
  const socket = createSocket('udp4');
  let oack: Map<string, string> | undefined;
  const [parts, limitMs]: [Buffer[], number] = [[], 120_000];
  let [blockSize, windowSize, received, inWindow] = [512, 1, 0, 0];
  try {
    return await new Promise<Fetched>((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`${name}: no end after ${parts.length} blocks`)), limitMs);
      const finish = (error: Fetched['error']) => {
        clearTimeout(limit);
        resolve({ data: Buffer.concat(parts), oack, error, received });
      };
      socket.on('message', (packet, from) => {
        const ack = (sent: () => void = () => undefined) => {
          inWindow = 0;
          socket.send(
            Buffer.from([0, 4, (parts.length >> 8) & 0xff, parts.length & 0xff]),
            from.port,
            '127.0.0.1',
            sent,
          );
        };
        const opcode = packet.readUInt16BE(0);
        if (opcode === 5)
          return finish({ code: packet.readUInt16BE(2), message: packet.toString('latin1', 4, packet.length - 1) });
        if (opcode === 6) {
          const fields = packet.toString('latin1', 2, packet.length - 1).split('\0');
          oack = new Map();
          for (let i = 0; i < fields.length; i += 2) oack.set(fields[i] ?? '', fields[i + 1] ?? '');
          blockSize = Number(oack.get('blksize') ?? 512);
          windowSize = Number(oack.get('windowsize') ?? 1);
          return ack();
        }
        received++;
        if (how.drop?.(received)) return;
        if (packet.readUInt16BE(2) !== (parts.length + 1) % 65_536) return windowSize > 1 ? ack() : undefined;
        parts.push(Buffer.from(packet.subarray(4)));
        inWindow++;
        how.onBlock?.(parts.length);
        if (packet.length - 4 < blockSize) ack(() => finish(undefined));
        else if (inWindow === windowSize) ack();
      });
      socket.bind(0, how.from ?? '127.0.0.1', () => socket.send(readRequest(name, how.options), port, '127.0.0.1'));
    });
  } finally {
    socket.close();
  }
}
