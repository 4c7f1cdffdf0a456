import type { z } from 'zod';
import { createHttpClient, parseJson, readShape, statusFault, whatIsAsked } from './http-client.ts';
import { hideSecrets } from './words.ts';

/**
 * What a driver needs that sends requests and looks at no status, header or connection: over http-client.ts, which those use that have sessions
 * or tell refusals apart.
 */

/** A longer answer is not from a switch. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** One request of a driver. */
export interface WebRequest {
  readonly method: string;
  /** Path and query, encoded, beginning with a slash; below the path of the base. */
  readonly path: string;
  /** What messages call it: without secrets, as a template is. Default: method and path. */
  readonly called?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** What a client is made of. */
export interface WebClientOptions {
  /** `http` or `https`, host, port and perhaps a path; no credentials, query or fragment. */
  readonly base: string;
  /** Certificates, in PEM, that are trusted instead of those of the machine. */
  readonly caPem?: string | undefined;
  /** Never told, in no spelling that they are sent in, also when an answer repeats them. */
  readonly secrets?: readonly (string | undefined)[];
}

/** Asks one device over HTTP. */
export interface WebClient {
  /**
   * The body of a 2xx answer. A connection is made for each request and none is kept: a device that has restarted is no special
   * case. Redirects are not followed.
   * @throws PowerFault `retryable` without a connection and for 408, 425, 429 and 5xx, `fatal` for any other status, a certificate
   * that is not trusted, or more than 1 MiB; the signal's reason once it is aborted.
   */
  ask(request: WebRequest, signal: AbortSignal): Promise<string>;
}

/** Makes one; does no I/O. */
export function createWebClient({ base, caPem, secrets = [] }: WebClientOptions): WebClient {
  const target = { url: base, caPem, howToTrust: '', keepsConnections: false, maxAnswerBytes: MAX_ANSWER_BYTES };
  const http = createHttpClient(target);
  const hidden = secrets.filter((secret) => secret !== undefined);
  return {
    async ask(request, signal) {
      const ask = { ...request, headers: { accept: '*/*', ...request.headers } };
      const { status, text } = await http.ask(ask, signal);
      if (status >= 200 && status < 300) return text;
      throw statusFault(whatIsAsked(target, ask), status, told(text, hidden));
    },
  };
}

/**
 * An answer in JSON, in that shape.
 * @throws PowerFault `retryable` when it is another: a device that starts says all sorts of things
 */
export const parseAnswer = <T>(shape: z.ZodType<T>, answer: string): T =>
  readShape(parseJson(answer), shape, 'its answer');

/** On one line, and without a secret. */
const told = (text: string, hidden: readonly string[]) =>
  hideSecrets(text, hidden)
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim();
