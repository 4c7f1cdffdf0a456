import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BakeryError } from '../../core/errors.ts';
import { mayCall, SCOPES } from '../../core/scope.ts';
import { hashToken, isTokenName, mintToken, mintTokenId } from '../../core/token.ts';
import { listFeed } from '../../db/events.ts';
import { type Db, openDatabase } from '../../db/open.ts';
import { addToken, findToken, findTokenByHash, listTokens, pruneTokens, revokeToken } from '../../db/tokens.ts';
import { type AuthPolicy, createDoor } from '../../server/http/auth.ts';
import { createFailureLimit } from '../../server/http/failures.ts';
import { refuseForeignNames, refuseForeignPages } from '../../server/http/origin.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const NOW = Date.UTC(2026, 10, 24);
const DAY = 86_400_000;

test('a scope may do what the ones before it may, and nothing more', () => {
  const allowed = SCOPES.map((scope) => SCOPES.filter((needed) => mayCall(scope, needed)));
  assert.deepEqual(allowed, [
    ['viewer'],
    ['viewer', 'cpi'],
    ['viewer', 'cpi', 'operator'],
    ['viewer', 'cpi', 'operator', 'admin'],
  ]);
});

test('tokens have 256 bits, no two are the same, and their hash is SHA-256', () => {
  const made = Array.from({ length: 100 }, mintToken);
  assert.equal(new Set(made).size, 100);
  for (const token of made) assert.match(token, /^bakery_[A-Za-z0-9_-]{43}$/);
  assert.equal(hashToken('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test('a token has none of the names that the audit gives to others', () => {
  for (const name of ['cpi', 'bosh-director', 'a@b.example', 'x'.repeat(64)]) assert.ok(isTokenName(name), name);
  for (const name of ['', 'admin', 'Admin', 'relay', 'nobody', 'anybody', '-x', 'a b', 'a\n', 'x'.repeat(65)])
    assert.ok(!isTokenName(name), name);
});

test('failures are counted by address: 20 at once, then one each 3 s; other addresses are not concerned', () => {
  const clock = { ms: 0, monotonic: () => clock.ms };
  const limit = createFailureLimit(clock);
  const failUntilBlocked = (address: string) => {
    let failures = 0;
    for (; limit.blockedMs(address) === 0; failures++) limit.fail(address);
    return failures;
  };
  assert.equal(failUntilBlocked('10.0.0.1'), 20);
  assert.equal(limit.blockedMs('10.0.0.1'), 3_000);
  assert.equal(limit.blockedMs('10.0.0.2'), 0);
  clock.ms += 2_999;
  assert.equal(limit.blockedMs('10.0.0.1'), 1);
  clock.ms += 1;
  assert.equal(failUntilBlocked('10.0.0.1'), 1);
  clock.ms += 600_000;
  assert.equal(failUntilBlocked('10.0.0.1'), 20, 'all is forgotten');
});

test('10,000 addresses are remembered, those that failed last', () => {
  const limit = createFailureLimit({ monotonic: () => 0 });
  for (let i = 0; i < 20; i++) limit.fail('first');
  for (let i = 0; i < 20; i++) limit.fail('second');
  for (let i = 0; i < 9_999; i++) limit.fail(`other ${i}`);
  assert.equal(limit.size(), 10_000);
  assert.deepEqual([limit.blockedMs('first') > 0, limit.blockedMs('second') > 0], [false, true]);
});

const refused = (act: () => void) => {
  try {
    act();
    return 'taken';
  } catch (error) {
    return error instanceof BakeryError ? error.code : String(error);
  }
};

test('a web page of another site changes nothing, unless it is named', () => {
  const ask = (method: string, origin: string | undefined, host: string | undefined, allowed: string[] = []) =>
    refused(() => refuseForeignPages({ method, origin, host }, allowed));
  assert.equal(ask('POST', undefined, 'bakery:8080'), 'taken', 'a program');
  assert.equal(ask('POST', 'http://bakery:8080', 'bakery:8080'), 'taken', 'its own page');
  assert.equal(ask('POST', 'https://bakery.example', 'bakery.example'), 'taken', 'behind a proxy');
  assert.equal(ask('POST', 'https://bakery.example', 'bakery.example:443'), 'taken');
  assert.equal(ask('GET', 'https://evil.example', 'bakery:8080'), 'taken', 'reads change nothing');
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
    assert.equal(ask(method, 'https://evil.example', 'bakery:8080'), 'origin-refused');
  assert.equal(ask('POST', 'null', 'bakery:8080'), 'origin-refused');
  assert.equal(ask('POST', 'http://bakery:8081', 'bakery:8080'), 'origin-refused', 'another port');
  assert.equal(ask('POST', 'http://bakery:8080', undefined), 'origin-refused');
  assert.equal(ask('POST', 'https://panel.example', 'bakery:8080', ['https://panel.example']), 'taken');
});

test('without tokens a name of somebody else is refused; an address cannot be made to point elsewhere', () => {
  const ask = (host: string | undefined) => refused(() => refuseForeignNames(host, ['bakery.example']));
  for (const host of ['10.0.0.1', '10.0.0.1:8080', '[::1]:8080', 'localhost:8080', 'BAKERY.example:8080'])
    assert.equal(ask(host), 'taken', host);
  for (const host of ['evil.example', 'evil.example:8080', undefined, '', '10.0.0.1.evil.example', 'a b'])
    assert.equal(ask(host), 'host-refused', host);
});

describe('tokens', () => {
  let db: Db;
  let clock: { ms: number; now(): number; monotonic(): number; sleep(): Promise<void> };
  beforeEach(async () => {
    db = await openDatabase(':memory:');
    clock = { ms: 0, now: () => NOW + clock.ms, monotonic: () => clock.ms, sleep: async () => {} };
  });
  afterEach(() => db.destroy());

  async function make(name: string, options: { expiresAt?: number; scope?: (typeof SCOPES)[number] } = {}) {
    const [id, secret] = [mintTokenId(), mintToken()];
    const { expiresAt, scope = 'viewer' } = options;
    await addToken(db, { id, name, scope, expiresAt, hash: hashToken(secret), now: clock.now() });
    return { id, secret };
  }
  const rejects = (act: Promise<unknown>, code: string) =>
    assert.rejects(act, (error) => error instanceof BakeryError && error.code === code);

  test('the secret is nowhere in the database, and a name is used once', async () => {
    const { id, secret } = await make('cpi', { scope: 'cpi' });
    const rows = await db.selectFrom('tokens').selectAll().execute();
    const events = await listFeed(db, { after: 0, limit: 10 });
    for (const part of [secret, secret.slice(7)]) assert.ok(!JSON.stringify([rows, events]).includes(part));
    assert.deepEqual(await findTokenByHash(db, hashToken(secret)), await findToken(db, id));
    await rejects(make('cpi'), 'token-exists');
    await revokeToken(db, id, clock.now());
    await rejects(make('cpi'), 'token-exists');
    await revokeToken(db, id, clock.now() + 1);
    await revokeToken(db, mintTokenId(), clock.now());
    assert.equal((await findToken(db, id))?.revokedAt, NOW, 'the first time counts');
    const told = (await listFeed(db, { after: 0, limit: 10 })).map(({ type, data }) => [
      type,
      (data as { name?: string }).name,
    ]);
    assert.deepEqual(told, [
      ['token.created', 'cpi'],
      ['token.revoked', 'cpi'],
    ]);
  });

  test('1,000 tokens can be used, however many have ended', async () => {
    for (let i = 0; i < 999; i++) await make(`live ${i}`);
    await revokeToken(db, (await make('revoked')).id, clock.now());
    await make('expired', { expiresAt: NOW + 1 });
    clock.ms = 1;
    await make('last');
    await rejects(make('one more'), 'too-many-tokens');
  });

  test('tokens are listed in the order they were made, in pages', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) {
      clock.ms = Math.floor(i / 2);
      made.push((await make(`t${i}`)).id);
    }
    const all = await listTokens(db, { limit: 10 });
    assert.deepEqual(all.map(({ id }) => id).toSorted(), made.toSorted());
    const [, second] = all;
    assert.ok(second);
    const rest = await listTokens(db, { limit: 2, after: [second.createdAt, second.id] });
    assert.deepEqual(rest, all.slice(2, 4));
  });

  test('ended tokens are forgotten by age and number, others never', async () => {
    const live = await make('live');
    const later = await make('later', { expiresAt: NOW + 100 * DAY });
    for (const name of ['a', 'b', 'c']) {
      await revokeToken(db, (await make(name)).id, clock.now());
      clock.ms += DAY;
    }
    await make('d', { expiresAt: clock.now() + 1 });
    clock.ms += DAY;
    const names = async () => (await listTokens(db, { limit: 10 })).map(({ name }) => name);
    assert.equal(await pruneTokens(db, { before: undefined, keep: 3, now: clock.now() }), 1);
    assert.deepEqual((await names()).toSorted(), ['b', 'c', 'd', 'later', 'live']);
    assert.equal(await pruneTokens(db, { before: NOW + 2 * DAY, keep: 3, now: clock.now() }), 1);
    assert.equal(await pruneTokens(db, { before: clock.now(), keep: 3, now: clock.now() }), 2);
    assert.deepEqual(
      (await listTokens(db, { limit: 10 })).map(({ id }) => id).toSorted(),
      [live.id, later.id].toSorted(),
    );
  });

  describe('at the door', () => {
    const ADMIN = 'a-token-that-is-the-admin-s';
    function doorOf(isPreset: boolean) {
      const policy: AuthPolicy = { kind: 'token', admin: { token: ADMIN, isPreset } };
      const door = createDoor({ db, policy, clock, log: quiet });
      const headers: Record<string, unknown> = {};
      const reply = {
        header(name: string, value: unknown) {
          headers[name] = value;
        },
      };
      const enter = (secret: string | undefined, address = '10.0.0.1') => {
        const authorization = secret === undefined ? undefined : `Bearer ${secret}`;
        const request = { headers: { authorization }, socket: { remoteAddress: address } };
        return door.enter(request as unknown as FastifyRequest, reply as unknown as FastifyReply);
      };
      const told = (secret: string | undefined, address?: string) =>
        enter(secret, address).then(
          ({ name, scope }) => `${name} ${scope}`,
          (error) => (error instanceof BakeryError ? error.code : String(error)),
        );
      return { enter, told, headers, isWelcome: door.isWelcome };
    }

    test('a token is what it was made for, until it expires or is revoked', async () => {
      const { told, enter, isWelcome } = doorOf(false);
      const { id, secret } = await make('cpi', { scope: 'cpi', expiresAt: NOW + 1_000 });
      const other = await make('other');
      assert.equal(await told(ADMIN), 'admin admin');
      assert.equal(await told(secret), 'cpi cpi');
      const [caller, second] = [await enter(secret), await enter(other.secret)];
      assert.deepEqual([caller.token, caller.expiresAt], [id, NOW + 1_000]);
      clock.ms = 999;
      assert.deepEqual([await told(secret), await isWelcome(caller)], ['cpi cpi', true]);
      clock.ms = 1_000;
      assert.deepEqual([await told(secret), await isWelcome(caller)], ['token-expired', false]);
      assert.equal(await isWelcome(second), true);
      await revokeToken(db, other.id, clock.now());
      assert.deepEqual([await told(other.secret), await isWelcome(second)], ['token-wrong', false]);
      for (const wrong of ['', `${secret}x`, secret.slice(1), hashToken(secret), id]) {
        assert.equal(await told(wrong, '10.0.0.9'), wrong === '' ? 'token-missing' : 'token-wrong');
      }
      assert.equal(await told(undefined), 'token-missing');
    });

    test('the use of a token is written once a minute', async () => {
      const { told } = doorOf(false);
      const { id, secret } = await make('cpi');
      const used = async () => (await findToken(db, id))?.lastUsedAt;
      assert.equal(await used(), undefined);
      const seen = [];
      for (clock.ms = 0; clock.ms <= 120_000; clock.ms += 20_000) {
        await told(secret);
        seen.push(((await used()) ?? 0) - NOW);
      }
      assert.deepEqual(seen, [0, 0, 0, 60_000, 60_000, 60_000, 120_000]);
    });

    test('after 20 failures an address waits, others and tokens that are right do not', async () => {
      const { told, headers } = doorOf(false);
      const { secret } = await make('cpi');
      for (let i = 0; i < 20; i++)
        assert.equal(await told(i % 2 ? 'wrong' : undefined), i % 2 ? 'token-wrong' : 'token-missing');
      assert.deepEqual([await told('wrong'), await told(undefined)], ['too-many-failures', 'too-many-failures']);
      assert.equal(headers['retry-after'], 3);
      assert.equal(await told('wrong', '10.0.0.2'), 'token-wrong');
      assert.deepEqual([await told(secret), await told(ADMIN)], ['cpi viewer', 'admin admin']);
      clock.ms += 3_000;
      assert.equal(await told('wrong'), 'token-wrong');
    });

    test('an admin token that a person chose cannot be guessed at that address meanwhile, only used on', async () => {
      const { told } = doorOf(true);
      for (let i = 0; i < 20; i++) await told('wrong');
      assert.equal(await told(ADMIN), 'too-many-failures', 'the right guess is told like a wrong one');
      assert.equal(await told(ADMIN, '10.0.0.2'), 'admin admin');
      for (let i = 0; i < 20; i++) await told('wrong', '10.0.0.2');
      assert.equal(await told(ADMIN, '10.0.0.2'), 'admin admin', 'it was right there before');
    });
  });
});
