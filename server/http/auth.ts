import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { BakeryError } from '../../core/errors.ts';

/** How requests are told from strangers'. */
export type AuthPolicy = { readonly kind: 'off' } | { readonly kind: 'token'; readonly token: string };

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

/**
 * Whose token the request carries.
 * @throws BakeryError `token-missing`, `token-wrong` (unauthorized).
 */
export function requireToken(request: FastifyRequest, policy: AuthPolicy): string {
  if (policy.kind === 'off') return 'anybody';
  const token = presentedToken(request.headers.authorization);
  if (token === undefined) {
    throw new BakeryError('unauthorized', 'token-missing', 'this call needs a token: Authorization: Bearer <token>');
  }
  if (!same(token, policy.token)) throw new BakeryError('unauthorized', 'token-wrong', 'that token is not valid');
  return 'admin';
}
