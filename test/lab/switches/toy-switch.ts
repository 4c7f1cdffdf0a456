import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

/** A port of it. */
export interface ToyPort {
  power: 'on' | 'off';
  macs: string[];
}

/** The device behind a switch of the kind `lab` (toy-kind.ts). */
export interface ToySwitch {
  readonly url: string;
  readonly password: string;
  readonly ports: Record<string, ToyPort>;
  /** What was asked of it, as `survey` and `set`, in its order. */
  readonly asked: string[];
  /** Every request as it came in: its address, headers and body. */
  readonly heard: string[];
  /** `silent`: it takes calls and never answers. */
  state: 'works' | 'silent' | 'broken';
  /** Resolves when it has been asked so often. */
  until(asked: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts one, with ports whose power is off. */
export async function startToySwitch(ports: readonly string[], password: string): Promise<ToySwitch> {
  let waiters: { count: number; wake(): void }[] = [];
  const server = createServer(async (request, response) => {
    toy.asked.push((request.url ?? '').slice(1));
    for (const { count, wake } of waiters) if (toy.asked.length >= count) wake();
    waiters = waiters.filter(({ count }) => toy.asked.length < count);
    const body = await text(request).catch(() => '{}');
    toy.heard.push(JSON.stringify([request.url, request.headers, body]));
    if (toy.state === 'silent') return;
    if (toy.state === 'broken') return void response.writeHead(500).end();
    if (request.headers.authorization !== `Bearer ${password}`) return void response.writeHead(401).end();
    if (request.url === '/set') {
      for (const [port, power] of Object.entries(JSON.parse(body))) {
        const found = toy.ports[port];
        if (found) found.power = power as ToyPort['power'];
      }
    }
    const list = Object.entries(toy.ports).map(([port, { power, macs }]) => ({
      port,
      label: `port ${port}`,
      power,
      macs,
      milliwatts: power === 'on' ? 3_000 : 0,
    }));
    response.end(JSON.stringify({ description: 'lab switch 1.0', ports: list }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the switch has no port');
  const toy: ToySwitch = {
    url: `http://127.0.0.1:${bound.port}`,
    password,
    ports: Object.fromEntries(ports.map((port) => [port, { power: 'off', macs: [] }])),
    asked: [],
    heard: [],
    state: 'works',
    until: (count) =>
      toy.asked.length >= count ? Promise.resolve() : new Promise((wake) => waiters.push({ count, wake })),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
  return toy;
}
