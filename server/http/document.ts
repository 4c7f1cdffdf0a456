import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { Problem } from '../schema/problem.ts';
import { type Json, type JsonObject, mapNodes, renameTwins, withoutOrphans } from './document-parts.ts';
import { withExamples } from './examples.ts';
import {
  CHANGING,
  ON_ANY_CALL,
  ON_OPEN_CALL,
  type Problems,
  together,
  WITH_BODY,
  WITH_STREAM,
  WITH_VOLUMES,
} from './problems.ts';

type Transform = typeof jsonSchemaTransform;
type TransformObject = typeof jsonSchemaTransformObject;

/** Where what a route says of itself is put, for `describeDocument` to find. */
const PROBLEMS = 'x-problems';

/**
 * What the schema library cannot express: a body that is streamed has its media type, a wildcard gets a name, and the problems
 * a call may be answered with are told with its scope.
 */
export const describeRoute: Transform = (input) => {
  const result = jsonSchemaTransform(input);
  const { config } = input.route;
  const schema: Record<string, unknown> = { ...result.schema };
  const mediaType = config?.rawBody;
  if (mediaType) Object.assign(schema, { consumes: [mediaType], body: { type: 'string', format: 'binary' } });
  if (!schema.hide) {
    const isRead = ['GET', 'HEAD'].includes(String(input.route.method));
    const parts: Problems[] = [config?.scope === undefined ? ON_OPEN_CALL : ON_ANY_CALL];
    if (config?.needsVolumes) parts.push(WITH_VOLUMES);
    if (!isRead && config?.scope !== undefined) {
      // Whoever sends one gets it read, also where none is asked for.
      parts.push(mediaType ? WITH_STREAM : WITH_BODY);
      parts.push(CHANGING);
    }
    schema[PROBLEMS] = together(...parts, config?.problems ?? {});
    if (config?.scope) schema['x-scope'] = config.scope;
    else schema.security = [];
  }
  if (!result.url.endsWith('/*') || schema.params === undefined) return { ...result, schema };
  // OpenAPI has no name for a rest of a path that may have slashes.
  const params = JSON.parse(JSON.stringify(schema.params).replaceAll('"*"', '"filename"'));
  return { url: result.url.replace(/\*$/, ':filename'), schema: { ...schema, params } };
};

/** The whole document, from what the library made: see each part. `meanings` are those of the codes of problems. */
export function describeDocument(meanings: ReadonlyMap<string, string>): TransformObject {
  return (input) => {
    const made = jsonSchemaTransformObject(input) as unknown as JsonObject;
    const parts = [tellProblems(meanings), renameTwins, withoutNoise, withoutOrphans, withExamples, shareResponses];
    return parts.reduce((document, part) => part(document), made);
  };
}

const STATUS_TEXT: { readonly [status: string]: string } = {
  200: 'Done.',
  201: 'Made.',
  202: 'Begun; the work goes on.',
  204: 'Done; there is nothing to say.',
  400: 'It can never succeed as it is.',
  401: 'No valid token came with it.',
  403: 'It is understood and refused.',
  404: 'It names something that does not exist.',
  408: 'It came in too slowly.',
  409: 'It clashes with what is there now.',
  412: 'It asks for another version.',
  413: 'It is too large.',
  414: 'Its address is too long.',
  415: 'Its media type is not one that is taken.',
  429: 'Too many for now.',
  500: 'A fault of the server or its machine.',
  503: 'A part of the server is not ready; trying again may help.',
  504: 'A part of the server did not end in time.',
  507: 'There is no room for it.',
};

/** An answer with a description of its own, where it was given none. */
function named(status: string, answer: JsonObject): JsonObject {
  if (answer.description !== 'Default Response') return answer;
  return { ...answer, description: STATUS_TEXT[status] ?? 'Done.' };
}

/** Turns the problems of each call into its responses, with the codes named and one of them shown. */
function tellProblems(meanings: ReadonlyMap<string, string>): (document: JsonObject) => JsonObject {
  const response = (status: string, codes: readonly string[]): JsonObject => {
    const lines = codes.map((code) => `- \`${code}\`: ${meanings.get(code) ?? ''}`);
    const detail = (code: string) => meanings.get(code) ?? '';
    const shown = (code: string): JsonObject => ({
      value: {
        type: `/docs/problems.md#${code}`,
        title: STATUS_TEXT[status] ?? '',
        status: Number(status),
        detail: detail(code),
        code,
        error: detail(code),
      },
    });
    const examples = Object.fromEntries(codes.slice(0, 1).map((code) => [code, shown(code)]));
    const schema = { $ref: `#/components/schemas/${Problem.meta()?.id}` };
    return {
      description: [STATUS_TEXT[status] ?? '', '', ...lines].join('\n'),
      content: { 'application/problem+json': { schema, examples } },
    };
  };
  return (document) =>
    mapNodes(document, (node) => {
      const problems = node[PROBLEMS];
      if (problems === undefined) return node;
      const { [PROBLEMS]: _, responses, ...rest } = node;
      const own = Object.fromEntries(
        Object.entries(responses as JsonObject).map(([status, answer]) => [
          status,
          named(status, answer as JsonObject),
        ]),
      );
      const told = Object.entries(problems as Record<string, string[]>).map(([status, codes]) => [
        status,
        response(status, codes),
      ]);
      return { ...rest, responses: { ...own, ...Object.fromEntries(told) } };
    });
}

/**
 * Leaves out what the library adds and no reader needs: bounds of what any JSON number can hold, patterns beside a format, and
 * that answers have no other members (they may get some: that breaks no client).
 */
function withoutNoise(document: JsonObject): JsonObject {
  return mapNodes(document, (node) => {
    const kept = Object.entries(node).filter(([key, value]) => {
      if ((key === 'minimum' || key === 'maximum') && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER) return false;
      if (key === 'pattern' && typeof node.format === 'string') return false;
      return !(key === 'additionalProperties' && value === false);
    });
    return Object.fromEntries(kept) as JsonObject;
  });
}

/** A response that many calls have is written once. */
function shareResponses(document: JsonObject): JsonObject {
  const counts = new Map<string, number>();
  const each = (node: JsonObject, change: (status: string, response: Json) => Json): JsonObject =>
    mapNodes(node, (inner) => {
      if (!inner.responses || typeof inner.operationId !== 'string') return inner;
      const entries = Object.entries(inner.responses as JsonObject);
      return { ...inner, responses: Object.fromEntries(entries.map(([s, r]) => [s, change(s, r)])) };
    });
  each(document, (status, response) => {
    const key = `${status} ${JSON.stringify(response)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return response;
  });
  const names = new Map<string, string>();
  const shared: Record<string, Json> = {};
  const out = each(document, (status, response) => {
    const key = `${status} ${JSON.stringify(response)}`;
    if (Number(status) < 400 || (counts.get(key) ?? 0) < 2) return response;
    const name = names.get(key) ?? `Problem${status}${'abcdefghijklmnopqrstuvwxyz'[countOf(shared, status)] ?? 'z'}`;
    names.set(key, name);
    shared[name] = response;
    return { $ref: `#/components/responses/${name}` };
  });
  const components = (out.components ?? {}) as JsonObject;
  return { ...out, components: { ...components, responses: shared } };
}

function countOf(shared: Record<string, Json>, status: string): number {
  return Object.keys(shared).filter((name) => name.startsWith(`Problem${status}`)).length;
}
