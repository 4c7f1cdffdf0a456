import { type Ipv4, type Mac, parseMac } from '../../core/ids.ts';

/**
 * DHCP packets (RFC 2131 §2; options RFC 2132, long ones RFC 3396). All numbers are in network order:
 *
 * | offset | bytes | field | |
 * |---|---|---|---|
 * | 0 | 1 | op | 1 from a client, 2 from a server |
 * | 1, 2 | 1, 1 | htype, hlen | 1 and 6: ethernet, the only one read here |
 * | 3 | 1 | hops | |
 * | 4 | 4 | xid | chosen by the client, the same in the answer |
 * | 8 | 2 | secs | |
 * | 10 | 2 | flags | 0x8000: answer by broadcast |
 * | 12, 16, 20, 24 | 4 each | ciaddr, yiaddr, siaddr, giaddr | the client's own, the one it gets, the next server's, the relay's |
 * | 28 | 16 | chaddr | MAC, then zeros |
 * | 44 | 64 | sname | text, or options (option 52) |
 * | 108 | 128 | file | text, or options (option 52) |
 * | 236 | 4 | 63 82 53 63 | the options follow |
 */
export interface DhcpPacket {
  readonly op: 'request' | 'reply';
  readonly hops: number;
  readonly xid: number;
  readonly secs: number;
  readonly flags: number;
  readonly ciaddr: Ipv4;
  readonly yiaddr: Ipv4;
  readonly siaddr: Ipv4;
  readonly giaddr: Ipv4;
  /** The client's (chaddr). */
  readonly mac: Mac;
  /** At most 127 bytes of Latin-1. */
  readonly file: string;
  /** By their numbers, in their order; the parts of a long one are joined. Without PAD, END and 52, which are the codec's. */
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/** Options that are named here (RFC 2132; 93 and 97: RFC 4578). */
export const OPTION = {
  pad: 0,
  vendorSpecific: 43,
  requestedAddress: 50,
  overload: 52,
  messageType: 53,
  serverId: 54,
  vendorClass: 60,
  tftpServer: 66,
  bootFile: 67,
  architecture: 93,
  guid: 97,
  end: 255,
} as const;

/** Option 53 (RFC 2132 §9.6), by its number. */
const MESSAGE_TYPES = ['discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform'] as const;
/** What kind of message a packet is. */
export type MessageType = (typeof MESSAGE_TYPES)[number];

/** In a field: there is none. */
export const NO_ADDRESS = '0.0.0.0' as Ipv4;
const COOKIE = 0x63825363;
const HEADER = 240;
/** RFC 1542 §2.1: BOOTP packets have at least 300 bytes, and old clients drop shorter ones. */
const MIN_LENGTH = 300;
const ETHERNET = { type: 1, length: 6 };
const OP = { request: 1, reply: 2 } as const;
/** Where the fields are that option 52 (its bits) makes into options, in the order of RFC 3396 §5. */
const OVERLOADED = [
  { bit: 1, from: 108, to: 236 },
  { bit: 2, from: 44, to: 108 },
];

/**
 * The packet in `datagram`; undefined for whatever is none, is not ethernet's, comes from a MAC that no board has, or has an
 * option that reaches over its end. Never throws, whatever the length or the bytes.
 */
export function decodePacket(datagram: Uint8Array): DhcpPacket | undefined {
  if (datagram.length < HEADER) return undefined;
  const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length);
  const op = bytes[0] === OP.request ? 'request' : bytes[0] === OP.reply ? 'reply' : undefined;
  if (!op || bytes[1] !== ETHERNET.type || bytes[2] !== ETHERNET.length) return undefined;
  if (bytes.readUInt32BE(236) !== COOKIE) return undefined;
  const mac = parseMac(bytes.toString('hex', 28, 34).replace(/..(?!$)/g, '$&:'));
  if (!mac) return undefined;

