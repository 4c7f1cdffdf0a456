/**
 * TFTP packets (RFC 1350) with options (RFC 2347, 2348, 2349, 7440). Every packet begins with a 2-byte opcode, network order:
 *
 * | opcode | packet | after it |
 * |---|---|---|
 * | 1, 2 | RRQ, WRQ | filename NUL mode NUL { option NUL value NUL } |
 * | 3 | DATA | block (2 bytes), 0 to blksize bytes |
 * | 4 | ACK | block (2 bytes) |
 * | 5 | ERROR | code (2 bytes), message NUL |
 * | 6 | OACK | { option NUL value NUL } |
 */
export const OPCODE = { rrq: 1, wrq: 2, data: 3, ack: 4, error: 5, oack: 6 } as const;

/** Error codes of RFC 1350 (0 to 7) that we send. */
export const TFTP_ERROR = { undefined: 0, notFound: 1, access: 2, illegal: 4 } as const;

/** A request, as far as it is well formed. */
export interface RequestPacket {
  readonly kind: 'rrq' | 'wrq';
  readonly filename: string;
  /** Lower case. */
  readonly mode: string;
  /** By lower-case name; of an option that is there twice the first counts (RFC 2347 forbids it). */
  readonly options: ReadonlyMap<string, string>;
}

/** What a client may send. */
export type ClientPacket =
  | RequestPacket
  | { readonly kind: 'ack'; readonly block: number }
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

/** RFC 2347: a request is at most 512 bytes. */
const MAX_REQUEST = 512;

/** The packet in `datagram`; undefined for whatever is none. Never throws, whatever the length or the bytes. */
export function decodePacket(datagram: Uint8Array): ClientPacket | undefined {
  const [high, low, third, fourth] = datagram;
  if (high === undefined || low === undefined || third === undefined || fourth === undefined) return undefined;
  // First, and without a view of its own: there is one for each block or window.
  if (high === 0 && low === OPCODE.ack) return { kind: 'ack', block: third * 256 + fourth };
  const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length);
  switch (bytes.readUInt16BE(0)) {
    case OPCODE.rrq:
      return decodeRequest('rrq', bytes);
    case OPCODE.wrq:
      return decodeRequest('wrq', bytes);
    case OPCODE.error: {
      const end = bytes.indexOf(0, 4);
      const message = bytes.toString('latin1', 4, end < 0 ? bytes.length : end).slice(0, 200);
      return { kind: 'error', code: bytes.readUInt16BE(2), message };
    }
    default:
      return undefined;
  }
}

function decodeRequest(kind: 'rrq' | 'wrq', bytes: Buffer): RequestPacket | undefined {
  if (bytes.length > MAX_REQUEST || bytes.at(-1) !== 0) return undefined;
  const fields = bytes.toString('utf8', 2, bytes.length - 1).split('\0');
  const [filename, mode, ...rest] = fields;
  if (!filename || !mode) return undefined;
  const options = new Map<string, string>();
  for (let i = 0; i + 1 < rest.length; i += 2) {
    const name = (rest[i] ?? '').toLowerCase();
    if (name !== '' && !options.has(name)) options.set(name, rest[i + 1] ?? '');
  }
  return { kind, filename, mode: mode.toLowerCase(), options };
}

/** The 4 bytes before a block's data: opcode 3, block number modulo 65536 (the wrap to 0 that firmware and RFC 2348 peers use). */
export function dataHeader(block: number): Buffer {
  const header = Buffer.allocUnsafe(4);
  header.writeUInt16BE(OPCODE.data, 0);
  header.writeUInt16BE(block % 65_536, 2);
  return header;
}

/** An ERROR packet. */
export function encodeError(code: number, message: string): Buffer {
  const text = Buffer.from(`${message}\0`, 'latin1');
  const header = Buffer.allocUnsafe(4);
  header.writeUInt16BE(OPCODE.error, 0);
  header.writeUInt16BE(code, 2);
  return Buffer.concat([header, text]);
}

/** An OACK of the accepted options. */
export function encodeOack(options: ReadonlyMap<string, string>): Buffer {
  const parts = [Buffer.from([0, OPCODE.oack])];
  for (const [name, value] of options) parts.push(Buffer.from(`${name}\0${value}\0`, 'latin1'));
  return Buffer.concat(parts);
}
