import { type Contract, follow, isType, type LegacyCall, type Schema } from './legacy-contract.ts';

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}
interface Body {
  readonly required?: boolean;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body>>;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
}
/** An OpenAPI document, as far as this looks. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes: Readonly<Record<string, { readonly type: string; readonly scheme?: string }>>;
  };
  readonly security?: readonly Readonly<Record<string, unknown>>[];
}

/** The one choice among several, or several. */
const choices = (schema: Schema) => schema.anyOf ?? schema.oneOf ?? [schema];

/** All values that a schema names one by one; undefined when it does not. */
function valuesOf(schema: Schema, root: unknown): unknown[] | undefined {
  const found: unknown[] = [];
  for (const choice of choices(schema).map((one) => follow(one, root))) {
    const values = 'const' in choice ? [choice.const] : choice.enum;
    if (!values) return undefined;
    found.push(...values);
  }
  return found.toSorted();
}

interface Compared {
  readonly contract: Contract;
  readonly document: ApiDocument;
}

/** Where `told`, which the server promises now, is less than `read`, what clients read. */
function answerBreaks(read: Schema, told: Schema, at: string, compared: Compared): string[] {
  const wanted = follow(read, compared.contract);
  const given = follow(told, compared.document);
  if (wanted.enum) {
    const values = valuesOf(given, compared.document);
    const same = JSON.stringify(values) === JSON.stringify(wanted.enum);
    return same ? [] : [`${at}: has the values ${JSON.stringify(values) ?? 'of any kind'}`];
  }
  const alternatives = given.anyOf ?? given.oneOf;
  if (alternatives) return alternatives.flatMap((one) => answerBreaks(wanted, one, at, compared));
  if (wanted.type !== undefined && !isType(wanted.type, given.type)) return [`${at}: has the type ${given.type}`];
  const breaks = Object.entries(wanted.properties ?? {}).flatMap(([name, member]) => {
    const now = given.properties?.[name];
    if (!now) return [`${at}.${name}: is gone`];
    const absent = wanted.required?.includes(name) && !given.required?.includes(name);
    return [
      ...(absent ? [`${at}.${name}: may be absent`] : []),
      ...answerBreaks(member, now, `${at}.${name}`, compared),
    ];
  });
  for (const [of, part] of [
    ['items', `${at}[]`],
    ['additionalProperties', `${at}.*`],
  ] as const) {
    const [inner, now] = [wanted[of], given[of]];
    if (typeof inner !== 'object') continue;
    breaks.push(...(typeof now === 'object' ? answerBreaks(inner, now, part, compared) : [`${part}: is gone`]));
  }
  return breaks;
}

/** Bounds that the server sets and the contract does not know. */
function narrower(sent: Schema, taken: Schema): string[] {
  const bounds: [string, boolean][] = [
    ['minimum', (taken.minimum ?? -Infinity) > (sent.minimum ?? -Infinity)],
    ['maximum', (taken.maximum ?? Infinity) < (sent.maximum ?? Infinity)],
    ['minLength', (taken.minLength ?? 0) > (sent.minLength ?? 0)],
    ['maxLength', (taken.maxLength ?? Infinity) < (sent.maxLength ?? Infinity)],
    ['pattern', taken.pattern !== undefined && taken.pattern !== sent.pattern],
  ];
  return bounds.filter(([, isNarrower]) => isNarrower).map(([name]) => name);
}

/** Where `taken`, which the server accepts now, is less than `sent`, what clients send. */
function requestBreaks(sent: Schema, taken: Schema, at: string, compared: Compared): string[] {
  const given = follow(sent, compared.contract);
  const all = choices(follow(taken, compared.document)).map((one) => follow(one, compared.document));
  // One that takes it all is enough; where there is a choice the first tells what is wrong.
  const found = all.map((wanted) => oneRequestBreaks(given, wanted, at, compared));
  return found.find((breaks) => breaks.length === 0) ?? found[0] ?? [];
}

