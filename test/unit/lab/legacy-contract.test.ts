import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { CALLS } from '../../lab/go-bakery-client.ts';
import { type ApiDocument, breakingChanges } from '../../lab/legacy-breaks.ts';
import { misfits, readContract, type Schema } from '../../lab/legacy-contract.ts';

type Node = Record<string, unknown>;
const contract = readContract();
const committed = (): ApiDocument => parse(readFileSync(new URL('../../../openapi.yaml', import.meta.url), 'utf8'));
const BASE = '/api/v1';

/** What the document calls what the contract has in place. */
const NAMES: Readonly<Record<string, string>> = {
  'POST /api/v1/fridge': 'BakeRequest',
  'POST /api/v1/disks': 'CreateDisk',
  'POST /api/v1/oven/{piId}/disks': 'AttachDisk',
};

/** A document that has what the contract wants and nothing else: it changes only with the contract. */
function smallest(): ApiDocument {
  const schemas: Record<string, Schema> = {
    ...contract.shapes,
    Bakeform: contract.shapes.Source ?? {},
    BakeformMap: { type: 'object', additionalProperties: { $ref: '#/shapes/Bakeform' } },
    DiskMap: contract.calls['GET /api/v1/disks']?.answer ?? {},
  };
  const answers: Readonly<Record<string, string>> = {
    'GET /api/v1/disks': 'DiskMap',
    'GET /api/v1/bakeforms': 'BakeformMap',
    'POST /api/v1/bakeforms/{name}': 'Bakeform',
  };
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, call] of Object.entries(contract.calls)) {
    const [method = '', path = ''] = name.split(' ');
    const named = NAMES[name];
    if (named && call.request?.body) schemas[named] = call.request.body;
    const answer = answers[name] ? { $ref: `#/shapes/${answers[name]}` } : call.answer;
    const content = answer ? { 'application/json': { schema: answer } } : { 'application/octet-stream': {} };
    const request = { schema: named ? { $ref: `#/shapes/${named}` } : {} };
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = {
      parameters: Object.keys(call.parameters ?? {}).map((one) => ({ in: 'path', name: one, required: true })),
      ...(call.request ? { requestBody: { required: true, content: { [call.request.contentType]: request } } } : {}),
      responses: { [call.status]: { content }, 404: {} },
    };
  }
  const components = {
    schemas,
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } },
  };
  const document = { paths, components, security: [{ bearer: [] }, { basic: [] }] };
  return JSON.parse(JSON.stringify(document).replaceAll('#/shapes/', '#/components/schemas/'));
}

/** The node of a document at the end of these steps. */
function at(document: ApiDocument, ...steps: string[]): Node {
  return steps.reduce<unknown>((node, step) => (node as Node)[step], document) as Node;
}
const operation = (document: ApiDocument, method: string, path: string) => at(document, 'paths', BASE + path, method);
const schema = (document: ApiDocument, name: string) => at(document, 'components', 'schemas', name);
const members = (document: ApiDocument, name: string) => schema(document, name).properties as Node;
function without(from: Node, name: string): void {
  const list = from.required as string[];
  from.required = list.filter((one) => one !== name);
}

test('the committed openapi.yaml breaks nothing that the original’s clients depend on', () => {
  assert.deepEqual(breakingChanges(contract, committed()), []);
});

test('the smallest document breaks nothing', () => assert.deepEqual(breakingChanges(contract, smallest()), []));

test('the contract has every call that the Go client makes', () => {
  assert.equal(Object.keys(contract.calls).length, Object.keys(CALLS).length);
  const nameless = Object.keys(contract.calls).map((call) => call.replaceAll(/\{[^}]*\}/g, 'x'));
  const made = Object.values(CALLS).map((make) => {
    const { method, path } = (make as (...names: string[]) => { method: string; path: string })('x', 'x');
    return `${method} ${BASE}${path}`;
  });
  assert.deepEqual(made.toSorted(), nameless.toSorted());
});

