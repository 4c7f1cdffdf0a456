import { createSocket, type Socket } from 'node:dgram';
import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import type { SessionSocket } from 'net-snmp';

/**
 * A UDP socket that hears only this address, and hears when nothing listens there. @throws Error with a code (EACCES, ENETUNREACH …),
 * or the signal's reason.
 */
export async function connectTo(
  { address, family }: LookupAddress,
  port: number,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  try {
    socket.connect(port, address);
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.close();
    signal.throwIfAborted();
    throw error;
  }
}

/** What a session's socket tells of. */
export interface SocketEvents {
  /** The network says that nothing gets through. */
  onFailure(error: Error): void;
  /** Something came that is no answer. */
  onStrange(): void;
}

/** A connected socket as a session of net-snmp uses one. It hands on what `admits` takes, and outlives what the session throws. */
export function sessionSocket(
  socket: Socket,
  admits: (datagram: Buffer) => boolean,
  { onFailure, onStrange }: SocketEvents,
): SessionSocket {
  let isClosed = false;
  socket.on('error', onFailure);
  return {
    ref: () => void socket.ref(),
    unref: () => void socket.unref(),
    on(event, listener) {
      if (event === 'close') socket.on('close', () => listener(Buffer.alloc(0)));
      if (event !== 'message') return;
      socket.on('message', (datagram) => {
        if (!admits(datagram)) return onStrange();
        try {
          listener(datagram);
        } catch {
          onStrange();
        }
      });
    },
    send(datagram, offset, length, _port, _host, sent) {
      // Without an error the session would begin to wait, for an answer that cannot come any more.
      socket.send(datagram, offset, length, (error) => sent(isClosed ? new Error('the socket is closed') : error));
    },
    close() {
      isClosed = true;
      socket.close();
    },
  };
}