function oneRequestBreaks(given: Schema, wanted: Schema, at: string, compared: Compared): string[] {
  if (given.type !== undefined && wanted.type !== undefined && !isType(wanted.type, given.type)) {
    return [`${at}: wants the type ${wanted.type}`];
  }
  if (valuesOf(wanted, compared.document))
    return [`${at}: wants one of ${JSON.stringify(valuesOf(wanted, compared.document))}`];
  const breaks = narrower(given, wanted).map((bound) => `${at}: ${bound} is ${wanted[bound as keyof Schema]}`);
  for (const [name, member] of Object.entries(given.properties ?? {})) {
    const now = wanted.properties?.[name];
    breaks.push(...(now ? requestBreaks(member, now, `${at}.${name}`, compared) : [`${at}.${name}: is not taken`]));
  }
  const more = (wanted.required ?? []).filter((name) => !given.required?.includes(name));
  return [...breaks, ...more.map((name) => `${at}.${name}: is required`)];
}

/** True when a call may come with a name and password. */
function takesBasic(operation: Operation, { components, security }: ApiDocument): boolean {
  const ways = operation.security ?? security ?? [];
  return (
    ways.length === 0 ||
    ways.some((way) => {
      const names = Object.keys(way);
      return names.every((name) => {
        const scheme = components.securitySchemes[name];
        return scheme?.type === 'http' && scheme.scheme === 'basic';
      });
    })
  );
}

/** True when a parameter may have this value. */
function takesText(schema: Schema, value: string): boolean {
  const { type = 'string', pattern = '', minLength = 0, maxLength = Infinity, enum: values = [value] } = schema;
  const fits = value.length >= minLength && value.length <= maxLength && new RegExp(pattern, 'u').test(value);
  return isType(type, 'string') && fits && values.includes(value);
}

const nameless = (path: string) => path.replaceAll(/\{[^}]*\}/g, '{}');

function callBreaks(
  call: LegacyCall,
  { operation, path }: { operation: Operation; path: string },
  compared: Compared,
): string[] {
  const breaks: string[] = [];
  // Names are the document's; clients know places only.
  const places = [...path.matchAll(/\{([^}]*)\}/g)].map(([, name = '']) => name);
  for (const [place, values] of Object.values(call.parameters ?? {}).entries()) {
    const name = places[place] ?? '';
    const schema = operation.parameters?.find((one) => one.in === 'path' && one.name === name)?.schema ?? {};
    const refused = values.filter((value) => !takesText(follow(schema, compared.document), value));
    breaks.push(...refused.map((value) => `${name}: ${value} is not taken`));
  }
  for (const one of operation.parameters ?? []) {
    if (one.in !== 'path' && one.required) breaks.push(`${one.in} ${one.name}: is required`);
  }
  const { request } = call;
  const body = operation.requestBody;
  if (!request) breaks.push(...(body?.required ? ['request: a body is required'] : []));
  else {
    const taken = body?.content?.[request.contentType];
    if (!taken) breaks.push(`request: ${request.contentType} is not taken`);
    else if (request.body) breaks.push(...requestBreaks(request.body, taken.schema ?? {}, 'request', compared));
  }
  const successes = Object.keys(operation.responses).filter((code) => code.startsWith('2'));
  if (successes.join() !== String(call.status)) breaks.push(`success: is ${successes.join(' or ')}`);
  else if (call.answer) {
    const told = operation.responses[call.status]?.content?.['application/json']?.schema;
    breaks.push(...(told ? answerBreaks(call.answer, told, 'answer', compared) : ['answer: is no JSON']));
  }
  if (!takesBasic(operation, compared.document)) breaks.push('security: takes no name and password');
  return breaks;
}

/** What in the document would break a client that depends on the contract; additions do not. Each begins with its call. */
export function breakingChanges(contract: Contract, document: ApiDocument): string[] {
  return Object.entries(contract.calls).flatMap(([name, call]) => {
    const [method = '', wanted = ''] = name.split(' ');
    const path = Object.keys(document.paths).find((one) => nameless(one) === nameless(wanted)) ?? '';
    const operation = document.paths[path]?.[method.toLowerCase()];
    if (!operation) return [`${name}: is gone`];
    return callBreaks(call, { operation, path }, { contract, document }).map((one) => `${name}: ${one}`);
  });
}
