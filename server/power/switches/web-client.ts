import { type IncomingMessage, request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import type { z } from 'zod';
import { PowerFault } from '../driver.ts';
import { hideSecrets } from './words.ts';

/** A longer answer is not from a switch. */
const MAX_ANSWER_BYTES = 1024 * 1024;
/** So much of an answer is told when it is a failure. */
const TOLD_LETTERS = 200;
/** What may be over in a moment: Request Timeout, Too Early, Too Many Requests, and all faults of a server (RFC 9110 15, 6585 4). */
const PASSING = new Set([408, 425, 429]);

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
   * case. Redirects are not followed: a port is where the settings say it is.
   * @throws PowerFault `retryable` without a connection and for 408, 425, 429 and 5xx, `fatal` for any other status, a certificate
   * that is not trusted, or more than 1 MiB; the signal's reason once it is aborted.
   */
  ask(request: WebRequest, signal: AbortSignal): Promise<string>;
}

/** Makes one; does no I/O. */
export function createWebClient({ base, caPem, secrets = [] }: WebClientOptions): WebClient {
  const url = new URL(base);
  const isTls = url.protocol === 'https:';
  const prefix = url.pathname.replace(/\/+$/, '');
  const hidden = secrets.filter((secret) => secret !== undefined);

  function send({ method, path, headers, body }: WebRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const options = {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port),
      method,
      path: `${prefix}${path}`,
      headers: { 'user-agent': 'bakery', host: url.host, ...headers },
      agent: false as const,
      signal,
      ...(isTls && caPem !== undefined ? { ca: caPem } : {}),
    };
    return new Promise((resolve, reject) => {
      const outgoing = isTls ? overHttps(options, resolve) : overHttp(options, resolve);
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  return {
    async ask(request, signal) {
      signal.throwIfAborted();
      const called = `${request.called ?? `${request.method} ${request.path}`} at ${url.host}`;
      let status = 0;
      let text = '';
      try {
        const response = await send(request, signal);
        status = response.statusCode ?? 0;
        text = await readText(response);
      } catch (error) {
        signal.throwIfAborted();
        throw error instanceof PowerFault
          ? new PowerFault(error.severity, `${called}: ${error.message}`)
          : lost(called, error);
      }
      if (status >= 200 && status < 300) return text;
      const severity = status >= 500 || PASSING.has(status) ? 'retryable' : 'fatal';
      throw new PowerFault(severity, `${called} answered ${status}${told(text, hidden)}`);
    },
  };
}

/**
 * An answer in JSON, in that shape.
 * @throws PowerFault `retryable` when it is another: a device that starts says all sorts of things
 */
export function parseAnswer<T>(shape: z.ZodType<T>, answer: string): T {
  const parsed = shape.safeParse(parseJson(answer));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new PowerFault('retryable', `its answer is not what it should be: ${issue?.path.join('.')} ${issue?.message}`);
}

/** What a text of JSON says; undefined for what is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    // Throwing out of the loop closes the connection.
    if (bytes > MAX_ANSWER_BYTES) throw new PowerFault('fatal', `its answer has more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Its code says it all; the error itself may hold bytes of an answer, and those a secret. */
function lost(called: string, error: unknown): PowerFault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no connection';
  const isDistrust = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_TLS/.test(code);
  if (isDistrust) return new PowerFault('fatal', `${called}: its certificate is not trusted (${code})`);
  return new PowerFault('retryable', `${called}: no answer (${code})`);
}

function told(text: string, hidden: readonly string[]): string {
  const line = hideSecrets(text, hidden)
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim();
  return line === '' ? '' : `: ${line.slice(0, TOLD_LETTERS)}`;
}
