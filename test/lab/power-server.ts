import { createServer } from 'node:http';

/** What hangs on a port. */
export interface PowerPort {
  on(): Promise<void>;
  off(): Promise<void>;
}

/** A small web server that switches power, as the original's simpleweb knows it. */
export interface PowerServer {
  readonly url: string;
  readonly calls: readonly { readonly action: 'on' | 'off'; readonly port: number; readonly at: number }[];
  close(): Promise<void>;
}

/** Starts one: `GET /poweron/<n>` and `/poweroff/<n>` answer `ok` when the power is on or off. */
export async function startPowerServer(ports: Readonly<Record<number, PowerPort>>): Promise<PowerServer> {
  const calls: { action: 'on' | 'off'; port: number; at: number }[] = [];
  const server = createServer((request, response) => {
    const [, word, number] = /^\/power(on|off)\/(\d+)$/.exec(request.url ?? '') ?? [];
    const port = ports[Number(number)];
    if (!port || request.method !== 'GET') {
      response.writeHead(404).end('no such port');
      return;
    }
    const action = word === 'on' ? 'on' : 'off';
    calls.push({ action, port: Number(number), at: Date.now() });
    port[action]().then(
      () => response.end('ok'),
      (error) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the power server has no port');
  return {
    url: `http://127.0.0.1:${bound.port}`,
    calls,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