const BREAKS: Readonly<Record<string, { change(document: ApiDocument): void; found: readonly string[] }>> = {
  'a path is gone': {
    change: (document) => delete at(document, 'paths')[`${BASE}/fridge`],
    found: ['GET /api/v1/fridge: is gone', 'POST /api/v1/fridge: is gone'],
  },
  'a method is gone': {
    change: (document) => delete at(document, 'paths', `${BASE}/disks`).post,
    found: ['POST /api/v1/disks: is gone'],
  },
  'another success code': {
    change(document) {
      const responses = operation(document, 'post', '/fridge').responses as Node;
      responses['201'] = responses['202'];
      delete responses['202'];
    },
    found: ['POST /api/v1/fridge: success: is 201'],
  },
  'a second success code': {
    change(document) {
      const responses = operation(document, 'post', '/disks').responses as Node;
      responses['202'] = responses['201'];
    },
    found: ['POST /api/v1/disks: success: is 201 or 202'],
  },
  'an answer without a body': {
    change: (document) => Object.assign(operation(document, 'delete', '/oven/{piId}'), { responses: { '200': {} } }),
    found: ['DELETE /api/v1/oven/{piId}: answer: is no JSON'],
  },
  'a member removed': {
    change: (document) => delete members(document, 'PiInfo').sourceBakeform,
    found: [
      'GET /api/v1/fridge: answer.*.sourceBakeform: is gone',
      'POST /api/v1/fridge: answer.sourceBakeform: is gone',
      'GET /api/v1/oven: answer.*.sourceBakeform: is gone',
      'GET /api/v1/oven/{piId}: answer.sourceBakeform: is gone',
    ],
  },
  'a member renamed': {
    change(document) {
      const { disks, ...rest } = members(document, 'DiskMap');
      schema(document, 'DiskMap').properties = { ...rest, items: disks };
    },
    found: ['GET /api/v1/disks: answer.disks: is gone'],
  },
  'a member deep in a list removed': {
    change: (document) => delete members(document, 'Disk').nfsAddress,
    found: [
      'GET /api/v1/fridge: answer.*.disks[].nfsAddress: is gone',
      'POST /api/v1/fridge: answer.disks[].nfsAddress: is gone',
      'GET /api/v1/oven: answer.*.disks[].nfsAddress: is gone',
      'GET /api/v1/oven/{piId}: answer.disks[].nfsAddress: is gone',
      'GET /api/v1/disks: answer.disks.*.nfsAddress: is gone',
      'POST /api/v1/disks: answer.nfsAddress: is gone',
      'GET /api/v1/disks/{diskId}: answer.nfsAddress: is gone',
    ],
  },
  'a member of another type': {
    change: (document) => Object.assign(members(document, 'Bakeform'), { location: { type: 'object' } }),
    found: [
      'GET /api/v1/bakeforms: answer.*.location: has the type object',
      'POST /api/v1/bakeforms/{name}: answer.location: has the type object',
    ],
  },
  'a member that may be null': {
    change: (document) =>
      Object.assign(members(document, 'Bakeform'), { name: { anyOf: [{ type: 'string' }, { type: 'null' }] } }),
    found: [
      'GET /api/v1/bakeforms: answer.*.name: has the type null',
      'POST /api/v1/bakeforms/{name}: answer.name: has the type null',
    ],
  },
  'a member that may be absent': {
    change: (document) => without(schema(document, 'Bakeform'), 'name'),
    found: [
      'GET /api/v1/bakeforms: answer.*.name: may be absent',
      'POST /api/v1/bakeforms/{name}: answer.name: may be absent',
    ],
  },
  'another status of a Pi': {
    change: (document) => Object.assign(members(document, 'PiInfo'), { status: { enum: [1, 2, 3, 4] } }),
    found: [
      'GET /api/v1/fridge: answer.*.status: has the values [1,2,3,4]',
      'POST /api/v1/fridge: answer.status: has the values [1,2,3,4]',
      'GET /api/v1/oven: answer.*.status: has the values [1,2,3,4]',
      'GET /api/v1/oven/{piId}: answer.status: has the values [1,2,3,4]',
    ],
  },
  'a list instead of a map': {
    change: (document) => Object.assign(schema(document, 'BakeformMap'), { type: 'array' }),
    found: ['GET /api/v1/bakeforms: answer: has the type array'],
  },
  'a request member newly required': {
    change(document) {
      members(document, 'CreateDisk').name = { type: 'string' };
      (schema(document, 'CreateDisk').required as string[]).push('name');
    },
    found: ['POST /api/v1/disks: request.name: is required'],
  },
  'a request member renamed': {
    change(document) {
      const request = schema(document, 'AttachDisk');
      request.properties = { disk: members(document, 'AttachDisk').diskId };
      request.required = [];
    },
    found: ['POST /api/v1/oven/{piId}/disks: request.diskId: is not taken'],
  },
  'a request member of another type': {
    change: (document) => Object.assign(members(document, 'CreateDisk'), { size: { type: 'string' } }),
    found: ['POST /api/v1/disks: request.size: wants the type string'],
  },
  'a request member with narrower bounds': {
    change(document) {
      members(document, 'CreateDisk').size = { type: 'integer', minimum: 64, maximum: 1024 };
      members(document, 'BakeRequest').bakeformName = { type: 'string', maxLength: 20, pattern: '^[a-z]+$' };
      members(document, 'AttachDisk').diskId = { enum: ['one'] };
    },
    found: [
      'POST /api/v1/fridge: request.bakeformName: maxLength is 20',
      'POST /api/v1/fridge: request.bakeformName: pattern is ^[a-z]+$',
      'POST /api/v1/oven/{piId}/disks: request.diskId: wants one of ["one"]',
      'POST /api/v1/disks: request.size: minimum is 64',
      'POST /api/v1/disks: request.size: maximum is 1024',
    ],
  },
  'a body newly required': {
    change: (document) =>
      Object.assign(operation(document, 'post', '/oven/{piId}/powercycle'), {
        requestBody: { required: true, content: {} },
      }),
    found: ['POST /api/v1/oven/{piId}/powercycle: request: a body is required'],
  },
  'another media type': {
    change(document) {
      const body = operation(document, 'post', '/bakeforms/{name}').requestBody as Node;
      body.content = { 'multipart/form-data': {} };
    },
    found: ['POST /api/v1/bakeforms/{name}: request: application/x-raw-disk-image is not taken'],
  },
  'a header newly required': {
    change: (document) =>
      void (operation(document, 'delete', '/bakeforms/{name}').parameters as unknown[]).push({
        in: 'header',
        name: 'if-match',
        required: true,
      }),
    found: ['DELETE /api/v1/bakeforms/{name}: header if-match: is required'],
  },
  'a path that takes fewer names': {
    change(document) {
      const [name] = operation(document, 'delete', '/disks/{diskId}').parameters as [Node];
      name.schema = { type: 'string', pattern: '^[0-9a-f-]{36}$' };
    },
    found: ['DELETE /api/v1/disks/{diskId}: diskId: no-such-disk is not taken'],
  },
  'a call that takes no password': {
    change: (document) => Object.assign(operation(document, 'get', '/disks'), { security: [{ bearer: [] }] }),
    found: ['GET /api/v1/disks: security: takes no name and password'],
  },
};
for (const [name, { change, found }] of Object.entries(BREAKS)) {
  test(`a breaking change is found, and nothing else: ${name}`, () => {
    const document = smallest();
    change(document);
    assert.deepEqual(breakingChanges(contract, document), found);
  });
}

