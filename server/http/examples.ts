import { isObject, type Json, type JsonObject, mapNodes } from './document-parts.ts';

const DISK = '0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b';
const OPERATION = '6ca84799-6d3f-455d-ba4c-2822047e58c2';
/** The little world that all examples are about, by the names of members: where a schema has no example of its own. */
const SAMPLES: JsonObject = {
  piId: '687680cd',
  pi: '687680cd',
  diskId: DISK,
  disk: DISK,
  operationId: OPERATION,
  operation: OPERATION,
  request: 'c2b1a3d4-0f1e-4b5a-8c7d-9e0f1a2b3c4d',
  webhookId: 'f1e2d3c4-b5a6-4798-8a9b-0c1d2e3f4a5b',
  bakeform: 'raspios',
  name: 'raspios',
  filename: 'settings.json',
  actor: 'admin',
  client: '192.0.2.10',
  address: '192.0.2.44',
  nfsAddress: '192.0.2.1',
  mac: 'b8:27:eb:76:80:cd',
  location: `/srv/bakery/nfs/${DISK}`,
  url: 'https://ci.example/bakery',
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr',
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  size: 1024,
  bytes: 2147483648,
  seq: 41,
  next: 'WyI2ODc2ODBjZCJd',
  delivered: 41,
  failures: 0,
  method: 'POST',
  path: '/api/v1/fridge',
  status: 202,
  keptForSeconds: 3600,
  secondsLeft: 82800,
};
/** An `id` is what the object it is in says it is; of a disk unless it says otherwise. */
const IDS: readonly (readonly [member: string, id: string])[] = [
  ['state', '687680cd'],
  ['steps', OPERATION],
  ['url', String(SAMPLES.webhookId)],
];

/** The sample of a member by its name, when it fits its type. */
function sampleOf(name: string, schema: Json | undefined, siblings: JsonObject): Json | undefined {
  const id = IDS.findLast(([member]) => member in siblings)?.[1] ?? DISK;
  const sample = name === 'id' ? id : SAMPLES[name];
  const type = isObject(schema) ? schema.type : undefined;
  if (type === 'string' && typeof sample === 'string') return sample;
  if ((type === 'integer' || type === 'number') && typeof sample === 'number') return sample;
  return type === 'integer' && sample === undefined ? 0 : undefined;
}

/**
 * A value that fits a schema, from the examples, defaults and constants in it; undefined where one that it needs has none.
 * Members that may be absent are shown where they have an example.
 */
export function exampleOf(schema: Json | undefined, schemas: JsonObject, depth = 0): Json | undefined {
  if (!isObject(schema) || depth > 12) return undefined;
  if (typeof schema.$ref === 'string') {
    return exampleOf(schemas[schema.$ref.replace('#/components/schemas/', '')], schemas, depth + 1);
  }
  const [first] = (schema.examples ?? []) as readonly Json[];
  const given = schema.example ?? first ?? schema.const ?? schema.default;
  if (given !== undefined) return given;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  for (const key of ['anyOf', 'oneOf', 'allOf'] as const) {
    const choices = schema[key];
    if (!Array.isArray(choices)) continue;
    const found = choices.map((choice) => exampleOf(choice, schemas, depth + 1)).find((value) => value !== undefined);
    if (found !== undefined) return found;
  }
  if (schema.type === 'array') {
    const item = exampleOf(schema.items, schemas, depth + 1);
    return item === undefined ? [] : [item];
  }
  if (schema.type === 'object') return exampleObject(schema, schemas, depth);
  if (schema.type === 'boolean') return false;
  if (schema.format === 'date-time') return '2026-11-24T12:00:00.000Z';
  return undefined;
}

function exampleObject(schema: JsonObject, schemas: JsonObject, depth: number): Json | undefined {
  const members: Record<string, Json> = {};
  const required = (schema.required ?? []) as readonly string[];
  const properties = isObject(schema.properties) ? schema.properties : {};
  for (const [name, member] of Object.entries(properties)) {
    const value = exampleOf(member, schemas, depth + 1) ?? sampleOf(name, member, properties);
    if (value !== undefined) members[name] = value;
    else if (required.includes(name)) return undefined;
  }
  const rest = schema.additionalProperties;
  if (isObject(rest) && Object.keys(members).length === 0) {
    const [key] = isObject(schema.propertyNames) ? ((schema.propertyNames.examples ?? []) as readonly Json[]) : [];
    const value = exampleOf(rest, schemas, depth + 1);
    if (value !== undefined) members[typeof key === 'string' ? key : idIn(value)] = value;
  }
  return members;
}

/** What a map is by: the id or the name of what is in it. */
function idIn(value: Json): string {
  const id = isObject(value) ? (value.id ?? value.name) : undefined;
  return typeof id === 'string' ? id : 'key';
}

/** Shows an example of every parameter, every body and every answer in JSON. */
export function withExamples(document: JsonObject): JsonObject {
  const components = document.components;
  const schemas = isObject(components) && isObject(components.schemas) ? components.schemas : {};
  return mapNodes(document, (node) => {
    if (typeof node.in === 'string' && typeof node.name === 'string' && isObject(node.schema)) {
      const example = exampleOf(node.schema, schemas) ?? sampleOf(node.name, node.schema, {});
      return example === undefined || node.example !== undefined ? node : { ...node, example };
    }
    const json = node['application/json'];
    if (!isObject(json) || json.schema === undefined || json.example !== undefined) return node;
    const example = exampleOf(json.schema, schemas);
    return example === undefined ? node : { ...node, 'application/json': { ...json, example } };
  });
}
