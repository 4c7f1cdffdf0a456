import { type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningBakery } from './bakery.ts';

/** A server-sent event as a reader gets it. */
export interface SentEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A reader of server-sent events after the HTML Living Standard, 9.2.6, with nothing of Bakery's in it. */
export class EventReader {
  readonly events: SentEvent[] = [];
  /** What a browser would send as Last-Event-ID. */
  lastId = '';
  comments = 0;
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** `end` when the server ended it in order, `cut` when the connection broke. */
  readonly over: Promise<'end' | 'cut'>;
  readonly #response: IncomingMessage;
  #rest = '';
  #block: { id: string | undefined; type: string; data: string[] } = { id: undefined, type: '', data: [] };

  constructor(response: IncomingMessage, lastId: string) {
    this.lastId = lastId;
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#read(text));
    this.over = new Promise((resolve) => {
      response.once('end', () => resolve('end'));
      response.once('error', () => resolve('cut'));
      response.once('close', () => resolve('cut'));
    });
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === '') this.#dispatch();
    if (line.startsWith(':')) this.comments++;
    const [, field, value = ''] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === 'id') this.#block.id = value;
    else if (field === 'event') this.#block.type = value;
    else if (field === 'data') this.#block.data.push(value);
  }

  #dispatch(): void {
    const { id, type, data } = this.#block;
    this.#block = { id: undefined, type: '', data: [] };
    if (id !== undefined) this.lastId = id;
    if (data.length > 0) this.events.push({ id: this.lastId, type, data: JSON.parse(data.join('\n')) });
  }

  /** The numbers of the events it got. */
  get seqs(): number[] {
    return this.events.map(({ id }) => Number(id));
  }

  /** Waits until it has what `isEnough` wants. */
  async until(isEnough: () => boolean, what = 'the events'): Promise<void> {
    for (let tries = 0; !isEnough(); tries++) {
      if (tries > 3_000) throw new Error(`${what} did not come; the last are ${JSON.stringify(this.events.slice(-3))}`);
      await sleep(20);
    }
  }

  /** Takes no more from the connection, which stays open. */
  stopReading(): void {
    this.#response.pause();
  }

  close(): void {
    this.#response.destroy();
  }
}

/** Opens a stream of events; resolves with its first bytes, or with the refusal. */
export function readEvents(
  bakery: Pick<RunningBakery, 'base' | 'token'>,
  options: { lastId?: string; query?: string } = {},
): Promise<EventReader> {
  const { lastId, query = '' } = options;
  return new Promise((resolve, reject) => {
    const asked = request(`${bakery.base}/events${query}`, {
      agent: false,
      headers: {
        authorization: `Bearer ${bakery.token}`,
        accept: 'text/event-stream',
        ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
      },
    });
    asked.once('error', reject);
    asked.once('response', (response) => {
      asked.on('error', () => undefined);
      resolve(new EventReader(response, lastId ?? ''));
    });
    asked.end();
  });
}
