import { createSocket, type Socket } from 'node:dgram';
import { isErrno } from '../../core/errors.ts';
import type { TftpRequest, TftpTransfer } from './messages.ts';
import { negotiate } from './options.ts';
import { dataHeader, decodePacket, encodeError, encodeOack, TFTP_ERROR } from './packet.ts';
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
  readonly done: Promise<TftpTransfer>;
}

/**
 * Sends `source` to the client from a socket of its own, bound to the address the request came to and connected to the
 * client: the kernel then drops what strangers send to it, so nobody else can advance or end the transfer (RFC 1350 §4).
 */
export function startSession(request: TftpRequest, options: ReadonlyMap<string, string>, source: Source): Session {
  const began = Date.now();
  const socket: Socket = createSocket('udp4');
  const done = Promise.withResolvers<TftpTransfer>();
  const negotiated = negotiate(options, source.size);
  let step: TransferStep = beginTransfer(negotiated, source.size, began);
  let timer: NodeJS.Timeout | undefined;
  let connected = false;
  let ended = false;
  // Sending reads the file and so takes its time; events that come meanwhile wait for it, in order.
  let turn: Promise<void> = Promise.resolve();

  function finish(outcome: TftpTransfer['outcome']): void {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    socket.close();
    source.close().catch(() => undefined);
    const bytes = Math.min(source.size, Math.max(0, step.state.acknowledged) * negotiated.blockSize);
    const { client, filename } = request;
    done.resolve({ client, filename, outcome, bytes, milliseconds: Date.now() - began });
  }

  function fail(message: string): void {
    if (ended) return;
    if (!connected) {
      finish('failed');
      return;
    }
    socket.send(encodeError(TFTP_ERROR.undefined, message), () => finish('failed'));
  }

  async function perform(): Promise<void> {
    const { state, send, timerMs, end } = step;
    if (end) return finish(end);
    if (timerMs !== undefined) {
      clearTimeout(timer);
      timer = setTimeout(() => enqueue({ kind: 'timeout', now: Date.now() }), timerMs);
    }
    if (!send) return;
    for (let block = send.from; block <= send.to; block++) {
      if (block === 0) {
        socket.send(encodeOack(negotiated.acknowledged));
        continue;
      }
      const { start, end: stop } = blockRange(state, block);
      const bytes = await source.read(start, stop);
      if (ended) return;
      if (!bytes) return fail('the file changed');
      socket.send([dataHeader(block), bytes]);
    }
  }

  function enqueue(event: TransferEvent): void {
    turn = turn.then(async () => {
      if (ended) return;
      step = advanceTransfer(step.state, event);
      await perform();
    });
    turn.catch(() => fail('read error'));
  }

  socket.on('message', (datagram) => {
    const packet = decodePacket(datagram);
    if (packet?.kind === 'ack') enqueue({ kind: 'ack', block: packet.block, now: Date.now() });
    else if (packet?.kind === 'error') enqueue({ kind: 'error', code: packet.code });
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
      turn = turn.then(perform);
      turn.catch(() => fail('read error'));
    });
  });
  return {
    stop: () => finish('aborted'),
    isAbandoned: () => isAbandoned(step.state, Date.now()),
    done: done.promise,
  };
}
