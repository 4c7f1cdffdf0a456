import { X509Certificate } from 'node:crypto';
import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { z } from 'zod';
import { PowerFault } from '../driver.ts';
import { OtherCertificate, PinnedAgent, type PinnedOptions } from './pinned-agent.ts';

/** The longest answers are the tables of stations of a large site. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const BEGIN = '-----BEGIN CERTIFICATE-----';
/** A connection that nobody uses is closed after this long: small switches have few. */
const IDLE_MS = 15_000;

/** Only scheme, host and port: no path, no credentials. */
const isOrigin = (text: string) => {
  // This is asked of what is no address, too.
  const parsed = URL.parse(text);
  return parsed !== null && parsed.href === `${parsed.origin}/`;
};
const address = (protocol: RegExp) =>
  z.url({ protocol, error: 'an address as https://192.0.2.1' }).max(300).refine(isOrigin, 'only scheme, host and port');

/** Where a device is: `https://192.0.2.1:8443`. */
export const HttpsAddress = address(/^https$/);
/** The same, for devices that often have no TLS. */
export const HttpAddress = address(/^https?$/);

/** True for certificates in PEM (RFC 7468 section 5), one or several, that can be read. */
function areCertificates(text: string): boolean {
  const blocks = text.split(/(?<=-----END CERTIFICATE-----)\s*/).filter((block) => block !== '');
  try {
    // A key would be taken by nobody here, and would stay in the database in the clear.
    return blocks.length > 0 && blocks.every((block) => block.startsWith(BEGIN) && new X509Certificate(block));
  } catch {
    return false;
  }
}

/** Settings by which a device is trusted whose certificate no known authority vouches for. */
export const TRUST = {
  /** Certificates that vouch for the device's own, instead of the usual authorities; its name must be in it all the same. */
  caPem: z
    .string()
    .max(64 * 1024)
    .refine(areCertificates, 'certificates in PEM, and nothing else')
    .optional(),
  /** The SHA-256 fingerprint of the device's certificate; nothing else of it counts then. */
  certificateSha256: z
    .string()
    .regex(/^(?:[\da-f]{64}|[\da-f]{2}(?::[\da-f]{2}){31})$/i, '64 hex digits')
    .optional(),
};

/** Which device, and how it is trusted. */
export interface HttpTarget {
  /** `http` or `https`, host, port and perhaps a path; no credentials, query or fragment. */
  readonly url: string;
  readonly caPem?: string | undefined;
  readonly certificateSha256?: string | undefined;
  /** What a fault of trust advises. */
  readonly howToTrust?: string;
  /** Without it there is a connection for each request, and a device that has restarted is no special case. */
  readonly keepsConnections?: boolean;
  /** Longer answers are not read. */
  readonly maxAnswerBytes?: number;
}

