import type { DbusValue } from '../../exports/nfs/ganesha/dbus-message.ts';

/** A value and its type, as far as answers in tests have them. */
export type Typed =
  | readonly ['y' | 'q' | 'i' | 'u' | 't' | 'b' | 's' | 'g', number | string | boolean]
  | readonly Typed[];

/** Writes values as a bus does, in either order of bytes. */
class AnswerWriter {
  #bytes: number[] = [];
  readonly #isLittle: boolean;

  constructor(isLittle: boolean) {
    this.#isLittle = isLittle;
  }

  get size(): number {
    return this.#bytes.length;
  }

  align(to: number): void {
    while (this.#bytes.length % to !== 0) this.#bytes.push(0);
  }

  integer(value: bigint, size: number): void {
    this.align(size);
    const bytes = Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
    this.#bytes.push(...(this.#isLittle ? bytes : bytes.reverse()));
  }

  raw(bytes: Iterable<number>): void {
    this.#bytes.push(...bytes);
  }

  whole(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

const SIZES = { y: 1, q: 2, i: 4, u: 4, t: 8 } as const;
const isSimple = (typed: Typed): typed is Extract<Typed, readonly [string, unknown]> => typeof typed[0] === 'string';

/** Lists are arrays of structs. */
function write(writer: AnswerWriter, typed: Typed, isLittle: boolean): void {
  if (!isSimple(typed)) {
    const inner = new AnswerWriter(isLittle);
    for (const struct of typed) {
      inner.align(8);
      for (const member of struct as readonly Typed[]) write(inner, member, isLittle);
    }
    writer.integer(BigInt(inner.size), 4);
    writer.align(8);
    writer.raw(inner.whole());
    return;
  }
  const [type, value] = typed;
  if (type === 's') {
    writer.integer(BigInt(Buffer.byteLength(String(value))), 4);
    writer.raw(Buffer.from(`${value}\0`));
  } else if (type === 'g') {
    writer.integer(BigInt(String(value).length), 1);
    writer.raw(Buffer.from(`${value}\0`));
  } else if (type === 'b') writer.integer(value ? 1n : 0n, 4);
  else writer.integer(BigInt(value), SIZES[type]);
}

function signatureOf(typed: Typed): string {
  if (isSimple(typed)) return typed[0];
  return `a(${((typed[0] ?? []) as readonly Typed[]).map(signatureOf).join('')})`;
}

/** The same as it is read. */
export function readAs(typed: Typed): DbusValue {
  if (isSimple(typed)) return typed[1];
  return typed.map((struct) => (struct as readonly Typed[]).map(readAs));
}

/** An answer to the call with that serial: a return of these values, or an error with that name. */
export function answerBytes(
  replySerial: number,
  values: readonly Typed[],
  { errorName, isLittle = true }: { errorName?: string; isLittle?: boolean } = {},
): Buffer {
  const body = new AnswerWriter(isLittle);
  for (const typed of values) write(body, typed, isLittle);
  const message = new AnswerWriter(isLittle);
  message.raw([isLittle ? 0x6c : 0x42, errorName === undefined ? 2 : 3, 1, 1]);
  message.integer(BigInt(body.size), 4);
  message.integer(7n, 4);
  const fields = new AnswerWriter(isLittle);
  const field = (code: number, type: 's' | 'u' | 'g', value: string | number) => {
    fields.align(8);
    fields.raw([code, 1, type.charCodeAt(0), 0]);
    write(fields, [type, value], isLittle);
  };
  field(5, 'u', replySerial);
  if (errorName !== undefined) field(4, 's', errorName);
  field(7, 's', 'org.ganesha.nfsd');
  if (values.length > 0) field(8, 'g', values.map(signatureOf).join(''));
  message.integer(BigInt(fields.size), 4);
  message.raw(fields.whole());
  message.align(8);
  message.raw(body.whole());
  return message.whole();
}
