import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentialsAfter, headersOf, NO_CREDENTIALS } from '../../server/power/switches/unifi-credentials.ts';

const jwt = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;

test('the token is that of the header that tells a new one, then of the other, then of a new cookie, then the old', () => {
  const before = { cookies: new Map(), token: 'old' };
  const updated = { 'x-updated-csrf-token': 'updated' };
  const plain = { 'x-csrf-token': 'plain' };
  const cookie = { 'set-cookie': [`TOKEN=${jwt({ csrfToken: 'inside' })}; path=/; httponly`] };
  const tokens = [
    credentialsAfter(before, { ...cookie, ...plain, ...updated }),
    credentialsAfter(before, { ...cookie, ...plain }),
    credentialsAfter(before, { ...cookie, 'x-csrf-token': '' }),
    credentialsAfter(before, {}),
  ].map(({ token }) => token);
  assert.deepEqual(tokens, ['updated', 'plain', 'inside', 'old']);
});

test('a cookie takes the place of the one of its name, an empty one goes, and others stay', () => {
  const first = credentialsAfter(NO_CREDENTIALS, { 'set-cookie': ['TOKEN=a; path=/', 'csrf=b=c;secure', ' x = y '] });
  assert.equal(headersOf(first).cookie, 'TOKEN=a; csrf=b=c; x=y');
  const next = credentialsAfter(first, { 'set-cookie': ['TOKEN=d', 'x=; Max-Age=0'] });
  assert.equal(headersOf(next).cookie, 'csrf=b=c; TOKEN=d');
  assert.deepEqual(headersOf(NO_CREDENTIALS), {});
});

test('what is no cookie or no token is none, and there is an end to them', () => {
  const odd = [jwt({ csrfToken: 5 }), jwt({ csrfToken: 'x'.repeat(257) }), jwt('text'), 'a.%%.b', 'opaque'];
  for (const value of odd) {
    assert.equal(credentialsAfter(NO_CREDENTIALS, { 'set-cookie': [`TOKEN=${value}`] }).token, undefined);
  }
  assert.equal(
    credentialsAfter(NO_CREDENTIALS, { 'set-cookie': [`other=${jwt({ csrfToken: 'x' })}`] }).token,
    undefined,
  );
  const many = Array.from({ length: 100 }, (_, i) => `c${i}=1`);
  const { cookies } = credentialsAfter(NO_CREDENTIALS, { 'set-cookie': ['', '=1', 'alone', ...many] });
  assert.deepEqual([...cookies.keys()].slice(0, 2).concat(String(cookies.size)), ['c0', 'c1', '8']);
});
