import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import { mayCall, type Scope } from '../../core/scope.ts';
import { hashToken, type TokenId } from '../../core/token.ts';
import type { Db } from '../../db/open.ts';
import { findToken, findTokenByHash, noteTokenUsed, type Token } from '../../db/tokens.ts';
import { createFailureLimit } from './failures.ts';

/** How requests are told from strangers'. */
export type AuthPolicy =
  | { readonly kind: 'off' }
  /** `admin` is the token of the first start; `isPreset`: a person chose it, so it may be one that can be guessed. */
  | { readonly kind: 'token'; readonly admin: { readonly token: string; readonly isPreset: boolean } };

/** Who asks, and what for they may ask. */
export interface Caller {
  /** The name in the audit and in operations. */
  readonly name: string;
  readonly scope: Scope;
  /** None for the admin token, a relay, and without authentication. */
  readonly token?: TokenId;
  readonly expiresAt?: number;
}

/** Tells who may come in. */
export interface Door {
  /**
   * Who asks.
   * @throws BakeryError `token-missing`, `token-wrong`, `token-expired` (unauthorized), `too-many-failures` (too-many).
   */
  enter(request: FastifyRequest, reply: FastifyReply): Promise<Caller>;
  /** False once the caller's token has expired or was revoked. */
  isWelcome(caller: Caller): Promise<boolean>;
}

/** The token in an Authorization header: `Bearer <token>`, or the password of `Basic` (clients that know only a URL). */
export function presentedToken(header: string | undefined): string | undefined {
  const match = /^(bearer|basic)\s+(\S+)$/i.exec(header ?? '');
  const [, scheme, value] = match ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === 'bearer') return value;
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
  return password;
}

/** Compares in constant time, whatever the lengths. */
function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Why a token is good for nothing; undefined when it is good. */
export function tokenFault(
  token: Pick<Token, 'expiresAt' | 'revokedAt'> | undefined,
  now: number,
): BakeryError | undefined {
  if (!token || token.revokedAt !== undefined) {
    return new BakeryError('unauthorized', 'token-wrong', 'that token is not valid');
  }
  if (token.expiresAt === undefined || now < token.expiresAt) return undefined;
  return new BakeryError('unauthorized', 'token-expired', 'that token has expired');
}

/** @throws BakeryError `scope-too-small` (forbidden). */
export function requireScope(caller: Caller, needed: Scope): void {
  if (mayCall(caller.scope, needed)) return;
  throw new BakeryError('forbidden', 'scope-too-small', `this call needs a token of scope ${needed}`);
}

/** Builds it. */
export function createDoor(options: { db: Db; policy: AuthPolicy; clock: Clock; log: Log }): Door {
  const { db, policy, clock, log } = options;
  if (policy.kind === 'off') {
    return { enter: async () => ({ name: 'anybody', scope: 'admin' }), isWelcome: async () => true };
  }
  const { admin } = policy;
  const failures = createFailureLimit(clock);
  /** Where the preset admin token was right last: it is let in from there whatever others at that address do. */
  let adminAddress: string | undefined;

  async function find(secret: string, isBlocked: (address?: string) => boolean): Promise<Caller | BakeryError> {
    if (same(secret, admin.token) && !(admin.isPreset && isBlocked(adminAddress))) {
      return { name: 'admin', scope: 'admin' };
    }
    const token = await findTokenByHash(db, hashToken(secret));
    const fault = tokenFault(token, clock.now());
    if (fault || !token) return fault ?? new BakeryError('unauthorized', 'token-wrong', 'that token is not valid');
    await noteTokenUsed(db, token, clock.now()).catch((error) => {
      log.warn({ error: describeError(error), token: token.id }, 'the use of a token could not be noted');
    });
    const { id, name, scope, expiresAt } = token;
    return { name, scope, token: id, ...(expiresAt === undefined ? {} : { expiresAt }) };
  }

  return {
    async enter(request, reply) {
      const address = request.socket.remoteAddress ?? '';
      const blockedMs = failures.blockedMs(address);
      const secret = presentedToken(request.headers.authorization);
      const found =
        secret === undefined
          ? new BakeryError('unauthorized', 'token-missing', 'this call needs a token: Authorization: Bearer <token>')
          : await find(secret, (known) => blockedMs > 0 && known !== address);
      if (!(found instanceof BakeryError)) {
        if (found.token === undefined) adminAddress = address;
        return found;
      }
      if (blockedMs > 0) {
        reply.header('retry-after', Math.ceil(blockedMs / 1_000));
        throw new BakeryError('too-many', 'too-many-failures', 'too many calls without a valid token; wait a little');
      }
      failures.fail(address);
      throw found;
    },
    async isWelcome({ token }) {
      return token === undefined || tokenFault(await findToken(db, token), clock.now()) === undefined;
    },
  };
}
