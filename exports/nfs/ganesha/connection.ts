import { connect } from 'node:net';
import { describeError } from '../../../core/errors.ts';
import { type DbusCall, encodeCall } from './dbus-call.ts';
import { type DbusMessage, takeMessage } from './dbus-message.ts';

/** Nobody answers: there is no bus, it has gone, or time is over. */
export class BusGone extends Error {}

/** A connection to a bus. It ends with the bus, and for good. */
export interface BusConnection {
  /** @throws BusGone, DbusFault. */
  call(call: Omit<DbusCall, 'serial'>, timeoutMs: number): Promise<DbusMessage>;
  isOpen(): boolean;
}

const BUS = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };
/** A bus has room for 256 connections of one user (dbus-daemon(1), max_connections_per_user). */
const IDLE_MS = 30_000;
/** A line of the authentication. */
const MOST_LINE = 1_024;

interface Pending {
  resolve(message: DbusMessage): void;
  reject(error: unknown): void;
}

/**
 * Connects to the bus at a Unix socket, as the user that the server runs as (D-Bus Specification, "Authentication Protocol", EXTERNAL: the
 * kernel tells the bus who it is). What is called meanwhile is sent once that is done. It keeps no process running that waits for no answer, and ends when
 * nothing was called for `idleMs`.
 */
export function connectBus(path: string, idleMs = IDLE_MS): BusConnection {
  const pending = new Map<number, Pending>();
  const waiting: Buffer[] = [];
  let phase: 'greeting' | 'talking' | 'over' = 'greeting';
  let serial = 0;
  let unread: Buffer = Buffer.alloc(0);
  let idle: NodeJS.Timeout | undefined;
  const socket = connect({ path });

  function end(error: unknown): void {
    if (phase === 'over') return;
    phase = 'over';
    clearTimeout(idle);
    socket.destroy();
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  }

  const isOpen = () => phase !== 'over';

  /** @returns false while the line is not whole. */
  function greet(): boolean {
    const size = unread.indexOf('\r\n');
    if (size < 0 && unread.length < MOST_LINE) return false;
    const line = unread.toString('latin1', 0, Math.max(size, 0));
    unread = unread.subarray(size + 2);
    if (!line.startsWith('OK ')) throw new BusGone(`the bus says ${line.slice(0, 100)}`);
    phase = 'talking';
    socket.write(
      Buffer.concat([Buffer.from('BEGIN\r\n'), encodeCall({ ...BUS, member: 'Hello', serial: ++serial }), ...waiting]),
    );
    return true;
  }

  /** @returns false while the message is not whole. */
  function hear(): boolean {
    const taken = takeMessage(unread);
    if (!taken) return false;
    unread = unread.subarray(taken.size);
    const { replySerial } = taken.message;
    if (replySerial !== undefined) pending.get(replySerial)?.resolve(taken.message);
    return true;
  }

  socket.unref();
  // The first byte is for credentials that are sent along on some systems.
  socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(process.getuid?.() ?? 0)).toString('hex')}\r\n`);
  socket.on('data', (chunk) => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    try {
      while (phase === 'greeting' ? greet() : phase === 'talking' && hear()) {
        // What came is taken bit by bit.
      }
    } catch (error) {
      end(error);
    }
  });
  socket.once('error', (error) => end(new BusGone(describeError(error))));
  socket.once('close', () => end(new BusGone('the bus has gone')));

  return {
    isOpen,
    async call(call, timeoutMs) {
      if (phase === 'over') throw new BusGone('the bus has gone');
      clearTimeout(idle);
      const mine = ++serial;
      const bytes = encodeCall({ ...call, serial: mine });
      const answer = Promise.withResolvers<DbusMessage>();
      pending.set(mine, answer);
      socket.ref();
      // Who does not answer one call answers no other: the next begins anew.
      const timer = setTimeout(() => end(new BusGone(`no answer to ${call.member} in ${timeoutMs} ms`)), timeoutMs);
      if (phase === 'talking') socket.write(bytes);
      else waiting.push(bytes);
      try {
        return await answer.promise;
      } finally {
        clearTimeout(timer);
        pending.delete(mine);
        if (pending.size === 0 && isOpen()) {
          socket.unref();
          idle = setTimeout(() => end(new BusGone('nobody had asked')), idleMs).unref();
        }
      }
    },
  };
}
