import fc, { type Arbitrary } from 'fast-check';
import type { ApiDocument, Operation, Parameter } from './operations.ts';
import { bent, fitting, hostileText, type Known, writeJson } from './values.ts';

/** A request that was made up. */
export interface Request {
  readonly method: string;
  /** As it goes over the wire. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer | undefined;
  readonly framing: 'length' | 'chunked' | 'cut-off';
  /** Whose token comes with it. */
  readonly who: 'admin' | 'stranger';
  /** True when the method or the path may miss the operation it was made for. */
  readonly isAstray: boolean;
  /** True when it is no HTTP: it may be answered with the end of the connection. */
  readonly isBroken: boolean;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'BREW', 'get'];
const ESCAPES = [
  '%',
  '%zz',
  '%00',
  '%c0%ae%c0%ae',
  '%2e%2e',
  '%2f',
  '%5c',
  '%252e',
  '..',
  '.',
  '//',
  ';a=b',
  '%ff',
  '%ud800',
];
const CONTENT_TYPES = [
  '',
  'text/plain',
  'application/json; charset=utf-16',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/octet-stream',
  'application/json/x',
  '*/*',
  ';',
  'x'.repeat(2_000),
];
const HEADERS: readonly (readonly [string, string])[] = [
  ['Accept', 'application/json'],
  ['Accept', 'x'.repeat(3_000)],
  ['Accept-Encoding', 'br;q=nan, gzip'],
  ['Content-Encoding', 'gzip'],
  ['Expect', '100-continue'],
  ['Range', 'bytes=5-1'],
  ['If-None-Match', '*'],
  ['X-Forwarded-For', '127.0.0.1'],
  ['X-Request-Id', '../../etc'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['Cookie', 'a=b; '.repeat(300)],
  ['Origin', 'null'],
  ['Last-Event-ID', 'NaN'],
  ['Idempotency-Key', 'once'],
  ['__proto__', 'x'],
];
/** What makes it no HTTP, or another protocol. */
const BREAKING: readonly (readonly [string, string])[] = [
  ['Transfer-Encoding', 'identity, chunked'],
  ['Upgrade', 'websocket'],
  ['X-Long', 'y'.repeat(20_000)],
  ['Bad Name', 'x'],
  ['X-Control', 'a\u0001b'],
];
const WRONG_TOKENS = [
  '',
  'Bearer',
  'Bearer wrong',
  'Basic !!!',
  `Basic ${Buffer.from('a:b:c').toString('base64')}`,
  `Bearer ${'x'.repeat(6_000)}`,
  'Digest x',
  'Bearer \u00ff\u00fe',
];

/** A header may say only so much: what it cannot is another case (`isBroken`). */
const headerText = (text: string) => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?').trim();

/** In a well-formed way, whatever it is: a lone half of a pair has no UTF-8. */
const encode = (text: string) => encodeURIComponent(text.toWellFormed());

interface Parts {
  readonly path: { readonly text: string; readonly isRaw: boolean }[];
  readonly query: readonly (readonly [string, string])[];
  readonly headers: readonly (readonly [string, string])[];
}

/** What a parameter is called in the world: `name` is the name of what the path has before it. */
function hintOf({ path }: Operation, { name }: Parameter): string {
  const before = path.split('/').find((_part, i, all) => all[i + 1] === `{${name}}`) ?? '';
  return name === 'name' || name === 'id' ? before.replace(/s$/, '') : name;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The cases of an operation. `fit` in a hundred of them are wholly as the document wants them. */
export function requestsFor(
  api: ApiDocument,
  operation: Operation,
  { known, fit }: { known: Known; fit: number },
): Arbitrary<Request> {
  const of = (place: Parameter['in']) => operation.parameters.filter((parameter) => parameter.in === place);
  const fittingText = (parameter: Parameter) =>
    fitting(api, parameter.schema, { known, hint: hintOf(operation, parameter) }).map(textOf);
  const segments = operation.path.split(/(\{[^}]+\})/);

  function parts(isFitting: boolean): Arbitrary<Parts> {
    const path = segments.map((segment): Arbitrary<Parts['path'][number]> => {
      const parameter = of('path').find(({ name }) => segment === `{${name}}`);
      if (!parameter) return fc.constant({ text: segment, isRaw: false });
      const plain = fittingText(parameter).map((text) => ({
        text: encode(text),
        isRaw: text === '' || text.length > 200,
      }));
      if (isFitting) return plain;
      const hostile = hostileText.map((text) => ({
        text: encode(text),
        isRaw: text === '' || /^\.+$/.test(text) || text.length > 200,
      }));
      const raw = fc
        .tuple(plain, fc.constantFrom(...ESCAPES))
        .map(([{ text }, tail]) => ({ text: text + tail, isRaw: true }));
      return fc.oneof(
        { weight: 8, arbitrary: plain },
        { weight: 3, arbitrary: hostile },
        { weight: 1, arbitrary: raw },
      );
    });
    const optional = (parameter: Parameter): Arbitrary<[string, string][]> => {
      const value = isFitting
        ? fittingText(parameter)
        : fc.oneof({ weight: 2, arbitrary: fittingText(parameter) }, { weight: 1, arbitrary: hostileText });
      const one = value.map((text): [string, string][] => [[parameter.name, text]]);
      if (parameter.required && isFitting) return one;
      const none = fc.constant<[string, string][]>([]);
      const twice = fc.tuple(one, one).map(([a, b]) => [...a, ...b]);
      const choices = [
        { weight: 3, arbitrary: none },
        { weight: 3, arbitrary: one },
      ];
      return fc.oneof(...choices, ...(isFitting || parameter.in === 'header' ? [] : [{ weight: 1, arbitrary: twice }]));
    };
    const extra: Arbitrary<[string, string][]> = isFitting
      ? fc.constant([])
      : fc.array(fc.tuple(fc.constantFrom('x', '__proto__', 'limit[]', 'constructor', ''), hostileText), {
          maxLength: 1,
        });
    return fc.record({
      path: fc.tuple(...path),
      query: fc.tuple(...of('query').map(optional), extra).map((lists) => lists.flat()),
      headers: fc.tuple(...of('header').map(optional)).map((lists) => lists.flat()),
    });
  }

  const json = operation.body && fitting(api, operation.body.schema, { known, hint: '' });
  const isStreamed = operation.body !== undefined && operation.body.mediaType !== 'application/json';
  const bytes = (text: string) => Buffer.from(text.toWellFormed(), 'utf8');
  const garbage: Arbitrary<Buffer | undefined> = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
    fc
      .constantFrom(
        '',
        ' ',
        'null',
        '{',
        '[]',
        '"',
        '\ufeff{}',
        '['.repeat(60_000),
        `"${'x'.repeat(70_000)}"`,
        '{"a":'.repeat(900),
      )
      .map(bytes),
    fc.constant(undefined),
  );
  const large = fc.constant(Buffer.alloc(1_200_000, 'x'));
  const fittingBody: Arbitrary<Buffer | undefined> = isStreamed
    ? fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array))
    : (json?.map((value) => bytes(writeJson(value))) ?? fc.constant(undefined));
  const nearBody: Arbitrary<Buffer | undefined> =
    json && !isStreamed
      ? fc.oneof(
          { weight: operation.isHeavy ? 1 : 4, arbitrary: fittingBody },
          { weight: 8, arbitrary: bent(json).map((value) => bytes(writeJson(value))) },
          { weight: 2, arbitrary: garbage },
          { weight: 1, arbitrary: fc.nat(60).chain((n) => (n === 0 ? large : garbage)) },
        )
      : fc.oneof({ weight: 4, arbitrary: fittingBody }, { weight: 1, arbitrary: garbage });

  const usual = operation.body?.mediaType;
  const isFit = fc.nat(99).map((n) => n < fit);
  return isFit.chain((fits) => {
    const rarely = <T>(value: T, other: Arbitrary<T>, share: number) =>
      fits
        ? fc.constant(value)
        : fc.oneof({ weight: share, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: other });
    return fc
      .record({
        parts: parts(fits),
        body: fits ? fittingBody : nearBody,
        method: rarely(operation.method, fc.constantFrom(...METHODS), 25),
        type: rarely(usual, fc.constantFrom(undefined, ...CONTENT_TYPES), 6),
        more: fc.array(fc.constantFrom(...HEADERS, ...HEADERS, ...BREAKING), { maxLength: fits ? 0 : 1 }),
        framing: rarely<Request['framing']>('length', fc.constantFrom('chunked', 'chunked', 'chunked', 'cut-off'), 6),
        token: rarely<string | undefined>(undefined, fc.constantFrom(...WRONG_TOKENS), 40),
        version: rarely('', fc.constantFrom('\u0000', ' x', '\u00e9', '?a=\u0001', '#f'), 60),
      })
      .map(({ parts: made, body, method, type, more, framing, token, version }): Request => {
        const query = made.query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
        const target = `${made.path.map(({ text }) => text).join('')}${query === '' ? '' : `?${query}`}${version}`;
        const headers: [string, string][] = made.headers.map(([name, value]) => [name, headerText(value)]);
        const isBreaking = more.some((header) => BREAKING.includes(header));
        return {
          method,
          target,
          headers: [
            ...headers,
            ...more.map(([name, value]): [string, string] => [name, value]),
            ...(body !== undefined && type !== undefined ? [['Content-Type', type] as [string, string]] : []),
            ...(token === undefined ? [] : [['Authorization', token] as [string, string]]),
          ],
          body,
          framing: body === undefined || body.length < 2 ? 'length' : framing,
          who: token === undefined ? 'admin' : 'stranger',
          isAstray: method !== operation.method || version !== '' || made.path.some(({ isRaw }) => isRaw),
          isBroken:
            version !== '' ||
            isBreaking ||
            ['TRACE', 'BREW', 'get', 'PROPFIND'].includes(method) ||
            target.length > 14_000,
        };
      });
  });
}

/** A request as it goes over the wire. */
export function toBytes(request: Request, token: string): Buffer {
  const { method, target, headers, body, framing } = request;
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: bakery',
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  if (request.who === 'admin') lines.push(`Authorization: Bearer ${token}`);
  if (body !== undefined) {
    if (framing === 'chunked') lines.push('Transfer-Encoding: chunked');
    else lines.push(`Content-Length: ${body.length}`);
  } else if (method !== 'GET' && method !== 'HEAD') lines.push('Content-Length: 0');
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (body === undefined) return head;
  if (framing === 'cut-off') return Buffer.concat([head, body.subarray(0, body.length >> 1)]);
  if (framing === 'length') return Buffer.concat([head, body]);
  const middle = body.length >> 1;
  const chunks = [body.subarray(0, middle), body.subarray(middle)].filter((chunk) => chunk.length > 0);
  const framed = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([head, ...framed, Buffer.from('0\r\n\r\n')]);
}
