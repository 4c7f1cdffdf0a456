import fc, { type Arbitrary } from 'fast-check';
import type { ApiDocument, Schema } from './operations.ts';

/** Ids and names that are there now, by what a member or a parameter is called. */
export type Known = (hint: string) => readonly string[];

/** JSON that also says what JSON cannot: it is put in as it stands. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Text that has led other servers astray. */
const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  '.',
  '..',
  '../../../etc/passwd',
  '/etc/passwd',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  '-0',
  '1e309',
  '0x10',
  '00000000',
  'ffffffff',
  '00000000-0000-0000-0000-000000000000',
  "' OR 1=1 --",
  '"; DROP TABLE pis; --',
  '%',
  '%00',
  '%2e%2e%2f',
  '%n%s%s',
  '{{7*7}}',
  '$(reboot)',
  '`reboot`',
  '\u0000',
  'a\u0000b',
  '\r\nX-Evil: 1',
  '\u001b[2J',
  '\u202e\u200b\ufeff',
  '\ud800',
  'e\u0301',
  'İ',
  'ſ',
  '🥧'.repeat(20),
  'x'.repeat(129),
  'x'.repeat(300),
  'x'.repeat(5_000),
  'a,'.repeat(1_000),
  '2026-13-45T99:99:99Z',
  'https://[::1',
  'http://user:pass@127.0.0.1/#x',
  'WyIiLCIiXQ',
  'bnVsbA',
];

/** A text of any kind. */
export const hostileText: Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
  { weight: 2, arbitrary: fc.string({ maxLength: 40, unit: 'binary' }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.uuid() },
  { weight: 1, arbitrary: fc.stringMatching(/^[0-9a-f]{8}$/) },
  { weight: 1, arbitrary: fc.webUrl() },
);

const HOSTILE_NUMBERS = [
  0,
  -0,
  -1,
  1,
  0.5,
  1.5,
  255,
  65_536,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  1e21,
  1e308,
  5e-324,
];
const RAW = [
  'NaN',
  'Infinity',
  '-',
  '1e999',
  '01',
  '0x1',
  '1.',
  'undefined',
  "'a'",
  '"\\ud800"',
  '"\\x"',
  '{"a":1,"a":2}',
];

/** Lists and objects in each other, written down: so deep that no function should walk them by calling itself. */
function nested(depth: number): Raw {
  return new Raw(`${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`);
}

/** An object whose member is one of its own, whatever it is called. */
function withMember(name: string, value: unknown): object {
  return Object.fromEntries([[name, value]]);
}

/** A value that no schema asks for. */
const hostileValue: Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: hostileText },
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE_NUMBERS) },
  { weight: 1, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.constantFrom(...RAW).map((text) => new Raw(text)) },
  { weight: 2, arbitrary: fc.constantFrom(null, true, false, [], {}) },
  { weight: 1, arbitrary: fc.constantFrom(10, 1_000, 60_000).map(nested) },
  { weight: 1, arbitrary: fc.constantFrom(100, 3_000).map((length) => Array.from({ length }, () => 'x')) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', ''), fc.constantFrom(1, null, {}))
      .map(([name, value]) => withMember(name, value)),
  },
);

function numbers({ minimum, maximum, exclusiveMinimum, type }: Schema): Arbitrary<number> {
  const least = minimum ?? (exclusiveMinimum === undefined ? 0 : exclusiveMinimum + 1);
  const most = maximum ?? Math.max(least, 2 ** 31);
  const near = fc.integer({ min: least, max: Math.min(most, least + 8) });
  if (type === 'number') return near;
  return fc.oneof(
    { weight: 20, arbitrary: near },
    { weight: 1, arbitrary: fc.constantFrom(least, most) },
    { weight: 1, arbitrary: fc.maxSafeInteger().map((n) => least + (Math.abs(n) % (most - least + 1))) },
  );
}

function texts(schema: Schema, known: readonly string[]): Arbitrary<string> {
  const { minLength = 0, maxLength = 60, pattern, format, example, examples = [] } = schema;
  const given = [example, ...examples].filter((one) => typeof one === 'string');
  const choices: { weight: number; arbitrary: Arbitrary<string> }[] = [];
  // What is there is looked up when a value is made: the world goes on meanwhile.
  if (known.length > 0) choices.push({ weight: 8, arbitrary: fc.constantFrom(...known) });
  if (given.length > 0) choices.push({ weight: 2, arbitrary: fc.constantFrom(...given) });
  if (pattern !== undefined) choices.push({ weight: 3, arbitrary: fc.stringMatching(new RegExp(pattern)) });
  else if (format === 'date-time') {
    choices.push({ weight: 3, arbitrary: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()) });
  } else {
    choices.push({
      weight: 1,
      arbitrary: fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 60)) }),
    });
  }
  return fc.oneof(...choices);
}

