import { readFileSync } from 'node:fs';

/** The part of JSON Schema that both the contract and the document are written in. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

/** What a legacy call sends, and what its client reads of the answer. */
export interface LegacyCall {
  /** What stands in the path: for each place values that clients send, all of which must be taken. */
  readonly parameters?: Readonly<Record<string, readonly string[]>>;
  readonly request?: { readonly contentType: string; readonly body?: Schema };
  /** The one code that counts as success. */
  readonly status: number;
  /** Absent where the answer is bytes. */
  readonly answer?: Schema;
}

/** What unmodified clients depend on, by method and path. */
export interface Contract {
  readonly shapes: Readonly<Record<string, Schema>>;
  readonly calls: Readonly<Record<string, LegacyCall>>;
}

/** The committed contract. */
export function readContract(): Contract {
  return JSON.parse(readFileSync(new URL('../fixtures/legacy-contract.json', import.meta.url), 'utf8'));
}

/** The schema that a reference means. */
export function follow(schema: Schema, root: unknown): Schema {
  if (schema.$ref === undefined) return schema;
  const steps = schema.$ref.replace(/^#\//, '').split('/');
  const target = steps.reduce<unknown>((node, step) => (node as Record<string, unknown> | undefined)?.[step], root);
  return target === undefined ? {} : follow(target as Schema, root);
}

/** True when what is `given` can be read, or sent, as what is `wanted`. */
export const isType = (wanted: Schema['type'], given: Schema['type']) =>
  String(wanted) === String(given) || (wanted === 'number' && given === 'integer');

/** Where a value of an answer is not what the contract says. */
export function misfits(schema: Schema, value: unknown, contract: Contract, at = 'answer'): string[] {
  const wanted = follow(schema, contract);
  if (wanted.enum) return wanted.enum.includes(value) ? [] : [`${at}: is ${JSON.stringify(value)}`];
  const type = Array.isArray(value)
    ? 'array'
    : Number.isInteger(value)
      ? 'integer'
      : value === null
        ? 'null'
        : typeof value;
  if (wanted.type !== undefined && !isType(wanted.type, type)) return [`${at}: is of type ${type}`];
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => misfits(wanted.items ?? {}, item, contract, `${at}[${i}]`));
  }
  if (type !== 'object') return [];
  const members = value as Record<string, unknown>;
  const missing = (wanted.required ?? [])
    .filter((name) => !(name in members))
    .map((name) => `${at}.${name}: is absent`);
  const found = Object.entries(members).flatMap(([name, member]) => {
    const inner = wanted.properties?.[name] ?? wanted.additionalProperties;
    return typeof inner === 'object' ? misfits(inner, member, contract, `${at}.${name}`) : [];
  });
  return [...missing, ...found];
}
