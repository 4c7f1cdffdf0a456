import { createServer } from 'node:http';

/** What hangs on a port. `on` and `off` resolve when the power is on or off; both may be called twice in a row. */
export interface PowerPort {
  on(): Promise<void>;
  off(): Promise<void>;
}

/** A request that named a port, in the order they came in. `at` is in ms since the epoch. */
export interface PowerCall {
  readonly action: 'on' | 'off';
  readonly port: number;
  readonly at: number;
}

/** A small web server that switches power, as the original's simpleweb knows it. */
export interface PowerServer {
  /** Without a slash at its end. */
  readonly url: string;
  readonly calls: readonly PowerCall[];
  close(): Promise<void>;
}

const ROUTE = /^\/power(on|off)\/(0|[1-9]\d{0,8})$/;

/**
 * Starts one: `GET /poweron/<n>` and `/poweroff/<n>` answer `ok`, without a newline, once the power is on or off; everything
 * else is 404, a port that fails 500. Calls for one port are carried out one after the other.
 */
export async function startPowerServer(
  ports: Readonly<Record<number, PowerPort>>,
  { host = '127.0.0.1', port: listen = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<PowerServer> {
  const calls: PowerCall[] = [];
  const queues = new Map<number, Promise<void>>();

  function act(number: number, port: PowerPort, action: 'on' | 'off'): Promise<void> {
    calls.push({ action, port: number, at: Date.now() });
    const run = (queues.get(number) ?? Promise.resolve()).then(() => port[action]());
    // A failure is its own caller's; the next call has its turn all the same.
    const settled = run.catch(() => undefined);
    queues.set(number, settled);
    return run;
  }

  const server = createServer((request, response) => {
    const [, word, number = ''] = ROUTE.exec(request.url ?? '') ?? [];
    const port = Object.hasOwn(ports, number) ? ports[Number(number)] : undefined;
    if (!port || request.method !== 'GET') {
      response.writeHead(404).end('no such port');
      return;
    }
    act(Number(number), port, word === 'on' ? 'on' : 'off').then(
      () => response.end('ok'),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen, host, () => resolve());
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the power server has no port');
  return {
    url: `http://${host}:${bound.port}`,
    calls,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await Promise.all(queues.values());
    },
  };
}
