import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { mintWebhookSecret, signWebhook } from '../../core/webhook.ts';
import { PowerFault } from '../../server/power/driver.ts';
import { powerIn, webhookRequest } from '../../server/power/switches/webhook-request.ts';
import { WebhookSettings } from '../../server/power/switches/webhook-settings.ts';
import { fill, type Place, placeholders, pointAt } from '../../server/power/switches/webhook-template.ts';

const given = { url: 'http://192.0.2.1', path: '/relay/{port}?turn={state}' };
const unsigned = () => ({});
const isFatal = (error: unknown) => error instanceof PowerFault && error.severity === 'fatal';

/** What is wrong with these settings, beside an address and a path, as `member: words`. */
function wrongWith(other: object): string[] {
  const parsed = WebhookSettings.safeParse({ ...given, ...other });
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('a template', () => {
  test('a word is escaped for where it stands, and changes nothing around it', () => {
    const port = '3/a?b&c="d"~{state}\\';
    const cases: [Place, string, string][] = [
      ['url', '/p/{port}', '/p/3%2Fa%3Fb%26c%3D%22d%22~%7Bstate%7D%5C'],
      ['form', 'p={port}', 'p=3%2Fa%3Fb%26c%3D%22d%22~%7Bstate%7D%5C'],
      ['json', '{"p": "{port}"}', '{"p": "3/a?b&c=\\"d\\"~{state}\\\\"}'],
      ['pointer', '/p/{port}', '/p/3~1a?b&c="d"~0{state}\\'],
      ['text', '<{port}>', `<${port}>`],
      ['header', '<{port}>', `<${port}>`],
    ];
    for (const [place, template, filled] of cases) assert.equal(fill(template, { port, state: 'on' }, place), filled);
  });

  test('outside of the quotes of JSON only a number, true, false or null stands', () => {
    const template = '{"a\\"": "{port}", "id": {port}, "on": {state}}';
    assert.equal(fill(template, { port: '3', state: 'true' }, 'json'), '{"a\\"": "3", "id": 3, "on": true}');
    for (const port of ['3, "all": true', '"3"', '03', '', '{}', '1 ']) {
      assert.throws(() => fill(template, { port, state: 'true' }, 'json'), isFatal, port);
    }
  });

  test('whatever a port is called, JSON stays the same but for it, and an address has as many parts', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((text) => !/^\.\.?$/.test(text));
    fc.assert(
      fc.property(name, (port) => {
        const { path = '', body } = webhookRequest(
          WebhookSettings.parse({ ...given, path: '/a/{port}/b?c={port}&d={state}', body: '{"p": "{port}", "q": 1}' }),
          { port, wish: 'on' },
          unsigned,
        );
        assert.deepEqual(JSON.parse(body ?? ''), { p: port, q: 1 });
        const { pathname, searchParams, hash } = new URL(path, 'http://a');
        assert.deepEqual(pathname.split('/').map(decodeURIComponent), ['', 'a', port, 'b']);
        assert.deepEqual(
          [...searchParams],
          [
            ['c', port],
            ['d', 'on'],
          ],
        );
        assert.equal(hash, '');
      }),
      { examples: [['%'], ['a/../b'], ['%2e'], ['"'], ['\u2028']] },
    );
  });

  test('a word that leaves its folder, breaks a header or is no text is refused, and not shown', () => {
    const refused: [Place, string][] = [
      ['url', '.'],
      ['url', '..'],
      ['url', '\ud800'],
      ['form', '\udc00'],
      ['header', 'a\r\nx-admin: 1'],
      ['header', 'ä'],
    ];
    for (const [place, secret] of refused) {
      assert.throws(
        () => fill('/{secret}', { secret }, place),
        (error) =>
          isFatal(error) &&
          error instanceof Error &&
          /\{secret\}/.test(error.message) &&
          !error.message.includes(`${secret} `),
      );
    }
  });

  test('words that it does not know stay, also those that all objects have', () => {
    assert.equal(fill('{constructor}{port}{on}', { port: '1' }, 'text'), '{constructor}1{on}');
    assert.deepEqual(placeholders('{port}{state}{port}{"a": {}}'), ['port', 'state']);
  });

  test('a JSON Pointer finds members and items, and nothing of what all objects have', () => {
    const answer = { 'a/b': [{ '~': 'x' }], '': 0 };
    assert.equal(pointAt(answer, '/a~1b/0/~0'), 'x');
    assert.equal(pointAt(answer, '/'), 0);
    assert.equal(pointAt(answer, ''), answer);
    for (const pointer of ['/a~1b/1', '/constructor', '/a~1b/length', '//x'])
      assert.equal(pointAt(answer, pointer), undefined);
  });
});

