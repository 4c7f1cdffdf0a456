/** A tag, a length and a value of BER (X.690 section 8.1), with a length that is told. */
export interface Tlv {
  readonly tag: number;
  readonly value: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

/** The TLV at `offset`; undefined for one that is cut off, or whose length is not told or has more than 4 bytes. */
export function readTlv(bytes: Buffer, offset: number): Tlv | undefined {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined) return undefined;
  let length = first;
  let start = offset + 2;
  if (first >= 0x80) {
    const count = first - 0x80;
    if (count < 1 || count > 4 || start + count > bytes.length) return undefined;
    length = bytes.readUIntBE(start, count);
    start += count;
  }
  const end = start + length;
  return end > bytes.length ? undefined : { tag, value: bytes.subarray(start, end), end };
}

/** All TLVs of a value, at most `limit`; undefined when one of these is none. */
export function readTlvs(bytes: Buffer, limit: number): readonly Tlv[] | undefined {
  const found: Tlv[] = [];
  for (let offset = 0; offset < bytes.length && found.length < limit; ) {
    const next = readTlv(bytes, offset);
    if (!next) return undefined;
    found.push(next);
    offset = next.end;
  }
  return found;
}
