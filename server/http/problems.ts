/** The codes of the problems that a call may be answered with, by HTTP status. All are explained in docs/problems.md. */
export type Problems = { readonly [status: number]: readonly string[] };

/** Any call of the API. */
export const ON_ANY_CALL: Problems = {
  400: ['bad-request'],
  401: ['token-missing', 'token-wrong', 'token-expired'],
  403: ['scope-too-small', 'origin-refused', 'host-refused'],
  414: ['uri-too-long'],
  429: ['too-many-failures'],
  500: ['internal'],
  503: ['database-unusable'],
};

/** A call that needs no token. */
export const ON_OPEN_CALL: Problems = { 414: ['uri-too-long'], 500: ['internal'] };

/** A call with a body that is read whole. */
export const WITH_BODY: Problems = {
  400: ['bad-json'],
  408: ['body-too-slow'],
  413: ['body-too-large'],
  415: ['media-type-unsupported'],
};

/** A call with a body that is handed on as it comes in. */
export const WITH_STREAM: Problems = { 413: ['body-too-large'], 415: ['media-type-unsupported'] };

/** A call by which something is baked or kept. */
export const WITH_VOLUMES: Problems = { 403: ['no-volumes'] };

/** A call that writes into the inventory. */
export const CHANGING: Problems = { 503: ['database-moved'], 507: ['database-full'] };

/** A call that starts an operation, and is answered once that is admitted. */
export const STARTING: Problems = { 409: ['busy'], 503: ['stopping'] };

/** A call that takes an Idempotency-Key. */
export const ONCE: Problems = { 409: ['idempotency-mismatch'] };

/** A call that starts an operation and is answered when it has ended: with what it failed of. */
export const WAITING: Problems = {
  409: ['busy', 'cancelled', 'interrupted', 'volume-busy', 'mount-foreign'],
  500: ['tool-failed', 'volume-missing', 'volume-uuid'],
  503: ['stopping', 'nfs-unavailable'],
  504: ['step-timeout', 'still-running', 'tool-timeout'],
  507: ['pool-full'],
};

/** All of them together, each code once and in its order. */
export function together(...parts: readonly Problems[]): Problems {
  const all = new Map<string, string[]>();
  for (const [status, codes] of parts.flatMap((part) => Object.entries(part))) {
    const known = all.get(status) ?? [];
    all.set(status, [...known, ...codes.filter((code) => !known.includes(code))]);
  }
  return Object.fromEntries(all);
}

/** What each code means, from the text of docs/problems.md: the first sentence of its section. */
export function meanings(markdown: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, code, text] of markdown.matchAll(/^### ([a-z0-9-]+)\n+([^#]+?)(?=\n#|\n*$(?![\s\S]))/gm)) {
    if (code && text) found.set(code, /^.*?[.](?=\s|$)/s.exec(text.trim())?.[0].replaceAll(/\s+/g, ' ') ?? text.trim());
  }
  return found;
}
