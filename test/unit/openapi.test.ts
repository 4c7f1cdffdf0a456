import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { describeApi } from '../../server/http/describe.ts';
import { isObject, type Json, type JsonObject, renameTwins, withoutOrphans } from '../../server/http/document-parts.ts';
import { exampleOf } from '../../server/http/examples.ts';
import { meanings, together } from '../../server/http/problems.ts';

let document: JsonObject;
before(async () => {
  document = (await describeApi('0')) as JsonObject;
});

function operations(): { called: string; operation: JsonObject }[] {
  return Object.entries(document.paths as JsonObject).flatMap(([path, methods]) =>
    Object.entries(methods as JsonObject).map(([method, operation]) => ({
      called: `${method} ${path}`,
      operation: operation as JsonObject,
    })),
  );
}
/** What `faults` finds in each operation; nothing is as it should be. */
function complaints(faults: (operation: JsonObject, called: string) => string[]): string[] {
  return operations().flatMap(({ called, operation }) =>
    faults(operation, called).map((fault) => `${called}: ${fault}`),
  );
}
function at(node: Json | undefined, ...path: string[]): Json | undefined {
  return path.reduce((inner: Json | undefined, key) => (isObject(inner) ? inner[key] : undefined), node);
}

test('every call has a name of its own, one of the tags, and a line that says what it does', () => {
  const tags = (document.tags as readonly JsonObject[]).map(({ name }) => name);
  const names = operations().map(({ operation }) => operation.operationId);
  assert.ok(names.length > 30);
  assert.deepEqual(names.toSorted(), [...new Set(names)].toSorted());
  assert.deepEqual(
    complaints(({ operationId, summary, tags: own }) => [
      ...(/^[a-z]+[A-Za-z]+$/.test(String(operationId)) ? [] : ['no operationId']),
      ...(typeof summary === 'string' && summary.length > 10 && summary.length < 90 ? [] : ['no summary']),
      ...((own as readonly Json[] | undefined)?.every((tag) => tags.includes(tag as string)) ? [] : ['no known tag']),
    ]),
    [],
  );
});

test('every call says which scope it needs, or that it needs no token', () => {
  assert.deepEqual(
    complaints((operation) =>
      operation['x-scope'] === undefined && (operation.security as readonly Json[] | undefined)?.length !== 0
        ? ['neither']
        : [],
    ),
    [],
  );
});

test('every call names the codes of its problems, each of which docs/problems.md explains', () => {
  const explained = meanings(readFileSync(new URL('../../docs/problems.md', import.meta.url), 'utf8'));
  assert.ok(explained.size > 90);
  const shared = at(document, 'components', 'responses') as JsonObject;
  assert.deepEqual(
    complaints((operation, called) => {
      const responses = Object.entries(operation.responses as JsonObject).filter(([status]) => Number(status) >= 400);
      const codes = responses.flatMap(([, response]) => {
        const ref = at(response, '$ref');
        const whole = typeof ref === 'string' ? shared[ref.split('/').at(-1) ?? ''] : response;
        return [...String(at(whole, 'description')).matchAll(/^- `([a-z0-9-]+)`/gm)].map((match) => match[1] ?? '');
      });
      const open = !called.includes('/api/v1/');
      return [
        ...(open || ['token-missing', 'internal'].every((code) => codes.includes(code))
          ? []
          : ['common codes missing']),
        ...codes.filter((code) => !explained.has(code)).map((code) => `${code} is not explained`),
      ];
    }),
    [],
  );
});

test('every body and every answer in JSON is shown by an example', () => {
  assert.deepEqual(
    complaints((operation) => {
      const bodies = [
        ['body', at(operation, 'requestBody')],
        ...Object.entries(operation.responses as JsonObject).filter(([status]) => Number(status) < 400),
      ] as [string, Json][];
      return bodies.flatMap(([what, body]) => {
        const json = at(body, 'content', 'application/json');
        return json && at(json, 'example') === undefined ? [`${what} has none`] : [];
      });
    }),
    [],
  );
});

test('nothing in the document is referred to by nothing, and nothing refers to what is not there', () => {
  const text = JSON.stringify(document);
  const referred = new Set([...text.matchAll(/"#\/components\/(\w+\/\w+)"/g)].map((match) => match[1] ?? ''));
  const there = ['schemas', 'responses'].flatMap((kind) =>
    Object.keys(at(document, 'components', kind) as JsonObject).map((name) => `${kind}/${name}`),
  );
  assert.deepEqual(there.toSorted(), [...referred].toSorted());
  assert.doesNotMatch(text, /9007199254740991|Default Response|x-problems/);
});

test('an input twin takes the name of the output that nothing uses; with both in use both stay', () => {
  const schemas = {
    A: { type: 'string' },
    AInput: { type: 'number' },
    B: { $ref: '#/components/schemas/BInput' },
    BInput: {},
  };
  const paths = { x: { $ref: '#/components/schemas/AInput' }, y: { $ref: '#/components/schemas/B' } };
  const renamed = withoutOrphans(renameTwins({ paths, components: { schemas } }));
  assert.deepEqual(renamed, {
    paths: { x: { $ref: '#/components/schemas/A' }, y: { $ref: '#/components/schemas/B' } },
    components: { schemas: { A: { type: 'number' }, B: { $ref: '#/components/schemas/BInput' }, BInput: {} } },
  });
});

test('an example is made of examples, defaults and constants; one that must guess is none', () => {
  const schemas = { Id: { type: 'string', example: 'a' } };
  const id = { $ref: '#/components/schemas/Id' };
  const object = (properties: JsonObject, required: string[]) => ({ type: 'object', properties, required });
  assert.deepEqual(exampleOf(object({ id, n: { type: 'string' } }, ['id']), schemas), { id: 'a' });
  assert.equal(exampleOf(object({ id, n: { type: 'string' } }, ['id', 'n']), schemas), undefined);
  assert.deepEqual(exampleOf({ type: 'array', items: id }, schemas), ['a']);
  assert.deepEqual(exampleOf({ type: 'object', additionalProperties: object({ id }, ['id']) }, schemas), {
    a: { id: 'a' },
  });
  assert.equal(exampleOf({ anyOf: [{ type: 'string' }, { const: 2 }] }, schemas), 2);
});

test('codes of problems are put together by status, each once and in its order', () => {
  assert.deepEqual(together({ 404: ['a'] }, { 404: ['b', 'a'], 409: ['c'] }), { 404: ['a', 'b'], 409: ['c'] });
});

test('what a code means is the first sentence of its section', () => {
  const text = '## A\n\n### one\n\nFirst\nsentence. Second.\n\n### two\n\nOnly one, of v1.2 or so.\n';
  assert.deepEqual(
    [...meanings(text)],
    [
      ['one', 'First sentence.'],
      ['two', 'Only one, of v1.2 or so.'],
    ],
  );
});
