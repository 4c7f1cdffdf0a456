import type { Selectable } from 'kysely';
import { BakeryError } from '../core/errors.ts';
import type { Scope } from '../core/scope.ts';
import type { TokenId } from '../core/token.ts';
import { addFeedEvent } from './events.ts';
import { atomically, type Executor } from './open.ts';
import type { Schema } from './schema.ts';

/** Who makes one for each job must end them, too. */
const MOST_TOKENS = 1_000;
/** How exactly it is known when a token was last used: a write for every call would be too many. */
const USED_MS = 60_000;

/** A token; the secret itself is nowhere but with who has it. */
export interface Token {
  readonly id: TokenId;
  readonly name: string;
  readonly scope: Scope;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly lastUsedAt: number | undefined;
  readonly revokedAt: number | undefined;
}

function toToken(row: Selectable<Schema['tokens']>): Token {
  return {
    id: row.id as TokenId,
    name: row.name,
    scope: row.scope as Scope,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  };
}

/**
 * Adds a token. Its name must be new, also among those that were revoked: the audit tells them apart by it.
 * @throws BakeryError `token-exists`, `too-many-tokens` (conflict).
 */
export async function addToken(
  ex: Executor,
  token: Pick<Token, 'id' | 'name' | 'scope' | 'expiresAt'> & { hash: string; now: number },
): Promise<void> {
  await atomically(ex, async (trx) => {
    if (await trx.selectFrom('tokens').select('id').where('name', '=', token.name).executeTakeFirst()) {
      throw new BakeryError('conflict', 'token-exists', `there is, or was, a token ${token.name}`);
    }
    const { live } = await trx
      .selectFrom('tokens')
      .select((eb) => eb.fn.countAll<number>().as('live'))
      .where('revoked_at', 'is', null)
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', token.now)]))
      .executeTakeFirstOrThrow();
    if (live >= MOST_TOKENS) {
      throw new BakeryError('conflict', 'too-many-tokens', `there are ${MOST_TOKENS} tokens already`);
    }
    await trx
      .insertInto('tokens')
      .values({
        id: token.id,
        name: token.name,
        hash: token.hash,
        scope: token.scope,
        created_at: token.now,
        expires_at: token.expiresAt ?? null,
      })
      .execute();
    const { name, scope } = token;
    await addFeedEvent(trx, { type: 'token.created', data: { token: token.id, name, scope } }, token.now);
  });
}

/** The token with that hash, whether or not it is still good; or undefined. */
export async function findTokenByHash(ex: Executor, hash: string): Promise<Token | undefined> {
  const row = await ex.selectFrom('tokens').selectAll().where('hash', '=', hash).executeTakeFirst();
  return row && toToken(row);
}

/** The token with that id, whether or not it is still good; or undefined. */
export async function findToken(ex: Executor, id: TokenId): Promise<Token | undefined> {
  const row = await ex.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toToken(row);
}

/** At most `limit` tokens by their time and id, after the place that is given. */
export async function listTokens(
  ex: Executor,
  page: { limit: number; after?: readonly [number, string] | undefined },
): Promise<Token[]> {
  let query = ex.selectFrom('tokens').selectAll().orderBy('created_at').orderBy('id').limit(page.limit);
  const { after } = page;
  if (after) {
    const [at, id] = after;
    query = query.where((eb) =>
      eb.or([eb('created_at', '>', at), eb.and([eb('created_at', '=', at), eb('id', '>', id)])]),
    );
  }
  return (await query.execute()).map(toToken);
}

/** Ends a token for good. Nothing happens to one that is revoked already, or is not there. */
export async function revokeToken(ex: Executor, id: TokenId, now: number): Promise<void> {
  await atomically(ex, async (trx) => {
    const token = await findToken(trx, id);
    if (!token || token.revokedAt !== undefined) return;
    await trx.updateTable('tokens').set({ revoked_at: now }).where('id', '=', id).execute();
    await addFeedEvent(trx, { type: 'token.revoked', data: { token: id, name: token.name } }, now);
  });
}

/** Notes that a token was used, once a minute at most. */
export async function noteTokenUsed(ex: Executor, token: Token, now: number): Promise<void> {
  // A clock that was set back must not keep it from being noted.
  if (token.lastUsedAt !== undefined && Math.abs(now - token.lastUsedAt) < USED_MS) return;
  await ex.updateTable('tokens').set({ last_used_at: now }).where('id', '=', token.id).execute();
}

/** Forgets tokens that ended before `before`, and the oldest beyond `keep` ended ones. @returns how many. */
export async function pruneTokens(ex: Executor, pruning: { before: number | undefined; keep: number; now: number }) {
  const ended = await ex
    .selectFrom('tokens')
    .select((eb) => ['id', eb.fn.coalesce('revoked_at', 'expires_at').as('ended')])
    .where((eb) => eb.or([eb('revoked_at', 'is not', null), eb('expires_at', '<=', pruning.now)]))
    .orderBy('ended', 'desc')
    .execute();
  const { before } = pruning;
  const due = ended.filter(({ ended: at }, i) => i >= pruning.keep || (before !== undefined && Number(at) < before));
  if (due.length === 0) return 0;
  const ids = due.map(({ id }) => id);
  await ex.deleteFrom('tokens').where('id', 'in', ids).execute();
  return due.length;
}
