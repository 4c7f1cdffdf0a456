/**
 * Calls of methods as D-Bus writes them, little-endian: D-Bus Specification 0.42, "Message Protocol" and "Marshaling (Wire Format)".
 */

/** An argument of a call: a string, or a UINT16. */
export type DbusArgument = string | number;

/** A call of a method. */
export interface DbusCall {
  readonly serial: number;
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly args?: readonly DbusArgument[];
}

const METHOD_CALL = 1;
const VERSION = 1;
/** Header fields. */
const FIELDS = { path: 1, interface: 2, member: 3, destination: 6, signature: 8 } as const;

class Writer {
  readonly #parts: Buffer[] = [];
  size = 0;

  #add(part: Buffer): void {
    this.#parts.push(part);
    this.size += part.length;
  }

  align(to: number): void {
    this.#add(Buffer.alloc(Math.ceil(this.size / to) * to - this.size));
  }

  byte(value: number): void {
    this.#add(Buffer.from([value]));
  }

  uint16(value: number): void {
    this.align(2);
    const part = Buffer.alloc(2);
    part.writeUInt16LE(value);
    this.#add(part);
  }

  uint32(value: number): void {
    this.align(4);
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    this.#add(part);
  }

  string(text: string): void {
    this.uint32(Buffer.byteLength(text));
    this.#add(Buffer.from(`${text}\0`));
  }

  signature(text: string): void {
    this.byte(text.length);
    this.#add(Buffer.from(`${text}\0`));
  }

  bytes(part: Buffer): void {
    this.#add(part);
  }

  whole(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** The bytes of a call. @throws RangeError for a number that is no UINT16. */
export function encodeCall({ serial, destination, path, interface: name, member, args = [] }: DbusCall): Buffer {
  const body = new Writer();
  for (const arg of args) {
    if (typeof arg === 'string') body.string(arg);
    else body.uint16(arg);
  }
  const fields = new Writer();
  const field = (code: number, type: 'o' | 's' | 'g', value: string) => {
    fields.align(8);
    fields.byte(code);
    fields.signature(type);
    if (type === 'g') fields.signature(value);
    else fields.string(value);
  };
  field(FIELDS.path, 'o', path);
  field(FIELDS.interface, 's', name);
  field(FIELDS.member, 's', member);
  field(FIELDS.destination, 's', destination);
  if (args.length > 0) field(FIELDS.signature, 'g', args.map((arg) => (typeof arg === 'string' ? 's' : 'q')).join(''));
  const message = new Writer();
  message.bytes(Buffer.from(['l'.charCodeAt(0), METHOD_CALL, 0, VERSION]));
  message.uint32(body.size);
  message.uint32(serial);
  message.uint32(fields.size);
  message.bytes(fields.whole());
  message.align(8);
  message.bytes(body.whole());
  return message.whole();
}