/** Values that fit a schema. `hint` is what the value is called where it stands. */
export function fitting(
  api: ApiDocument,
  schema: Schema,
  { known, hint }: { known: Known; hint: string },
): Arbitrary<unknown> {
  const whole = api.resolve(schema);
  const inner = (part: Schema, name: string) => fitting(api, part, { known, hint: name });
  if (whole.const !== undefined) return fc.constant(whole.const);
  if (whole.enum) return fc.constantFrom(...whole.enum);
  const choices = whole.anyOf ?? whole.oneOf;
  if (choices) return fc.oneof(...choices.map((choice) => inner(choice, hint)));
  if (whole.allOf)
    return fc.tuple(...whole.allOf.map((part) => inner(part, hint))).map((parts) => Object.assign({}, ...parts));
  const type = Array.isArray(whole.type) ? whole.type[0] : whole.type;
  switch (type) {
    case 'string':
      return fc.constant(null).chain(() => texts(whole, known(hint)));
    case 'integer':
    case 'number':
      return numbers(whole);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array': {
      const { minItems = 0, maxItems = 3 } = whole;
      return fc.array(inner(whole.items ?? {}, hint), {
        minLength: minItems,
        maxLength: Math.max(minItems, Math.min(maxItems, 3)),
      });
    }
    case 'object': {
      const members = Object.entries(whole.properties ?? {});
      const record = fc.record(Object.fromEntries(members.map(([name, member]) => [name, inner(member, name)])), {
        requiredKeys: [...(whole.required ?? [])],
      });
      const rest = whole.additionalProperties;
      if (members.length > 0 || typeof rest !== 'object') return record;
      return fc.dictionary(fc.string({ maxLength: 20 }), inner(rest, hint), { maxKeys: 3 });
    }
    default:
      return fc.jsonValue();
  }
}

/** How a value is bent: at the place `at`, counted over all its parts. */
interface Bend {
  readonly at: number;
  readonly how: 'replace' | 'remove' | 'add' | 'wrap';
  readonly name: string;
  readonly value: unknown;
}

const bends: Arbitrary<Bend> = fc.record({
  at: fc.nat(12),
  how: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'add', 'wrap'),
  name: fc.constantFrom('extra', '__proto__', 'constructor', 'id', 'status', ''),
  value: hostileValue,
});

function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Raw) return 1;
  return Object.values(value).reduce<number>((sum, part) => sum + sizeOf(part), 1);
}

function bend(value: unknown, { at, how, name, value: other }: Bend): unknown {
  let left = at % sizeOf(value);
  const walk = (part: unknown): unknown => {
    if (left-- === 0) {
      const isPlain = typeof part === 'object' && part !== null && !Array.isArray(part) && !(part instanceof Raw);
      if (how === 'wrap') return [part];
      if (how === 'add' && isPlain) return Object.fromEntries([...Object.entries(part), [name, other]]);
      if (how === 'remove' && isPlain) return Object.fromEntries(Object.entries(part).slice(1));
      return other;
    }
    if (Array.isArray(part)) return part.map(walk);
    if (typeof part !== 'object' || part === null || part instanceof Raw) return part;
    return Object.fromEntries(Object.entries(part).map(([key, member]) => [key, walk(member)]));
  };
  return walk(value);
}

/** Values that nearly fit: some of their parts are of another type, missing, too many, too large or too strange. */
export function bent(arbitrary: Arbitrary<unknown>): Arbitrary<unknown> {
  return fc
    .tuple(arbitrary, fc.array(bends, { minLength: 1, maxLength: 2 }))
    .map(([value, how]) => how.reduce(bend, value));
}

/** A value as the text of a body. */
export function writeJson(value: unknown): string {
  const raws: string[] = [];
  const text = JSON.stringify(value, (_key, part) =>
    part instanceof Raw ? `\u0001raw${raws.push(part.text) - 1}` : part,
  );
  return (text ?? '').replaceAll(/"\\u0001raw(\d+)"/g, (_all, index) => raws[Number(index)] ?? '');
}