/** One request; `json` becomes its body, or `body` is. */
export interface HttpAsk {
  readonly method: string;
  /** Path and query, encoded, beginning with a slash; below the path of the target. */
  readonly path: string;
  /** What messages call it. Default: method and path. */
  readonly called?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Talks to one device. Redirects are answers like others: a port is where the settings say it is. */
export interface HttpClient {
  /** Any status is an answer. @throws PowerFault, or the signal's reason. */
  ask(ask: HttpAsk, signal: AbortSignal): Promise<HttpAnswer>;
  /** Closes the connections. */
  close(): void;
}

/** What is asked, and whom, as messages name it. */
export const whatIsAsked = ({ url }: Pick<HttpTarget, 'url'>, { method, path, called }: HttpAsk): string =>
  `${called ?? `${method} ${path}`} at ${new URL(url).host}`;

/** A client of one device; does no I/O. */
export function createHttpClient(target: HttpTarget): HttpClient {
  const { caPem, certificateSha256, keepsConnections: keepAlive = true } = target;
  const { maxAnswerBytes = MAX_ANSWER_BYTES, howToTrust = 'give caPem or certificateSha256' } = target;
  const url = new URL(target.url);
  const isTls = url.protocol === 'https:';
  const prefix = url.pathname.replace(/\/+$/, '');
  const keeping = { keepAlive, timeout: IDLE_MS };
  const trusting = { ...keeping, ...(caPem === undefined ? {} : { ca: caPem }) };
  const secure = () =>
    certificateSha256 === undefined ? new HttpsAgent(trusting) : new PinnedAgent(certificateSha256, keeping);
  const agent = isTls ? secure() : new HttpAgent(keeping);
  const request = isTls ? requestHttps : requestHttp;

  /** Undefined when the device closed a kept connection under the request (RFC 9112 section 9.3.1): it never saw it. */
  async function attempt(ask: HttpAsk, signal: AbortSignal): Promise<HttpAnswer | undefined> {
    const { method, path, headers, json } = ask;
    const body = json === undefined ? ask.body : JSON.stringify(json);
    const options: PinnedOptions = {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port),
      method,
      path: `${prefix}${path}`,
      agent,
      signal,
      handshake: signal,
      headers: {
        'user-agent': 'bakery',
        accept: 'application/json',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    };
    const asked = request(options);
    const response = await new Promise<IncomingMessage | undefined>((resolve, reject) => {
      asked.once('response', resolve);
      asked.on('error', (error: NodeJS.ErrnoException) => {
        if (asked.reusedSocket && error.code === 'ECONNRESET') resolve(undefined);
        else reject(error);
      });
      asked.end(body);
    });
    if (!response) return undefined;
    const text = await readBounded(response, maxAnswerBytes);
    return { status: response.statusCode ?? 0, headers: response.headers, text };
  }

  return {
    async ask(ask, signal) {
      signal.throwIfAborted();
      try {
        const answer = (await attempt(ask, signal)) ?? (await attempt(ask, signal));
        if (answer) return answer;
        throw new Error('it closes every connection');
      } catch (error) {
        signal.throwIfAborted();
        throw faultOf(error, whatIsAsked(target, ask), howToTrust);
      }
    },
    close: () => agent.destroy(),
  };
}

/** It was read in part, and is of no use. */
class LongAnswer extends Error {}

async function readBounded(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    // Leaving the loop closes the connection.
    if (bytes > maxBytes) throw new LongAnswer(`its answer has more than ${maxBytes} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Certificates are judged by their code: Node's own are ERR_TLS_…, OpenSSL's say what is wrong with the chain. */
const UNTRUSTED = /^(?:ERR_TLS_CERT|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** The code of an error of the system says it all, and the error itself may hold bytes of an answer, and those a secret. */
function faultOf(error: unknown, what: string, howToTrust: string): PowerFault {
  if (error instanceof LongAnswer || error instanceof OtherCertificate) {
    return new PowerFault('fatal', `${what}: ${error.message}`);
  }
  const { code, message = String(error) } = error as NodeJS.ErrnoException;
  if (code === undefined || !UNTRUSTED.test(code)) {
    return new PowerFault('retryable', `${what}: no answer (${code ?? message})`);
  }
  const advice = howToTrust === '' ? '' : `; ${howToTrust}`;
  return new PowerFault('fatal', `${what}: its certificate is not trusted (${code})${advice}`);
}

/** What a status that is no success means: later it may be another, or the request is refused for good. `said` is what the device says of it. */
export function statusFault(what: string, status: number, said = ''): PowerFault {
  const passes = status === 408 || status === 425 || status === 429 || status >= 500;
  return new PowerFault(
    passes ? 'retryable' : 'fatal',
    `${what} answered ${status}${said && `: ${said.slice(0, 200)}`}`,
  );
}

/** A value of an answer in that shape. @throws PowerFault retryable: a device that starts says all sorts of things. */
export function readShape<T>(value: unknown, shape: z.ZodType<T>, what: string): T {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new PowerFault('retryable', `${what} is not what it should be: ${issue?.path.join('.')} ${issue?.message}`);
}

/** Undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