describe('settings of a webhook', () => {
  test('with defaults it is a POST with on and off', () => {
    const { method, onWord, offWord, queryPath } = WebhookSettings.parse(given);
    assert.deepEqual([method, onWord, offWord, queryPath], ['POST', 'on', 'off', undefined]);
  });

  test('what cannot be meant is refused, where it is', () => {
    const wrong: [object, RegExp][] = [
      [{ url: 'http://192.0.2.1/?a=b' }, /^url: has no credentials, query or fragment/],
      [{ url: 'http://admin:x@192.0.2.1' }, /^url: has no credentials/],
      [{ url: 'ftp://192.0.2.1' }, /^url: /],
      [{ path: '@evil.example/{state}' }, /^path: begins with \//],
      [{ path: '/a b/{state}' }, /^path: begins with \/ and is encoded/],
      [{ path: '/{state}#x' }, /^path: has no fragment/],
      [{ path: '/{status}' }, /^path: knows only \{port\}/],
      [{ path: '/relay/{port}' }, /^path: there is a \{state\}/],
      [{ queryPath: '/{state}' }, /^queryPath: knows only/],
      [{ body: '{"on": {state}' }, /^body: is JSON/],
      [{ headers: 'Host: evil.example' }, /^headers: is lines of Name: value, none that requests have/],
      [{ headers: 'Webhook-Signature: v1,' }, /^headers: /],
      [{ headers: 'X-A: 1\nno header' }, /^headers: /],
      [{ offWord: 'on' }, /^offWord: is another word/],
      [{ queryOn: '1', queryOff: '1' }, /^queryOff: is another word/],
      [{ queryPointer: 'state' }, /^queryPointer: is a JSON Pointer/],
      [{ ports: '1,,2' }, /^ports: is names by commas/],
      [{ token: 'a\r\nb' }, /^token: has only visible ASCII/],
      [{ token: 'a', password: 'b' }, /^token: is sent in the header that the password/],
      [{ path: '/{password}/{state}' }, /^password: is used by a template/],
      [{ signingSecret: 'whsec_short' }, /^signingSecret: is whsec_/],
      [{ url: 'https://a.example', caPem: 'none' }, /^caPem: /],
      [{ caPem: '-----BEGIN CERTIFICATE-----' }, /^caPem: is for https/],
    ];
    for (const [other, words] of wrong) {
      const found = wrongWith(other);
      assert.ok(
        found.some((line) => words.test(line)),
        `${JSON.stringify(other)}: ${found.join('; ')}`,
      );
    }
  });

  test('a token beside a password is no mistake when they go to different places', () => {
    assert.deepEqual(wrongWith({ token: 'a', password: 'b', tokenHeader: 'X-Api-Key' }), []);
    assert.deepEqual(wrongWith({ token: 'a', password: 'b', path: '/{state}?password={password}' }), []);
    assert.deepEqual(wrongWith({ body: '{"id": {port}, "on": {state}, "name": "{port}"}' }), []);
    assert.deepEqual(wrongWith({ body: 'on={state}', contentType: 'text/plain' }), []);
  });
});

describe('a request of a webhook', () => {
  const request = (other: object, wish: 'on' | 'query' = 'on') =>
    webhookRequest(WebhookSettings.parse({ ...given, ...other }), { port: '1', wish }, unsigned);

  test('has its headers, with words in them, beside its credentials', () => {
    const headers = 'X-Port: {port}={state}\nAccept: application/json';
    assert.deepEqual(request({ headers, password: 'ä', user: 'me' }).headers, {
      'x-port': '1=on',
      accept: 'application/json',
      authorization: `Basic ${Buffer.from('me:ä').toString('base64')}`,
    });
    assert.deepEqual(request({ token: 'key', tokenHeader: 'X-Api-Key' }).headers, { 'x-api-key': 'key' });
    assert.deepEqual(request({ token: 'key', body: 'k={token}&s={state}', contentType: 'text/plain' }).headers, {
      'content-type': 'text/plain',
    });
  });

  test('is told by its template, which may name a secret and never has it', () => {
    const { called, path } = request({ path: '/cm?password={password}&turn={state}', password: 'secret' });
    assert.equal(path, '/cm?password=secret&turn=on');
    assert.equal(called, 'port 1: POST /cm?password={password}&turn={state}');
  });

  test('is signed as the messages of webhooks are: HMAC-SHA256 of id, time in seconds and body', () => {
    const secret = mintWebhookSecret();
    const settings = WebhookSettings.parse({ ...given, body: '{"on": "{state}"}', signingSecret: secret });
    const sign = (body: string) => signWebhook(secret, { id: 'a', body }, 1_700_000_000_999);
    const { headers = {}, body } = webhookRequest(settings, { port: '1', wish: 'off' }, sign);
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    const proof = createHmac('sha256', key).update(`a.1700000000.${body}`).digest('base64');
    assert.equal(headers['webhook-signature'], `v1,${proof}`);
    assert.equal(headers['webhook-timestamp'], '1700000000');
  });
});

test('a state is one of the two words, exactly; anything else is unknown', () => {
  const pointed = WebhookSettings.parse({
    ...given,
    queryPath: '/',
    queryPointer: '/on',
    queryOn: 'true',
    queryOff: 'false',
  });
  const cases: [string, string][] = [
    ['{"on": true}', 'on'],
    ['{"on": "false"}', 'off'],
    ['{"on": null}', 'unknown'],
    ['{"on": {"on": true}}', 'unknown'],
    ['{"on": 0}', 'unknown'],
    ['{}', 'unknown'],
    ['null', 'unknown'],
  ];
  for (const [answer, power] of cases) assert.equal(powerIn(pointed, '1', answer), power, answer);
  assert.throws(() => powerIn(pointed, '1', '<html>'), /port 1: the answer to the query is no JSON/);
  const plain = WebhookSettings.parse({ ...given, queryPath: '/' });
  assert.deepEqual(
    ['on\n', 'off', 'ON', 'on off', ''].map((answer) => powerIn(plain, '1', answer)),
    ['on', 'off', 'unknown', 'unknown', 'unknown'],
  );
});
