import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import { hashToken, mintToken, mintTokenId, type TokenId } from '../../../core/token.ts';
import { addToken, findToken, listTokens, revokeToken, type Token } from '../../../db/tokens.ts';
import { PageQuery } from '../../schema/page.ts';
import { CreateToken, TokenCreated, TokenInfo, TokenPage, WhoAmI } from '../../schema/token.ts';
import type { Api, ApiPorts } from '../api.ts';
import { iso } from '../operation-views.ts';
import { cutPage, readCursor } from '../paging.ts';

const IdParam = z.object({
  tokenId: z.string().meta({ description: 'id of a token', example: '0f4c2f0e-6a55-4a3e-9d1c-5d0c4f6f2a11' }),
});

function show(token: Token): TokenInfo {
  const { id, name, scope, createdAt, expiresAt, lastUsedAt, revokedAt } = token;
  return {
    id,
    name,
    scope,
    createdAt: iso(createdAt),
    ...(expiresAt === undefined ? {} : { expiresAt: iso(expiresAt) }),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: iso(lastUsedAt) }),
    ...(revokedAt === undefined ? {} : { revokedAt: iso(revokedAt) }),
  };
}

/** Who may come in. The admin token of the first start is none of these, so that nobody can lock himself out. */
export function tokenRoutes(app: Api, ports: Pick<ApiPorts, 'db' | 'clock'>): void {
  const { db, clock } = ports;

  async function require(id: string): Promise<Token> {
    const token = await findToken(db, id.toLowerCase() as TokenId);
    if (!token) throw new BakeryError('not-found', 'token-unknown', 'there is no such token');
    return token;
  }

  app.get(
    '/whoami',
    {
      config: { scope: 'viewer' },
      schema: {
        operationId: 'whoAmI',
        tags: ['tokens'],
        summary: 'Say whom the server takes you for',
        response: { 200: WhoAmI },
      },
    },
    async ({ caller: { name, scope, expiresAt } }) => ({
      name,
      scope,
      ...(expiresAt === undefined ? {} : { expiresAt: iso(expiresAt) }),
    }),
  );

  app.get(
    '/tokens',
    {
      config: { scope: 'admin', problems: { 400: ['bad-cursor'] } },
      schema: {
        operationId: 'listTokens',
        tags: ['tokens'],
        summary: 'List the tokens, oldest first, ended ones too',
        querystring: PageQuery,
        response: { 200: TokenPage },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = readCursor(cursor, z.tuple([z.int(), z.string()]));
      const found = await listTokens(db, { limit: limit + 1, after });
      const { items, ...next } = cutPage(found, { limit, place: ({ createdAt, id }) => [createdAt, id] });
      return { tokens: items.map(show), ...next };
    },
  );

  app.post(
    '/tokens',
    {
      config: {
        scope: 'admin',
        problems: { 400: ['bad-expiry'], 409: ['token-exists', 'too-many-tokens'] },
      },
      schema: {
        operationId: 'createToken',
        tags: ['tokens'],
        summary: 'Make a token',
        description:
          'Its secret is in this answer and nowhere else. So there is no Idempotency-Key, for which the answer would be kept: ' +
          'the same name is refused. When the answer was lost, revoke the token and make one with another name.',
        body: CreateToken,
        response: { 201: TokenCreated },
      },
    },
    async (request, reply) => {
      const { name, scope, expiresAt: until } = request.body;
      const now = clock.now();
      const expiresAt = until === undefined ? undefined : Date.parse(until);
      if (expiresAt !== undefined && !(expiresAt > now)) {
        throw new BakeryError('invalid', 'bad-expiry', 'a token must expire later than now');
      }
      const id = mintTokenId();
      const secret = mintToken();
      await addToken(db, { id, name, scope, expiresAt, hash: hashToken(secret), now });
      return reply.code(201).send({ ...show(await require(id)), secret });
    },
  );

  app.get(
    '/tokens/:tokenId',
    {
      config: { scope: 'admin', problems: { 404: ['token-unknown'] } },
      schema: {
        operationId: 'getToken',
        tags: ['tokens'],
        summary: 'Get one token, and when it was last used',
        params: IdParam,
        response: { 200: TokenInfo },
      },
    },
    async (request) => show(await require(request.params.tokenId)),
  );

  app.delete(
    '/tokens/:tokenId',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'revokeToken',
        tags: ['tokens'],
        summary: 'Revoke a token: it is refused from now on, and its streams of events end',
        description:
          'Fine for a token that does not exist or was revoked before. What was begun with it goes on. It stays listed for BAKERY_KEEP_DAYS.',
        params: IdParam,
        response: { 200: z.object({}) },
      },
    },
    async (request) => {
      await revokeToken(db, request.params.tokenId.toLowerCase() as TokenId, clock.now());
      return {};
    },
  );
}
