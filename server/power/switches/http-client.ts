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
  readonly url: string;
  readonly caPem?: string | undefined;
  readonly certificateSha256?: string | undefined;
}

/** One request; `json` becomes its body. */
export interface HttpAsk {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Talks to one device over connections that it keeps. Redirects are answers like others. */
export interface HttpClient {
  /** Any status is an answer. @throws PowerFault, or the signal's reason. */
  ask(ask: HttpAsk, signal: AbortSignal): Promise<HttpAnswer>;
  /** Closes the connections. */
  close(): void;
}

/** A client of one device; does no I/O. */
export function createHttpClient({ url, caPem, certificateSha256 }: HttpTarget): HttpClient {
  const { origin, protocol } = new URL(url);
  const keeping = { keepAlive: true, timeout: IDLE_MS };
  const trusting = { ...keeping, ...(caPem === undefined ? {} : { ca: caPem }) };
  const secure = () =>
    certificateSha256 === undefined ? new HttpsAgent(trusting) : new PinnedAgent(certificateSha256, keeping);
  const agent = protocol === 'https:' ? secure() : new HttpAgent(keeping);
  const request = protocol === 'https:' ? requestHttps : requestHttp;

  /** Undefined when the device closed a kept connection under the request (RFC 9112 section 9.3.1): it never saw it. */
  async function attempt(
    { method, path, headers, json }: HttpAsk,
    signal: AbortSignal,
  ): Promise<HttpAnswer | undefined> {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const described =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options: PinnedOptions = {
      method,
      agent,
      signal,
      handshake: signal,
      headers: { accept: 'application/json', ...described, ...headers },
    };
    const asked = request(`${origin}${path}`, options);
    const response = await new Promise<IncomingMessage | undefined>((resolve, reject) => {
      asked.once('response', resolve);
      asked.on('error', (error: NodeJS.ErrnoException) => {
        if (asked.reusedSocket && error.code === 'ECONNRESET') resolve(undefined);
        else reject(error);
      });
      asked.end(body);
    });
    if (!response) return undefined;
    return { status: response.statusCode ?? 0, headers: response.headers, text: await readBounded(response) };
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
        throw faultOf(error, `${ask.method} ${origin}${ask.path}`);
      }
    },
    close: () => agent.destroy(),
  };
}

async function readBounded(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop early destroys the rest.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new PowerFault('fatal', `an answer of more than ${MAX_ANSWER_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Certificates are judged by their code: Node's own are ERR_TLS_…, OpenSSL's say what is wrong with the chain. */
const UNTRUSTED = /^(?:ERR_TLS_CERT|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

function faultOf(error: unknown, what: string): PowerFault {
  if (error instanceof PowerFault) return error;
  if (error instanceof OtherCertificate) return new PowerFault('fatal', `${what}: ${error.message}`, { cause: error });
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
  if (!UNTRUSTED.test(code)) return new PowerFault('retryable', `${what}: ${message || code}`, { cause: error });
  const hint = 'give caPem or certificateSha256';
  return new PowerFault('fatal', `${what}: the certificate is not trusted (${code}); ${hint}`, { cause: error });
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
