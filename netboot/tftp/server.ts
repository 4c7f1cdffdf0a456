import { availableParallelism } from 'node:os';
import { describeError } from '../../core/errors.ts';
import { systemClock } from '../../core/host/clock.ts';
import type { OpenFiles } from '../../core/host/open-files.ts';
import type { Ipv4 } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { CAPS, countSessions } from './caps.ts';
import type { TftpAnswer, TftpLoad, TftpRequest, TftpTransfer } from './messages.ts';
import { startThread, type Thread, type ThreadPorts } from './thread.ts';

export type { TftpAnswer, TftpLoad, TftpRequest, TftpTransfer } from './messages.ts';

/** Says what is sent for a request. A throw is answered with ERROR 0 and logged. */
export type TftpResolve = (request: TftpRequest) => Promise<TftpAnswer>;

/** A TFTP server that listens. */
export interface TftpServer {
  readonly port: number;
  /** True while a thread listens: with one thread, not for a moment after it died. */
  isListening(): boolean;
  /** Ends the transfers and gives the ports back. It may be called twice. */
  close(): Promise<void>;
}

/** What a server is made of. */
export interface TftpOptions {
  /** Addresses to listen on, one socket each: answers then leave from the address that was asked (no IP_PKTINFO in Node). */
  readonly addresses: readonly Ipv4[];
  /** 0 picks one, the same for all addresses. */
  readonly port: number;
  /** How many threads share the port; by default one for each processor, at least 2 and at most 4. */
  readonly threads?: number;
  readonly resolve: TftpResolve;
  /** The largest IP packet that gets from an address of ours to a client in one piece; undefined: an Ethernet frame's. It does not throw. */
  readonly pathMtu?: (local: Ipv4, client: Ipv4) => Promise<number | undefined>;
  /** Told what is open, and ends transfers of what must not be. */
  readonly openFiles?: Pick<OpenFiles, 'opened'>;
  readonly log: Log;
  readonly onTransfer?: (transfer: TftpTransfer) => void;
  /** Told a few times a second for each thread while it changes, for all threads together; once more when one died. */
  readonly onLoad?: (load: TftpLoad) => void;
  /** A thread died, and is started again. */
  readonly onRestart?: () => void;
  /** The threads' file, for tests that make them fail. */
  readonly thread?: URL;
}

/** A thread that dies is started again after this, so that a fault that comes at once does not spin. */
const RESTART_MS = 1_000;

/**
 * Starts a read-only TFTP server (RFC 1350, 2347, 2348, 2349, 7440). Its threads share one port: the kernel gives all that comes from
 * one port of a client to the same thread, so a repeated request meets the transfer it belongs to (SO_REUSEPORT, socket(7)).
 * Whatever the caller's thread does meanwhile, transfers go on; only new requests wait for it.
 * @throws BakeryError `tftp-port-in-use`, `tftp-port-denied`, `tftp-not-listening` (unavailable), naming address and port.
 */
export async function startTftpServer(options: TftpOptions): Promise<TftpServer> {
  const { log, addresses } = options;
  const closing = new AbortController();
  const count = options.threads ?? Math.min(4, Math.max(2, availableParallelism()));
  const underWay = countSessions(CAPS);
  const sessions = new Array<number>(count).fill(0);
  const listens = new Array<boolean>(count).fill(false);

  function portsOf(index: number): ThreadPorts {
    return {
      log,
      file: options.thread ?? new URL('./worker.ts', import.meta.url),
      answer: (request) => (underWay.add(request.client) ? options.resolve(request) : undefined),
      mtu: async ({ localAddress, client }) => options.pathMtu?.(localAddress, client),
      onEnd({ client }, transfer) {
        underWay.remove(client);
        if (transfer) options.onTransfer?.(transfer);
      },
      onLoad: (load) => loadChanged(index, load),
      openFiles: options.openFiles,
    };
  }

  function loadChanged(index: number, load: TftpLoad): void {
    sessions[index] = load.sessions;
    options.onLoad?.({ sessions: sessions.reduce((sum, n) => sum + n, 0), turnedAway: load.turnedAway });
  }

  /** Keeps the thread at `index` running until the end. */
  async function keepRunning(index: number, first: Thread, port: number): Promise<void> {
    let thread = first;
    const end = () => void thread.end();
    closing.signal.addEventListener('abort', end);
    if (closing.signal.aborted) end();
    for (;;) {
      await thread.exited;
      listens[index] = false;
      loadChanged(index, { sessions: 0, turnedAway: 0 });
      await systemClock.sleep(RESTART_MS, closing.signal).catch(() => undefined);
      if (closing.signal.aborted) return;
      log.warn({}, 'starting the TFTP thread again');
      options.onRestart?.();
      thread = startThread({ addresses, port, alone: false }, portsOf(index));
      try {
        await thread.listening;
        listens[index] = true;
      } catch (error) {
        if (!closing.signal.aborted) log.error({ error: describeError(error) }, 'the TFTP thread does not start');
        await thread.end();
      }
    }
  }

  const threads: Thread[] = [];
  let port: number;
  try {
    // The first finds out whether the port is free: one that is shared looks free to everybody who would share it.
    const first = startThread({ addresses, port: options.port, alone: true }, portsOf(0));
    threads.push(first);
    port = await first.listening;
    for (let index = 1; index < count; index++) {
      threads.push(startThread({ addresses, port, alone: false }, portsOf(index)));
    }
    await Promise.all(threads.map((thread) => thread.listening));
  } catch (error) {
    await Promise.all(threads.map((thread) => thread.end()));
    throw error;
  }
  listens.fill(true);
  const kept = Promise.all(threads.map((thread, index) => keepRunning(index, thread, port)));

  return {
    port,
    isListening: () => listens.includes(true),
    async close() {
      closing.abort();
      await kept;
    },
  };
}
