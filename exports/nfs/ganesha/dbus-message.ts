/**
 * Answers as D-Bus writes them, in either order of bytes: D-Bus Specification 0.42, "Message Protocol" and "Marshaling (Wire Format)".
 */

/** A value of a message's body; arrays and structs become arrays. */
export type DbusValue = string | number | boolean | readonly DbusValue[];

/** What is read of a message. */
export interface DbusMessage {
  readonly type: 'return' | 'error' | 'other';
  /** The call that it answers. */
  readonly replySerial: number | undefined;
  readonly errorName: string | undefined;
  readonly body: readonly DbusValue[];
}

/** Bytes that are no message of D-Bus, or one that is larger than any answer is. */
export class DbusFault extends Error {}

const TYPES = { return: 2, error: 3 } as const;
/** Header fields. */
const FIELDS = { errorName: 4, replySerial: 5, signature: 8 } as const;
const FIXED_HEADER = 12;
/** ShowExports of 65,535 exports has some 15 MB. The protocol allows 128 MiB. */
const MOST_BYTES = 32 * 1024 ** 2;
/** The protocol allows 32 arrays and 32 structs. */
const MOST_DEPTH = 64;

const padded = (size: number, to: number) => Math.ceil(size / to) * to;

/** Reads values one after another. Every read is within the bytes, or a RangeError of Buffer. */
class Reader {
  at = 0;
  readonly bytes: Buffer;
  readonly isLittle: boolean;
  readonly #members = new Map<string, readonly string[]>();

  constructor(bytes: Buffer, isLittle: boolean) {
    this.bytes = bytes;
    this.isLittle = isLittle;
  }

  align(to: number): void {
    this.at = padded(this.at, to);
  }

  /** The types in a struct, which may come a thousand times. */
  membersOf(struct: string): readonly string[] {
    const known = this.#members.get(struct);
    if (known) return known;
    const members = [...typesOf(struct.slice(1, -1))];
    // One that takes no bytes could be in an array any number of times.
    if (members.length === 0) throw new DbusFault('a struct without members');
    this.#members.set(struct, members);
    return members;
  }

  #take(size: number): number {
    this.align(size);
    this.at += size;
    return this.at - size;
  }

  /** An integer of so many bytes; those of 8 as the nearest number. */
  integer(size: 1 | 2 | 4 | 8, { isSigned = false } = {}): number {
    const at = this.#take(size);
    if (size === 8) {
      const wide = this.isLittle ? this.bytes.readBigUInt64LE(at) : this.bytes.readBigUInt64BE(at);
      return Number(isSigned ? BigInt.asIntN(64, wide) : wide);
    }
    const value = this.isLittle ? this.bytes.readUIntLE(at, size) : this.bytes.readUIntBE(at, size);
    return isSigned && value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value;
  }

  double(): number {
    const at = this.#take(8);
    return this.isLittle ? this.bytes.readDoubleLE(at) : this.bytes.readDoubleBE(at);
  }

  text(size: number): string {
    const end = this.at + size;
    if (this.bytes[end] !== 0) throw new DbusFault('a string does not end');
    const text = this.bytes.toString('utf8', this.at, end);
    this.at = end + 1;
    return text;
  }
}

/** The first complete type of a signature. */
function firstType(signature: string, at: number, depth = 0): string {
  const first = signature[at];
  if (depth > MOST_DEPTH || first === undefined) throw new DbusFault(`bad signature ${signature.slice(0, 100)}`);
  if (first === 'a') return `a${firstType(signature, at + 1, depth + 1)}`;
  if (first !== '(') return first;
  let text = '(';
  while (signature[at + text.length] !== ')') text += firstType(signature, at + text.length, depth + 1);
  return `${text})`;
}

function* typesOf(signature: string): Generator<string> {
  for (let at = 0; at < signature.length; ) {
    const type = firstType(signature, at);
    at += type.length;
    yield type;
  }
}

