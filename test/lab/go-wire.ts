import { connect, type Socket } from 'node:net';

/** A call as the Go client makes it. */
export interface GoCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the base of the API. */
  readonly path: string;
  readonly contentType?: string;
  /** A body whose length is known: a bytes.Reader. */
  readonly body?: string | Uint8Array;
  /** A body whose length is not: an os.File. */
  readonly file?: Uint8Array;
}

/** What Go takes from the base URL. */
export interface GoTarget {
  readonly host: string;
  readonly base: string;
  /** `user:password`, where the URL has it. */
  readonly userInfo?: string;
}

/** io.Copy reads a file in pieces of 32 KiB, and each becomes a chunk. */
const COPY_BYTES = 32 * 1024;

/**
 * The head of a request in the order in which Go's net/http writes it (Request.write and Transport of go1.10 to go1.24): Host,
 * User-Agent, the length, then the other headers sorted by name, then what the transport adds.
 */
export function goHead(call: GoCall, target: GoTarget): string {
  const lines = [
    `${call.method} ${target.base}${call.path} HTTP/1.1`,
    `Host: ${target.host}`,
    'User-Agent: Go-http-client/1.1',
  ];
  if (call.file) lines.push('Transfer-Encoding: chunked');
  // A POST without a body says so; GET and DELETE do not.
  else if (call.body !== undefined || call.method === 'POST')
    lines.push(`Content-Length: ${Buffer.byteLength(call.body ?? '')}`);
  if (target.userInfo !== undefined)
    lines.push(`Authorization: Basic ${Buffer.from(target.userInfo).toString('base64')}`);
  if (call.contentType !== undefined) lines.push(`Content-Type: ${call.contentType}`);
  lines.push('Accept-Encoding: gzip');
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** One chunk of a chunked body. */
export function goChunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

/** The end of a chunked body. */
export const LAST_CHUNK = '0\r\n\r\n';

/** The pieces in which a body goes out. */
export function* goBody(call: GoCall): Generator<Uint8Array> {
  if (call.body !== undefined) yield Buffer.from(call.body);
  if (!call.file) return;
  for (let at = 0; at < call.file.length; at += COPY_BYTES) yield goChunk(call.file.subarray(at, at + COPY_BYTES));
  yield Buffer.from(LAST_CHUNK);
}

/** An answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** The first whole answer in `bytes`, and what is behind it; undefined while it is not whole. */
export function parseAnswer(bytes: Buffer): { answer: WireAnswer; rest: Buffer } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1] ?? Number.NaN);
  const headers = new Map(
    lines.map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.replace(/^[^:]*: */, '')]),
  );
  let rest = bytes.subarray(end + 4);
  if (status === 100) return parseAnswer(rest);
  if (headers.get('transfer-encoding') !== 'chunked') {
    const length = Number(headers.get('content-length') ?? 0);
    if (rest.length < length) return undefined;
    return { answer: { status, headers, body: rest.subarray(0, length) }, rest: rest.subarray(length) };
  }
  const chunks: Buffer[] = [];
  for (;;) {
    const line = rest.indexOf('\r\n');
    if (line < 0) return undefined;
    const length = Number.parseInt(rest.subarray(0, line).toString('latin1'), 16);
    if (rest.length < line + 2 + length + 2) return undefined;
    chunks.push(rest.subarray(line + 2, line + 2 + length));
    rest = rest.subarray(line + 2 + length + 2);
    if (length === 0) return { answer: { status, headers, body: Buffer.concat(chunks) }, rest };
  }
}

/** A connection that says exactly the bytes it is given, and reads answers. */
export class GoConnection {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(port: number, host = '127.0.0.1') {
    this.socket = connect({ port, host, noDelay: true });
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake?.();
    });
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    this.socket.on('end', end);
    this.socket.on('close', end);
    this.socket.on('error', end);
  }

  /** False once the server has closed it. */
  get open(): boolean {
    return !this.#ended;
  }

  /** True once an answer's head has arrived. */
  get answering(): boolean {
    return this.#received.includes('\r\n\r\n');
  }

  /** Hands bytes to the kernel; resolves when they are written, or the connection is gone. */
  async write(bytes: string | Uint8Array): Promise<void> {
    if (this.#ended) return;
    await new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /** Reads one answer. @throws Error when none comes in time, or the connection ends before. */
  async answer(timeoutMs: number): Promise<WireAnswer> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      const parsed = parseAnswer(this.#received);
      if (parsed) {
        this.#received = parsed.rest;
        return parsed.answer;
      }
      if (this.#ended) throw new Error(`the connection ended before the answer: ${this.#received.toString('latin1')}`);
      const left = until - Date.now();
      if (left <= 0) throw new Error(`no answer within ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.socket.destroy();
  }
}
