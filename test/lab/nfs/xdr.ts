/** What was read is not what was to come: too short, too long, or a value that no such field has. */
export class XdrError extends Error {}

const ZERO = Buffer.alloc(4);
const padding = (length: number) => (4 - (length % 4)) % 4;

/** Writes XDR (RFC 4506): big-endian words; what is shorter is filled up with zeros. Each method gives the writer. */
export class XdrWriter {
  readonly #parts: Buffer[] = [];

  uint32(...values: readonly number[]): this {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, i * 4);
    this.#parts.push(bytes);
    return this;
  }
  uint64(value: bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(value);
    this.#parts.push(bytes);
    return this;
  }
  /** Bytes whose length both sides know (§4.9). */
  fixed(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes), ZERO.subarray(0, padding(bytes.length)));
    return this;
  }
  /** Bytes behind their length (§4.10). */
  opaque(bytes: Uint8Array): this {
    return this.uint32(bytes.length).fixed(bytes);
  }
  /** A string (§4.11), in UTF-8. */
  string(text: string): this {
    return this.opaque(Buffer.from(text));
  }
  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Reads XDR. Every method throws XdrError when the bytes end too early. */
export class XdrReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }
  #take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new XdrError(`${length} bytes wanted at ${this.#at}`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
  uint32(): number {
    return this.#take(4).readUInt32BE();
  }
  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }
  bool(): boolean {
    const value = this.uint32();
    if (value > 1) throw new XdrError(`${value} is no boolean`);
    return value === 1;
  }
  fixed(length: number): Buffer {
    const bytes = this.#take(length);
    this.#take(padding(length));
    return bytes;
  }
  opaque(max = 0xffff_ffff): Buffer {
    const length = this.uint32();
    if (length > max) throw new XdrError(`${length} bytes where at most ${max} may be`);
    return this.fixed(length);
  }
  string(): string {
    return this.opaque().toString('utf8');
  }
  /** A list as XDR writes one (§4.19): a boolean before each item, false at its end. */
  list<T>(item: () => T): T[] {
    const items: T[] = [];
    while (this.bool()) items.push(item());
    return items;
  }
  /** `item` when a boolean says that it is there. */
  optional<T>(item: () => T): T | undefined {
    return this.bool() ? item() : undefined;
  }
  /** @throws XdrError when anything is left. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new XdrError(`${this.#bytes.length - this.#at} bytes left`);
  }
}
