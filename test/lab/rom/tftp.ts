import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';

/** How a request ended: `exists` is a probe's success, `fetched` a read's. */
export interface RomFile {
  readonly path: string;
  /** The words behind the mode. */
  readonly options: readonly string[];
  readonly outcome: 'fetched' | 'exists' | 'missing' | 'timeout' | 'too-large';
  readonly bytes: number;
  /** As the server told it in its OACK. */
  readonly size: number | undefined;
  readonly sha256: string | undefined;
  readonly ms: number;
  readonly data: Buffer | undefined;
}

/** Where the client asks, and how patiently. */
export interface RomTftpSettings {
  /** The server's IPv4 address. */
  readonly server: string;
  /** 69 by default. */
  readonly port?: number;
  /** The address that it asks from, any of this machine by default. */
  readonly from?: string;
  /** The local port of the first request, any by default; 0 lets the kernel pick each. */
  readonly firstPort?: number;
  /** For a whole file; 30 s by default. */
  readonly fileTimeoutMs?: number;
  /** Between two RRQs for the same file; 2 s by default. */
  readonly resendMs?: number;
  /** A file of more blocks is too large; 65535 by default, which a test would wait for. */
  readonly maxBlocks?: number;
}

/** The TFTP client of a boot ROM: one request at a time. `options` are the words after the mode. */
export interface RomTftp {
  /** Asks there from now on. */
  turnTo(server: string): void;
  /** Reads a file whole. */
  fetch(path: string, options: readonly string[]): Promise<RomFile>;
  /** Asks whether it is there: ends the transfer with ERROR 0 as soon as it begins. */
  probe(path: string, options: readonly string[]): Promise<RomFile>;
}

const [RRQ, DATA, ACK, ERROR, OACK] = [1, 3, 4, 5, 6];
const BLOCK = 512;
/** Block numbers have 16 bits; EEPROMs wrap them since 2025-09-23 (rpi-eeprom#720), of older firmware nobody has confirmed it. */
const MAX_BLOCKS = 65_535;
/** Where ports begin again. */
const LOW_PORT = 49_152;

const text = (opcode: number, words: readonly string[]) =>
  Buffer.concat([Buffer.from([0, opcode]), Buffer.from(words.map((word) => `${word}\0`).join(''), 'latin1')]);
const ack = (block: number) => Buffer.from([0, ACK, block >> 8, block & 0xff]);
const EARLY_TERMINATE = Buffer.concat([Buffer.from([0, ERROR, 0, 0]), Buffer.from('Early terminate\0')]);

/** What an OACK agrees to. */
function readOack(datagram: Buffer): { size: number | undefined; block: number } {
  const words = datagram.toString('latin1', 2).split('\0');
  const told = new Map(words.flatMap((word, i) => (i % 2 === 0 ? [[word.toLowerCase(), words[i + 1] ?? '']] : [])));
  const [size, block] = ['tsize', 'blksize'].map((name) => told.get(name));
  return { size: size === undefined ? undefined : Number(size), block: block === undefined ? BLOCK : Number(block) };
}

/**
 * TFTP as the firmware of Pis speaks it (raspberry-pi/boot-net.adoc; rpi-eeprom#74): octet, blocks of 512 bytes where the server does
 * not agree to others, the next local port for each request, an unanswered request again every 2.000 s from the same port, at most 30 s
 * for a file. What comes from another address or port than the one that answered first is passed over.
 */
export function createRomTftp(settings: RomTftpSettings): RomTftp {
  const { port = 69, from: localAddress, fileTimeoutMs = 30_000, resendMs = 2_000 } = settings;
  const firstPort = settings.firstPort ?? LOW_PORT + Math.floor(Math.random() * 8_000);
  const maxBlocks = settings.maxBlocks ?? MAX_BLOCKS;
  let { server } = settings;
  let nextPort = firstPort;

  function takePort(): number {
    const taken = nextPort;
    if (firstPort !== 0) nextPort = taken === 65_535 ? LOW_PORT : taken + 1;
    return taken;
  }

  function request(path: string, options: readonly string[], probing: boolean): Promise<RomFile> {
    const localPort = takePort();
    const began = performance.now();
    const socket = createSocket('udp4');
    const rrq = text(RRQ, [path, 'octet', ...options]);
    return new Promise((resolve, reject) => {
      const blocks: Buffer[] = [];
      /** The server's port for this transfer, from its first answer on. */
      let peer: number | undefined;
      let size: number | undefined;
      let blockSize = BLOCK;
      let done = false;

      const end = () => {
        done = true;
        clearTimeout(limit);
        clearInterval(resend);
        socket.close();
      };
      const finish = (outcome: RomFile['outcome']) => {
        if (done) return;
        end();
        const data = outcome === 'fetched' ? Buffer.concat(blocks) : undefined;
        const sha256 = data && createHash('sha256').update(data).digest('hex');
        const ms = Math.round(performance.now() - began);
        resolve({ path, options, outcome, bytes: data?.length ?? 0, size, sha256, ms, data });
      };
      // The last ACK and the ERROR that ends a probe must be on the wire before the socket is closed.
      const finishAfter = (packet: Buffer, outcome: RomFile['outcome']) => {
        socket.send(packet, peer, server, () => finish(outcome));
      };
      const limit = setTimeout(() => finish('timeout'), fileTimeoutMs);
      const ask = () => socket.send(rrq, port, server);
      const resend = setInterval(ask, resendMs);

      const onData = (block: number, data: Buffer) => {
        if (block === ((blocks.length + 1) & 0xffff)) {
          // A full block 65535 announces one more, whose number is 0.
          if (blocks.length === maxBlocks) return finish('too-large');
          blocks.push(Buffer.from(data));
          if (data.length < blockSize) return finishAfter(ack(block), 'fetched');
        }
        // A block that is here already was sent again because our ACK was lost.
        if (((blocks.length - block) & 0xffff) < 0x8000) socket.send(ack(block), peer, server);
      };
      socket.on('message', (datagram, from) => {
        if (done || from.address !== server || datagram.length < 4) return;
        peer ??= from.port;
        if (from.port !== peer) return;
        clearInterval(resend);
        const opcode = datagram.readUInt16BE(0);
        if (opcode === ERROR) return finish('missing');
        if (opcode === OACK && blocks.length === 0) ({ size, block: blockSize } = readOack(datagram));
        if (probing && (opcode === OACK || opcode === DATA)) return finishAfter(EARLY_TERMINATE, 'exists');
        if (opcode === OACK && blocks.length === 0) return socket.send(ack(0), peer, server);
        if (opcode === DATA) onData(datagram.readUInt16BE(2), datagram.subarray(4));
      });
      // Only the local side can fail here (port taken, no route): that is the lab's fault, not an answer.
      socket.on('error', (error) => {
        if (!done) end();
        reject(new Error(`TFTP client, ${path} from port ${localPort}: ${error.message}`));
      });
      socket.bind({ port: localPort, ...(localAddress === undefined ? {} : { address: localAddress }) }, ask);
    });
  }
  return {
    turnTo(to) {
      server = to;
    },
    fetch: (path, options) => request(path, options, false),
    probe: (path, options) => request(path, options, true),
  };
}
