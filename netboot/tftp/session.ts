import { createSocket, type Socket } from 'node:dgram';
import { isErrno } from '../../core/errors.ts';
import type { TftpRequest, TftpTransfer } from './messages.ts';
import { negotiate } from './options.ts';
import { dataHeader, decodePacket, encodeError, encodeOack, TFTP_ERROR } from './packet.ts';
import { type Poll, pollMs } from './poll.ts';
import type { Source } from './source.ts';
import {
  advanceTransfer,
  beginTransfer,
  blockRange,
  isAbandoned,
  type TransferEvent,
  type TransferStep,
} from './transfer.ts';

/** One transfer under way. */
export interface Session {
  /** Ends it without a word; resolves when its socket is gone. */
  stop(): void;
  /** True when the client has left it in the middle, so that its next request begins anew. */
  isAbandoned(): boolean;
  readonly done: Promise<Omit<TftpTransfer, 'waitedMilliseconds'>>;
}

/** Events that wait for a read of the file; more are as good as lost. */
const MAX_WAITING = 64;

/**
 * Sends `source` to the client from a socket of its own, bound to the address the request came to and connected to the
 * client: the kernel then drops what strangers send to it, so nobody else can advance or end the transfer (RFC 1350 §4).
 * `transfers` says how many the thread has under way.
 */
export function startSession(
  request: TftpRequest,
  asked: { readonly options: ReadonlyMap<string, string>; readonly mtu?: number | undefined },
  source: Source,
  thread: { readonly poll: Poll; transfers(): number },
): Session {
  const began = performance.now();
  const socket: Socket = createSocket('udp4');
  const done = Promise.withResolvers<Awaited<Session['done']>>();
  const negotiated = negotiate(asked.options, source.size, asked.mtu);
  let step: TransferStep = beginTransfer(negotiated, source.size, began);
  let timer: NodeJS.Timeout | undefined;
  /** When the next `timeout` is due. The timer may fire earlier: it is not set anew for each block. */
  let dueAt = 0;
  let connected = false;
  let ended = false;
  /** True while the file is read; events that come meanwhile wait for it, in order. */
  let reading = false;
  const waiting: TransferEvent[] = [];

  function finish(outcome: TftpTransfer['outcome']): void {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    socket.close();
    source.close().catch(() => undefined);
    const bytes = Math.min(source.size, Math.max(0, step.state.acknowledged) * negotiated.blockSize);
    const { client, filename } = request;
    const milliseconds = Math.round(performance.now() - began);
    done.resolve({ client, filename, outcome, bytes, milliseconds });
  }

  function fail(message: string): void {
    if (ended) return;
    if (!connected) {
      finish('failed');
      return;
    }
    socket.send(encodeError(TFTP_ERROR.undefined, message), () => finish('failed'));
  }

  function setTimer(ms: number): void {
    const now = performance.now();
    const earlier = timer !== undefined && dueAt <= now + ms;
    dueAt = now + ms;
    if (earlier) return;
    clearTimeout(timer);
    timer = setTimeout(onTimer, ms);
  }

  function onTimer(): void {
    timer = undefined;
    const now = performance.now();
    if (now < dueAt) timer = setTimeout(onTimer, dueAt - now);
    else take({ kind: 'timeout', now });
  }

  function perform(): void {
    const { send, timerMs, end } = step;
    if (end) finish(end);
    if (ended) return;
    if (timerMs !== undefined) setTimer(timerMs);
    if (!send) return;
    sendBlocks(send.from, send.to);
    // After the last block there is nothing to go on with.
    if (send.to < step.state.lastBlock) thread.poll.during(pollMs(step.state.roundTrip, thread.transfers()));
  }

  function sendBlocks(from: number, to: number): void {
    for (let block = from; block <= to; block++) {
      if (block === 0) {
        socket.send(encodeOack(negotiated.acknowledged));
        continue;
      }
      const { start, end } = blockRange(step.state, block);
      const bytes = source.at(start, end);
      if (!bytes) {
        readThenSend(block, to);
        return;
      }
      socket.send([dataHeader(block), bytes]);
    }
  }

  function readThenSend(from: number, to: number): void {
    const { start, end } = blockRange(step.state, from);
    reading = true;
    source
      .load(start, end)
      .then((isThere) => {
        reading = false;
        if (ended) return;
        if (!isThere) return fail('the file changed');
        sendBlocks(from, to);
        while (!reading && !ended) {
          const event = waiting.shift();
          if (!event) return;
          take(event);
        }
      })
      .catch(() => fail('read error'));
  }

  function take(event: TransferEvent): void {
    if (ended) return;
    if (reading) {
      if (waiting.length < MAX_WAITING) waiting.push(event);
      return;
    }
    step = advanceTransfer(step.state, event);
    perform();
  }

  socket.on('message', (datagram) => {
    const packet = decodePacket(datagram);
    if (packet?.kind === 'ack') take({ kind: 'ack', block: packet.block, now: performance.now() });
    else if (packet?.kind === 'error') take({ kind: 'error', code: packet.code });
  });
  // ECONNREFUSED: the client's port is closed, as after a probe or a power cut. Anything else on the way (a full queue, a
  // neighbour that does not answer now) is a lost datagram, and the timer's.
  socket.on('error', (error) => {
    if (isErrno(error, 'ECONNREFUSED')) finish('aborted');
    else if (!connected) finish('failed');
  });
  socket.bind({ address: request.localAddress, port: 0, exclusive: true }, () => {
    if (ended) return;
    // Node gives the callback the error of a connect that fails, such as ENETUNREACH.
    socket.connect(request.port, request.client, (error?: Error) => {
      if (ended) return;
      if (error) return finish('failed');
      connected = true;
      perform();
    });
  });
  return {
    stop: () => finish('aborted'),
    isAbandoned: () => isAbandoned(step.state, performance.now()),
    done: done.promise,
  };
}