  const parts = new Map<number, Buffer[]>();
  if (!collectOptions(bytes.subarray(HEADER), parts)) return undefined;
  const overload = parts.get(OPTION.overload)?.[0]?.[0] ?? 0;
  parts.delete(OPTION.overload);
  for (const { bit, from, to } of OVERLOADED) {
    if ((overload & bit) !== 0 && !collectOptions(bytes.subarray(from, to), parts)) return undefined;
  }
  // Inside an overloaded field it says nothing.
  parts.delete(OPTION.overload);
  const end = bytes.indexOf(0, 108);
  return {
    op,
    hops: bytes.readUInt8(3),
    xid: bytes.readUInt32BE(4),
    secs: bytes.readUInt16BE(8),
    flags: bytes.readUInt16BE(10),
    ciaddr: readAddress(bytes, 12),
    yiaddr: readAddress(bytes, 16),
    siaddr: readAddress(bytes, 20),
    giaddr: readAddress(bytes, 24),
    mac,
    file: (overload & 1) === 0 ? bytes.toString('latin1', 108, end < 0 || end > 236 ? 236 : end) : '',
    options: new Map([...parts].map(([code, values]) => [code, Buffer.concat(values)])),
  };
}

/** Adds what stands in `field` to `parts`. @returns false when an option reaches over its end. */
function collectOptions(field: Buffer, parts: Map<number, Buffer[]>): boolean {
  let at = 0;
  while (at < field.length) {
    const code = field.readUInt8(at++);
    if (code === OPTION.end) return true;
    if (code === OPTION.pad) continue;
    const length = field[at++];
    if (length === undefined || at + length > field.length) return false;
    const values = parts.get(code) ?? [];
    values.push(field.subarray(at, at + length));
    parts.set(code, values);
    at += length;
  }
  // Without END: other servers take it, and boot ROMs are old.
  return true;
}

/**
 * The bytes of a packet. No PAD stands among the options, which a Pi 4 of early 2020 takes for the end (rpi-eeprom#82); what
 * is too long for one option is split (RFC 3396).
 */
export function encodePacket(packet: DhcpPacket): Buffer {
  const head = Buffer.alloc(HEADER);
  head.writeUInt8(OP[packet.op], 0);
  head.writeUInt8(ETHERNET.type, 1);
  head.writeUInt8(ETHERNET.length, 2);
  head.writeUInt8(packet.hops, 3);
  head.writeUInt32BE(packet.xid, 4);
  head.writeUInt16BE(packet.secs, 8);
  head.writeUInt16BE(packet.flags, 10);
  addressBytes(packet.ciaddr).copy(head, 12);
  addressBytes(packet.yiaddr).copy(head, 16);
  addressBytes(packet.siaddr).copy(head, 20);
  addressBytes(packet.giaddr).copy(head, 24);
  Buffer.from(packet.mac.replaceAll(':', ''), 'hex').copy(head, 28);
  head.write(packet.file.slice(0, 127), 108, 'latin1');
  head.writeUInt32BE(COOKIE, 236);
  const parts: Uint8Array[] = [head];
  for (const [code, value] of packet.options) {
    let at = 0;
    do {
      const piece = value.subarray(at, at + 255);
      parts.push(Buffer.from([code, piece.length]), piece);
      at += 255;
    } while (at < value.length);
  }
  parts.push(Buffer.from([OPTION.end]));
  const whole = Buffer.concat(parts);
  return whole.length < MIN_LENGTH ? Buffer.concat([whole], MIN_LENGTH) : whole;
}

/** An address as the 4 bytes of a field or an option. */
export function addressBytes(address: Ipv4): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function readAddress(bytes: Uint8Array, at: number): Ipv4 {
  return bytes.subarray(at, at + 4).join('.') as Ipv4;
}

/** The address in an option of 4 bytes; undefined when it has another length, or is 0.0.0.0. */
export function addressOption(packet: DhcpPacket, code: number): Ipv4 | undefined {
  const value = packet.options.get(code);
  const address = value?.length === 4 ? readAddress(value, 0) : NO_ADDRESS;
  return address === NO_ADDRESS ? undefined : address;
}

/** Option 53; undefined for BOOTP, and for kinds that this table has not. */
export function messageTypeOf(packet: DhcpPacket): MessageType | undefined {
  const value = packet.options.get(OPTION.messageType);
  return value?.length === 1 ? MESSAGE_TYPES[(value[0] ?? 0) - 1] : undefined;
}

/** The bytes of option 53. */
export function messageTypeBytes(type: MessageType): Uint8Array {
  return Uint8Array.of(MESSAGE_TYPES.indexOf(type) + 1);
}