test('additions break nothing: calls, members, optional request members and headers, wider bounds, other names in paths', () => {
  const document = smallest();
  at(document, 'paths')[`${BASE}/new`] = {};
  at(document, 'paths', `${BASE}/fridge`).put = { responses: { '204': {} } };
  members(document, 'PiInfo').more = { type: 'object' };
  (schema(document, 'PiInfo').required as string[]).push('more', 'disks');
  members(document, 'BakeRequest').power = { enum: ['on'] };
  members(document, 'CreateDisk').size = { anyOf: [{ type: 'string' }, { type: 'number' }] };
  const powercycle = operation(document, 'post', '/oven/{piId}/powercycle');
  powercycle.requestBody = { required: false, content: {} };
  (powercycle.responses as Node)['404'] = {};
  (powercycle.parameters as unknown[]).unshift({ in: 'query', name: 'wait', schema: { type: 'boolean' } });
  const paths = at(document, 'paths');
  paths[`${BASE}/oven/{pi}`] = JSON.parse(JSON.stringify(paths[`${BASE}/oven/{piId}`]).replaceAll('"piId"', '"pi"'));
  delete paths[`${BASE}/oven/{piId}`];
  assert.deepEqual(breakingChanges(contract, document), []);
});

test('an answer that is not as the contract says is told with the member', () => {
  const disk = { id: 'x', location: '/x', size: 1, nfsAddress: '10.0.0.1' };
  const pi = { id: '687680cd', status: 2, disks: [disk], more: null };
  const shape = { type: 'object', additionalProperties: { $ref: '#/shapes/PiInfo' } };
  assert.deepEqual(misfits(shape, { a: pi, b: { id: 'x', status: 1 } }, contract), []);
  assert.deepEqual(misfits(shape, { a: { ...pi, status: 4 } }, contract), ['answer.a.status: is 4']);
  assert.deepEqual(misfits(shape, { a: { ...pi, disks: [null] } }, contract), ['answer.a.disks[0]: is of type null']);
  assert.deepEqual(misfits(shape, { a: { status: 1 } }, contract), ['answer.a.id: is absent']);
  assert.deepEqual(misfits(shape, [pi], contract), ['answer: is of type array']);
});
