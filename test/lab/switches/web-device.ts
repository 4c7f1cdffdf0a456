import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { FarEnd } from '../../contract/switch-bench.ts';

/** What a real web server can do wrong, whatever it serves. */
export const WEB_BEHAVIOURS = ['works', 'silent', 'half-dead', 'refusing', 'busy', 'broken', 'forgets'] as const;

/** A request that came in whole. */
export interface WebRequest {
  readonly method: string;
  /** Path and query, as they came. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What a device answers. */
export interface WebAnswer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A web server on loopback that is a device with ports, and can misbehave. */
export interface WebDevice {
  /** Without a slash at its end. */
  readonly url: string;
  /** All that came in while it worked. */
  readonly requests: readonly WebRequest[];
  behave(behaviour: FarEnd): Promise<void>;
  close(): Promise<void>;
}

/** Starts one, over TLS when there is a certificate. */
export async function startWebDevice(
  answer: (request: WebRequest, behaviour: FarEnd) => WebAnswer,
  tls?: { readonly cert: string; readonly key: string },
): Promise<WebDevice> {
  const requests: WebRequest[] = [];
  let behaviour: FarEnd = 'works';

  const onRequest: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const whole = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      if (misbehaves(behaviour, response)) return;
      requests.push(whole);
      const { status, headers = {}, body: text = '' } = answer(whole, behaviour);
      response.writeHead(status, headers).end(text);
    });
  };
  const server: Server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest);
  let port = 0;
  const listen = () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen();
  port = (server.address() as AddressInfo).port;

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    async behave(next) {
      if (next === 'refusing' || next === 'forgets') await close();
      if (next !== 'refusing' && !server.listening) await listen();
      behaviour = next;
    },
    async close() {
      if (server.listening) await close();
    },
  };
}

/** Answers as a web server that is not well; false when it is. */
function misbehaves(behaviour: FarEnd, response: ServerResponse): boolean {
  if (behaviour === 'half-dead') response.writeHead(200, { 'content-length': 1000 }).write('[');
  else if (behaviour === 'busy') response.writeHead(429, { 'retry-after': '5' }).end('busy');
  else if (behaviour === 'broken') response.socket?.end('no such protocol\r\n\r\n');
  return ['silent', 'half-dead', 'busy', 'broken'].includes(behaviour);
}