function readArray(reader: Reader, type: string): readonly DbusValue[] {
  const size = reader.integer(4);
  reader.align(/^[(xtd]/.test(type) ? 8 : 1);
  const end = reader.at + size;
  if (end > reader.bytes.length) throw new DbusFault('an array does not end');
  const values: DbusValue[] = [];
  while (reader.at < end) values.push(readValue(reader, type));
  return values;
}

function readStruct(reader: Reader, type: string): readonly DbusValue[] {
  reader.align(8);
  return reader.membersOf(type).map((member) => readValue(reader, member));
}

function readValue(reader: Reader, type: string): DbusValue {
  switch (type[0]) {
    case 'y':
      return reader.integer(1);
    case 'b':
      return reader.integer(4) !== 0;
    case 'n':
      return reader.integer(2, { isSigned: true });
    case 'q':
      return reader.integer(2);
    case 'i':
      return reader.integer(4, { isSigned: true });
    case 'u':
      return reader.integer(4);
    case 'x':
      return reader.integer(8, { isSigned: true });
    case 't':
      return reader.integer(8);
    case 'd':
      return reader.double();
    case 's':
    case 'o':
      return reader.text(reader.integer(4));
    case 'g':
      return reader.text(reader.integer(1));
    case 'a':
      return readArray(reader, type.slice(1));
    case '(':
      return readStruct(reader, type);
    default:
      // Variants, dictionaries and file descriptors: nobody who is asked answers with them.
      throw new DbusFault(`a value of type ${type[0]}`);
  }
}

const TYPE_NAMES: ReadonlyMap<number | undefined, DbusMessage['type']> = new Map([
  [TYPES.return, 'return'],
  [TYPES.error, 'error'],
]);

function parse(bytes: Buffer, isLittle: boolean): DbusMessage {
  const header = new Reader(bytes, isLittle);
  header.at = FIXED_HEADER;
  const end = FIXED_HEADER + 4 + header.integer(4);
  const found = new Map<number, DbusValue>();
  while (header.at < end) {
    header.align(8);
    const code = header.integer(1);
    const type = header.text(header.integer(1));
    found.set(code, readValue(header, type));
  }
  const [signature = '', replySerial, errorName] = [FIELDS.signature, FIELDS.replySerial, FIELDS.errorName].map(
    (code) => found.get(code),
  );
  const type = TYPE_NAMES.get(bytes[1]) ?? 'other';
  const base = {
    type,
    replySerial: typeof replySerial === 'number' ? replySerial : undefined,
    errorName: typeof errorName === 'string' ? errorName : undefined,
  };
  // A signal, which nobody asked for, may have anything in it.
  if (type === 'other') return { ...base, body: [] };
  const body = new Reader(bytes.subarray(padded(end, 8)), isLittle);
  return { ...base, body: [...typesOf(String(signature))].map((one) => readValue(body, one)) };
}

/**
 * The first message in `bytes` and how many of them it takes; undefined until it is whole.
 * @throws DbusFault for what is none; nothing after it can be read.
 */
export function takeMessage(bytes: Buffer): { message: DbusMessage; size: number } | undefined {
  if (bytes.length < FIXED_HEADER + 4) return undefined;
  const order = String.fromCharCode(bytes[0] ?? 0);
  if (order !== 'l' && order !== 'B') throw new DbusFault('no message of D-Bus');
  const reader = new Reader(bytes, order === 'l');
  reader.at = 4;
  const body = reader.integer(4);
  reader.at = FIXED_HEADER;
  const size = padded(FIXED_HEADER + 4 + reader.integer(4), 8) + body;
  if (size > MOST_BYTES) throw new DbusFault(`a message of ${size} bytes`);
  if (bytes.length < size) return undefined;
  try {
    return { message: parse(bytes.subarray(0, size), order === 'l'), size };
  } catch (error) {
    if (error instanceof RangeError) throw new DbusFault('a message that ends too early');
    throw error;
  }
}
