import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';

/** How a request ended. */
export interface RomFile {
  readonly path: string;
  readonly outcome: 'fetched' | 'exists' | 'missing' | 'timeout' | 'too-large';
  readonly bytes: number;
  readonly sha256: string | undefined;
  readonly ms: number;
  readonly data: Buffer | undefined;
}

/** The TFTP client of a boot ROM. */
export interface RomTftp {
  /** Reads a file whole. */
  fetch(path: string, options: readonly string[]): Promise<RomFile>;
  /** Asks whether it is there: ends the transfer with ERROR 0 as soon as it begins. */
  probe(path: string, options: readonly string[]): Promise<RomFile>;
}

const BLOCK = 512;
/** Block numbers have 16 bits and this firmware does not wrap them. */
const MAX_BLOCKS = 65_535;
const RESEND_MS = 2_000;

/**
 * TFTP as a Pi 3's firmware speaks it (netboot-facts §2.1): octet, 512-byte blocks, a new local port for each request from
 * 49152 on, requests sent again every 2.000 s from the same port, 30 s for a file.
 */
export function createRomTftp(settings: {
  server: string;
  port?: number;
  firstPort?: number;
  fileTimeoutMs?: number;
  resendMs?: number;
  onRequest?: (path: string) => void;
}): RomTftp {
  let localPort = settings.firstPort ?? 49_152;
  const { fileTimeoutMs = 30_000, resendMs = RESEND_MS } = settings;

  function request(path: string, options: readonly string[], probing: boolean): Promise<RomFile> {
    settings.onRequest?.(path);
    const began = Date.now();
    const socket = createSocket('udp4');
    const blocks: Buffer[] = [];
    const rrq = Buffer.from(`\0\x01${path}\0octet\0${options.map((option) => `${option}\0`).join('')}`, 'latin1');
    return new Promise((resolve) => {
      let peer: { address: string; port: number } | undefined;
      let resend: NodeJS.Timeout | undefined;
      const finish = (outcome: RomFile['outcome']) => {
        clearTimeout(limit);
        clearInterval(resend);
        socket.close();
        const data = outcome === 'fetched' ? Buffer.concat(blocks) : undefined;
        const sha256 = data && createHash('sha256').update(data).digest('hex');
        resolve({ path, outcome, bytes: data?.length ?? 0, sha256, ms: Date.now() - began, data });
      };
      const limit = setTimeout(() => finish('timeout'), fileTimeoutMs);
      const send = (packet: Buffer) => peer && socket.send(packet, peer.port, peer.address);
      const ack = (block: number) => send(Buffer.from([0, 4, block >> 8, block & 0xff]));
      // The last ACK and the ERROR that ends a probe must be on the wire before the socket is closed.
      const finishAfter = (packet: Buffer, outcome: RomFile['outcome']) => {
        if (peer) socket.send(packet, peer.port, peer.address, () => finish(outcome));
      };
      socket.on('message', (datagram, from) => {
        peer ??= from;
        if (from.port !== peer.port || from.address !== peer.address || datagram.length < 4) return;
        clearInterval(resend);
        const opcode = datagram.readUInt16BE(0);
        if (opcode === 5) return finish('missing');
        if (probing && (opcode === 6 || opcode === 3)) {
          return finishAfter(Buffer.from('\0\x05\0\0Early terminate\0', 'latin1'), 'exists');
        }
        if (opcode === 6) return ack(0);
        if (opcode !== 3) return;
        const block = datagram.readUInt16BE(2);
        if (block === blocks.length + 1) {
          if (blocks.length + 1 > MAX_BLOCKS) return finish('too-large');
          blocks.push(Buffer.from(datagram.subarray(4)));
          if (datagram.length - 4 < BLOCK) return finishAfter(Buffer.from([0, 4, block >> 8, block & 0xff]), 'fetched');
        } else if (blocks.length === MAX_BLOCKS) return finish('too-large');
        if (block <= blocks.length) ack(block);
      });
      socket.on('error', () => finish('timeout'));
      socket.bind(localPort++, () => {
        const ask = () => socket.send(rrq, settings.port ?? 69, settings.server);
        resend = setInterval(ask, resendMs);
        ask();
      });
    });
  }
  return {
    fetch: (path, options) => request(path, options, false),
    probe: (path, options) => request(path, options, true),
  };
}
