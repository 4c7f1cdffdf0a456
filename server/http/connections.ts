import { randomUUID } from 'node:crypto';
import { type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { BakeryError } from '../../core/errors.ts';
import { toProblem } from './errors.ts';

/** What every answer says. Answers are data: nothing in them is for a browser to run, frame, guess about, or keep. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
};
/** And with TLS: come back with TLS only, for a year. */
const TLS_HEADERS = { 'strict-transport-security': 'max-age=31536000' };

/** What the page at /docs may do: run its own scripts and call its own server. It sets styles on its elements. */
export const PAGE_POLICY = {
  'default-src': "'none'",
  'base-uri': "'none'",
  'connect-src': "'self'",
  'font-src': "'self'",
  'form-action': "'self'",
  'frame-ancestors': "'none'",
  'img-src': "'self' data:",
  'script-src': "'self'",
  'style-src': "'self' 'unsafe-inline'",
} as const;

/** What pages of other sites may do once they are named: everything that needs a token, for the browser adds none. */
export function corsOptions(origins: readonly string[]) {
  return {
    origin: [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'last-event-id'],
    exposedHeaders: ['idempotency-replayed', 'location', 'retry-after', 'www-authenticate'],
    credentials: false,
    maxAge: 600,
    // Never 204.
    optionsSuccessStatus: 200,
  };
}

/** Limits of connections. */
export interface ConnectionLimits {
  /** For a header, and for the handshake of TLS before it. */
  readonly headerMs: number;
  readonly connections: number;
}

/** What Node's server is told of the limits. */
export function serverOptions({ headerMs }: ConnectionLimits) {
  return {
    headersTimeout: headerMs,
    // An upload takes as long as it takes; what is small has its own limit.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1_000, headerMs),
  };
}

/** What it is told of TLS. */
export function tlsOptions({ headerMs }: ConnectionLimits) {
  return { minVersion: 'TLSv1.2', handshakeTimeout: headerMs } as const;
}

/** Adds the security headers, and the server's label where it has one, to everything that is answered, and bounds the connections. */
export function guardServer(
  server: Server,
  limits: ConnectionLimits & { readonly isTls: boolean; readonly label: string | undefined },
): void {
  const label = limits.label === undefined ? {} : { 'bakery-label': limits.label };
  const headers = Object.entries({ ...SECURITY_HEADERS, ...(limits.isTls ? TLS_HEADERS : {}), ...label });
  server.prependListener('request', (_request, response) => {
    for (const [name, value] of headers) response.setHeader(name, value);
  });
  server.maxConnections = limits.connections;
  // One address must not have them all: a Pi that was taken over stands in the same network as the clients.
  const most = Math.ceil(limits.connections / 4);
  const open = new Map<string, number>();
  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (open.get(address) ?? 0) + 1;
    if (count > most) return void socket.destroy();
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
  });
}

function refusalOf(code: string | undefined): BakeryError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new BakeryError('too-slow', 'headers-too-slow', 'the header did not come in time');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new BakeryError('too-large', 'headers-too-large', 'the header is too large');
  }
  return new BakeryError('invalid', 'not-http', 'that is not HTTP');
}

/** Answers what never became a request, and closes the connection. */
export function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const problem = toProblem(refusalOf(error.code), randomUUID());
  const body = JSON.stringify(problem);
  const headers = {
    ...SECURITY_HEADERS,
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
  // Who reads no answer keeps the connection no longer.
  socket.setTimeout(1_000, () => socket.destroy());
}
