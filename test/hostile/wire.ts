import { connect, type Socket } from 'node:net';

/** An answer as it came over the wire. */
export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What came of a request: an answer, or the end of the connection without one. */
export type Outcome = Answer | 'closed';

/** A request as bytes. */
export interface WireRequest {
  readonly bytes: Buffer;
  readonly isHead: boolean;
  /** True when what follows it on its connection might be taken for a part of it. */
  readonly isLast: boolean;
  /** The client goes away after so many ms when no answer has come; undefined when one must come. */
  readonly patienceMs?: number;
}

/** One connection after the other to one server; each is kept for as long as the server keeps it. */
export interface Wire {
  send(request: WireRequest): Promise<Outcome>;
  close(): void;
  /** Connections made. */
  readonly connections: number;
}

const ANSWER_MS = 30_000;

interface Head {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly length: number;
}

function readHead(buffer: Buffer): Head | undefined {
  const end = buffer.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = buffer.toString('latin1', 0, end).split('\r\n');
  const [, status = ''] = /^HTTP\/1\.[01] (\d{3})/.exec(first) ?? [];
  if (status === '') throw new Error(`no status line: ${JSON.stringify(first.slice(0, 200))}`);
  const headers: Record<string, string> = Object.fromEntries(
    lines.map((line) => [line.split(':', 1)[0]?.toLowerCase() ?? '', line.slice(line.indexOf(':') + 1).trim()]),
  );
  return { status: Number(status), headers, length: end + 4 };
}

/** The body in chunks (RFC 9112 §7.1), without trailers; undefined while it is not whole. */
function readChunks(buffer: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = buffer.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(buffer.toString('latin1', at, line), 16);
    const start = line + 2;
    if (buffer.length < start + size + 2) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(buffer.subarray(start, start + size));
    at = start + size + 2;
  }
}

/** The answer to a request, or undefined while it is not whole. A stream of events counts as whole with its first bytes. */
function readAnswer(buffer: Buffer, { isHead, isOver }: { isHead: boolean; isOver: boolean }): Answer | undefined {
  const head = readHead(buffer);
  if (!head) return undefined;
  const rest = buffer.subarray(head.length);
  const { status, headers } = head;
  if (status < 200) return readAnswer(rest, { isHead, isOver });
  if (isHead || status === 204 || status === 304) return { status, headers, body: Buffer.alloc(0) };
  if (headers['content-type']?.startsWith('text/event-stream')) {
    return rest.length > 0 ? { status, headers, body: rest } : undefined;
  }
  if (headers['transfer-encoding'] === 'chunked') {
    const body = readChunks(rest);
    return body && { status, headers, body };
  }
  const length = headers['content-length'];
  if (length === undefined) return isOver ? { status, headers, body: rest } : undefined;
  return rest.length >= Number(length) ? { status, headers, body: rest.subarray(0, Number(length)) } : undefined;
}

/** Opens one. `from` is the client's address. */
export function openWire(port: number, from = '127.0.0.1'): Wire {
  let socket: Socket | undefined;
  let connections = 0;

  async function connected(): Promise<Socket> {
    if (socket && !socket.destroyed && socket.writable && !socket.readableEnded) return socket;
    connections++;
    const made = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      made.once('connect', () => resolve());
      made.once('error', reject);
    });
    // Errors are told by the close that follows them.
    made.on('error', () => undefined);
    socket = made;
    return made;
  }

  return {
    get connections() {
      return connections;
    },
    async send({ bytes, isHead, isLast, patienceMs }) {
      const open = await connected();
      let buffer: Buffer = Buffer.alloc(0);
      const outcome = await new Promise<Outcome>((resolve, reject) => {
        const settle = (isOver: boolean) => {
          try {
            const answer = readAnswer(buffer, { isHead, isOver });
            if (answer || isOver) finish(() => resolve(answer ?? 'closed'));
          } catch (error) {
            finish(() => reject(error));
          }
        };
        const onData = (chunk: Buffer) => {
          buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
          settle(false);
        };
        const onClose = () => settle(true);
        const limit = setTimeout(() => {
          open.destroy();
          const soFar = JSON.stringify(buffer.toString('latin1').slice(0, 300));
          finish(patienceMs === undefined ? () => reject(new Error(`no answer: ${soFar}`)) : () => resolve('closed'));
        }, patienceMs ?? ANSWER_MS);
        const finish = (then: () => void) => {
          clearTimeout(limit);
          open.off('data', onData).off('close', onClose);
          then();
        };
        open.on('data', onData).on('close', onClose);
        open.write(bytes);
      });
      const isKept = outcome !== 'closed' && outcome.headers.connection !== 'close';
      const isStream = outcome !== 'closed' && outcome.headers['content-type']?.startsWith('text/event-stream');
      if (!isKept || isStream || isLast || patienceMs !== undefined) open.destroy();
      return outcome;
    },
    close() {
      socket?.destroy();
    },
  };
}
