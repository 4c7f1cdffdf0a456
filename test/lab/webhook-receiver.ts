import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A message as it came in. */
export interface Delivery {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: {
    readonly seq: number;
    readonly type: string;
    readonly data: Readonly<Record<string, unknown>>;
    readonly [member: string]: unknown;
  };
}

/** What a receiver does with a message: answers with a status, or says nothing at all. */
export type Reaction = number | 'hang' | ((response: ServerResponse) => void);

/** Somebody who is told events: a real web server, whose paths are receivers of their own. */
export class WebhookReceiver {
  readonly deliveries: Delivery[] = [];
  /** What is done with the next message, by path; 204 when it says nothing. */
  react: (delivery: Delivery) => Reaction = () => 204;
  readonly #server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => (body += text));
    request.on('end', () => {
      const delivery = { path: request.url ?? '', headers: request.headers, body, event: JSON.parse(body || '{}') };
      this.deliveries.push(delivery);
      const reaction = this.react(delivery);
      if (typeof reaction === 'function') reaction(response);
      else if (reaction !== 'hang') response.writeHead(reaction).end();
    });
  });
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens; a second time on the same port. */
  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  at(path: string): Delivery[] {
    return this.deliveries.filter((delivery) => delivery.path === path);
  }

  /** Numbers of the events that came in at a path, in their order. */
  seqs(path: string): number[] {
    return this.at(path).map(({ event }) => event.seq);
  }

  async until(isEnough: () => boolean, what = 'the messages'): Promise<void> {
    for (let tries = 0; !isEnough(); tries++) {
      if (tries > 3_000)
        throw new Error(`${what} did not come; the last are ${JSON.stringify(this.deliveries.slice(-3))}`);
      await sleep(20);
    }
  }
}
