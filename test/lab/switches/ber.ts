import type { Tlv } from '../../../server/power/switches/snmp/tlv.ts';

/** Tags of SNMP: ASN.1's own, RFC 2578's, and what stands for a value that is not there (RFC 3416). */
export const TAG = {
  integer: 0x02,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  counter: 0x41,
  gauge: 0x42,
  noSuchInstance: 0x81,
  endOfMibView: 0x82,
} as const;

/** One value, whole. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  if (value.length < 0x80) return Buffer.concat([Buffer.from([tag, value.length]), value]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([Buffer.from([tag, 0x84]), length, value]);
}

export const sequence = (...parts: readonly Uint8Array[]) => tlv(TAG.sequence, ...parts);
export const octets = (value: Uint8Array | string) => tlv(TAG.octets, Buffer.from(value));
export const nothing = (tag: number) => tlv(tag);

/** A whole number below 2^47, in as few bytes as hold it with its sign. */
export function integer(value: number, tag: number = TAG.integer): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeIntBE(value, 0, 6);
  let start = 0;
  while (start < 5) {
    const [first = 0, second = 0] = bytes.subarray(start);
    if (!((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) break;
    start += 1;
  }
  return tlv(tag, bytes.subarray(start));
}

/** A name, as in `1.3.6.1`. */
export function oid(name: string): Buffer {
  const [first = 0, second = 0, ...rest] = name.split('.').map(Number);
  const bytes: number[] = [];
  for (const number of [first * 40 + second, ...rest]) {
    const groups = [number % 0x80];
    for (let more = Math.floor(number / 0x80); more > 0; more = Math.floor(more / 0x80))
      groups.unshift((more % 0x80) | 0x80);
    bytes.push(...groups);
  }
  return tlv(TAG.oid, Buffer.from(bytes));
}

/** @throws Error for one that is none */
export function readInteger({ tag, value }: Tlv): number {
  if (tag !== TAG.integer || value.length < 1 || value.length > 6) throw new Error('no integer');
  return value.readIntBE(0, value.length);
}

/** @throws Error for one that is none */
export function readOid({ tag, value }: Tlv): string {
  if (tag !== TAG.oid || value.length < 1) throw new Error('no name');
  const numbers: number[] = [];
  let number = 0;
  for (const byte of value) {
    number = number * 0x80 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...rest].join('.');
}
