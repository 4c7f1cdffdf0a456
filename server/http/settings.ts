import type { BodyLimits } from './bodies.ts';
import type { ConnectionLimits } from './connections.ts';

/** A certificate with those that vouch for it, and its key, as PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** What the HTTP side is told of the settings beside who may come in. */
export interface HttpSettings {
  readonly tls?: TlsPair | undefined;
  /** Web pages of other sites that may use the API. */
  readonly corsOrigins: readonly string[];
  /** The server's own names, for when no token is needed. */
  readonly hosts: readonly string[];
  /** What this server is, for people: shown in every answer and in the document. */
  readonly label?: string | undefined;
  /** False where nothing can be baked, and no image or disk be kept. */
  readonly keepsVolumes: boolean;
  readonly limits: BodyLimits & ConnectionLimits;
}
