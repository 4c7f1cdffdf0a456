/**
 * What kind of thing went wrong. The core knows no HTTP: server/http/errors.ts maps kinds to status codes.
 *
 * - `invalid`       the request can never succeed as it is
 * - `not-found`     it names something that does not exist
 * - `conflict`      it clashes with what is there now, or with a running operation
 * - `forbidden`     it is understood and refused
 * - `unauthorized`  no valid credentials came with it
 * - `too-slow`      it did not come in in time
 * - `precondition`  it asks for another version than there is
 * - `too-large`     it has more bytes than it may have
 * - `too-many`      others like it came before it; later it may be taken
 * - `no-space`      the pool cannot hold it
 * - `unavailable`   a part Bakery depends on is not ready or does not answer; trying again may help
 * - `timeout`       a part Bakery depends on did not end in time
 * - `internal`      a fault of Bakery or of the machine it runs on
 */
export type ErrorKind =
  | 'invalid'
  | 'not-found'
  | 'conflict'
  | 'forbidden'
  | 'unauthorized'
  | 'too-slow'
  | 'precondition'
  | 'too-large'
  | 'too-many'
  | 'no-space'
  | 'unavailable'
  | 'timeout'
  | 'internal';

/**
 * The one error class of Bakery. `code` is stable and documented in docs/problems.md, `message` is for a person and
 * must be safe to show to any client: no path, no stderr. What only an operator may see goes into `detail`, which is
 * logged and kept in the journal and never sent to a client.
 */
export class BakeryError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly detail: string | undefined;

  constructor(kind: ErrorKind, code: string, message: string, options: { detail?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BakeryError';
    this.kind = kind;
    this.code = code;
    this.detail = options.detail;
  }
}

/** The message and operator's detail of anything thrown, on one line. */
export function describeError(error: unknown): string {
  if (error instanceof BakeryError) return error.detail ? `${error.message}: ${error.detail}` : error.message;
  return error instanceof Error ? error.message : String(error);
}

/** Type guard for the `code` of a Node system error (`ENOENT`, `EEXIST`, …). */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
