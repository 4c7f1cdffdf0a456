import { connect, type Socket } from 'node:net';

/** An answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A connection that says exactly the bytes it is given and reads answers, as net/http's client would. */
export class GoConnection {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(port: number, host = '127.0.0.1') {
    this.socket = connect({ port, host });
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake?.();
    });
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    this.socket.on('close', end);
    this.socket.on('error', end);
  }

  /** Hands bytes to the kernel; resolves when they are written, or the connection is gone. */
  async write(bytes: string | Uint8Array): Promise<void> {
    if (this.#ended) return;
    await new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /** True once an answer's head has arrived. */
  get answering(): boolean {
    return this.#received.includes('\r\n\r\n');
  }

  /** Reads one answer (Content-Length or chunked). */
  async answer(timeoutMs = 20_000): Promise<WireAnswer> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      const parsed = this.#parse();
      if (parsed) return parsed;
      if (this.#ended) throw new Error(`the connection ended before the answer: ${this.#received.toString('latin1')}`);
      if (Date.now() > until) throw new Error('no answer in time');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #parse(): WireAnswer | undefined {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [first = '', ...lines] = this.#received.subarray(0, end).toString('latin1').split('\r\n');
    const status = Number(first.split(' ')[1]);
    if (status === 100) {
      this.#received = this.#received.subarray(end + 4);
      return this.#parse();
    }
    const headers = new Map(
      lines.map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.replace(/^[^:]*: */, '')]),
    );
    const rest = this.#received.subarray(end + 4);
    if (headers.get('transfer-encoding') === 'chunked') {
      const text = rest.toString('utf8');
      if (!text.includes('0\r\n\r\n')) return undefined;
      const body = text.replace(/0\r\n\r\n$/, '').replaceAll(/(^|\r\n)[0-9a-f]+\r\n/g, '');
      this.#received = Buffer.alloc(0);
      return { status, headers, body };
    }
    const length = Number(headers.get('content-length') ?? 0);
    if (rest.length < length) return undefined;
    this.#received = rest.subarray(length);
    return { status, headers, body: rest.subarray(0, length).toString('utf8') };
  }

  close(): void {
    this.socket.destroy();
  }
}

/** The Authorization header that Go makes of a URL's user info. */
export function basicAuth(token: string): string {
  return `Authorization: Basic ${Buffer.from(`cpi:${token}`).toString('base64')}`;
}

/** A request head in the order in which Go's net/http writes it. */
export function goHead(parts: {
  method: string;
  path: string;
  host: string;
  auth: string;
  length?: number | 'chunked';
  contentType?: string;
}): string {
  const lines = [`${parts.method} ${parts.path} HTTP/1.1`, `Host: ${parts.host}`, 'User-Agent: Go-http-client/1.1'];
  if (typeof parts.length === 'number') lines.push(`Content-Length: ${parts.length}`);
  if (parts.length === 'chunked') lines.push('Transfer-Encoding: chunked');
  lines.push(parts.auth);
  if (parts.contentType !== undefined) lines.push(`Content-Type: ${parts.contentType}`);
  lines.push('Accept-Encoding: gzip');
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** One chunk of a chunked body. */
export function chunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}
