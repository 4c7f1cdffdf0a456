import { createHash, randomBytes, randomUUID } from 'node:crypto';

/** The id of a token, a UUID; it is no secret. */
export type TokenId = string & { readonly brand: 'TokenId' };

/** A new random TokenId. */
export function mintTokenId(): TokenId {
  return randomUUID() as TokenId;
}

/** A new token: 256 random bits behind a word by which scanners find one that was published by mistake. */
export function mintToken(): string {
  return `bakery_${randomBytes(32).toString('base64url')}`;
}

/**
 * How a token is kept and found. One round of SHA-256 is enough for 256 random bits: nobody can try them all, however fast. And
 * because the hash is what is looked up, the time that takes says something about hashes only, which nobody can turn into tokens.
 */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** What the audit calls those who come without a token of that name. */
const NAMES_TAKEN = ['admin', 'anybody', 'bakery', 'nobody', 'relay'];

/** True when a token may have this name: it stands in the audit and in operations for what was done with it. */
export function isTokenName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(text) && !NAMES_TAKEN.includes(text.toLowerCase());
}
