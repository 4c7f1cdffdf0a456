import { Worker } from 'node:worker_threads';
import { BakeryError, describeError } from '../../core/errors.ts';
import { systemClock } from '../../core/host/clock.ts';
import type { Ipv4 } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { FromWorker, TftpAnswer, TftpRequest, TftpTransfer, ToWorker, WorkerSettings } from './messages.ts';

export type { TftpAnswer, TftpRequest, TftpTransfer } from './messages.ts';

/** Says what is sent for a request. A throw is answered with ERROR 0 and logged. */
export type TftpResolve = (request: TftpRequest) => Promise<TftpAnswer>;

/** A TFTP server that listens. */
export interface TftpServer {
  readonly port: number;
  /** Ends the transfers and gives the ports back. It may be called twice. */
  close(): Promise<void>;
}

/** What a server is made of. */
export interface TftpOptions {
  /** Addresses to listen on, one socket each: answers then leave from the address that was asked (no IP_PKTINFO in Node). */
  readonly addresses: readonly Ipv4[];
  /** 0 picks one, the same for all addresses. */
  readonly port: number;
  readonly resolve: TftpResolve;
  readonly log: Log;
  readonly onTransfer?: (transfer: TftpTransfer) => void;
  /** The thread's file, for tests that make it fail. */
  readonly thread?: URL;
}

/** A thread that dies is started again after this, so that a fault that comes at once does not spin. */
const RESTART_MS = 1_000;
/** A thread that was told to end and has not is killed after this. */
const END_MS = 2_000;

/**
 * Starts a read-only TFTP server (RFC 1350, 2347, 2348, 2349, 7440) in a thread of its own.
 * @throws BakeryError `tftp-port-in-use`, `tftp-port-denied`, `tftp-not-listening` (unavailable), naming address and port.
 */
export async function startTftpServer(options: TftpOptions): Promise<TftpServer> {
  const { log } = options;
  const closing = new AbortController();
  let thread = startThread(options, options.port);
  const port = await thread.listening.catch(async (error) => {
    await thread.end();
    throw error;
  });

  async function keepRunning(): Promise<void> {
    for (;;) {
      await thread.exited;
      await systemClock.sleep(RESTART_MS, closing.signal).catch(() => undefined);
      if (closing.signal.aborted) return;
      log.warn({}, 'starting the TFTP thread again');
      thread = startThread(options, port);
      try {
        await thread.listening;
      } catch (error) {
        if (!closing.signal.aborted) log.error({ error: describeError(error) }, 'the TFTP thread does not start');
        await thread.end();
      }
    }
  }
  const kept = keepRunning();

  return {
    port,
    async close() {
      closing.abort();
      await thread.end();
      await kept;
    },
  };
}

/** One life of the thread. */
interface Thread {
  /** The port; rejects when it does not come to listen. */
  readonly listening: Promise<number>;
  readonly exited: Promise<void>;
  /** Resolves when it has ended, at once when it has already. */
  end(): Promise<void>;
}

function startThread(options: TftpOptions, port: number): Thread {
  const { log } = options;
  const settings: WorkerSettings = { addresses: options.addresses, port };
  const worker = new Worker(options.thread ?? new URL('./worker.ts', import.meta.url), { workerData: settings });
  const listening = Promise.withResolvers<number>();
  const exited = Promise.withResolvers<void>();

  async function answer(id: number, request: TftpRequest): Promise<void> {
    let reply: TftpAnswer;
    try {
      reply = await options.resolve(request);
    } catch (error) {
      log.error({ request, error: describeError(error) }, 'a TFTP request could not be answered');
      reply = { kind: 'error', code: 0, message: 'internal error' };
    }
    worker.postMessage({ kind: 'answer', id, answer: reply } satisfies ToWorker);
  }

  worker.on('message', (message: FromWorker) => {
    switch (message.kind) {
      case 'listening':
        return listening.resolve(message.port);
      case 'listen-failed':
        return listening.reject(listenError(message));
      case 'request':
        return void answer(message.id, message.request);
      case 'fault':
        return log.error({ request: message.request, error: message.error }, 'a boot file could not be opened');
      case 'transfer':
        return options.onTransfer?.(message.transfer);
    }
  });
  worker.on('error', (error) => {
    log.error({ error: describeError(error) }, 'the TFTP thread failed');
    listening.reject(error);
  });
  worker.on('exit', () => {
    listening.reject(new Error('the TFTP thread ended'));
    exited.resolve();
  });

  async function end(): Promise<void> {
    worker.postMessage({ kind: 'close' } satisfies ToWorker);
    const late = setTimeout(() => void worker.terminate(), END_MS);
    await exited.promise;
    clearTimeout(late);
  }
  return { listening: listening.promise, exited: exited.promise, end };
}

function listenError(failure: { code: string; address: string; port: number }): BakeryError {
  const where = `${failure.address}:${failure.port}`;
  if (failure.code === 'EADDRINUSE') {
    return new BakeryError('unavailable', 'tftp-port-in-use', `another program serves TFTP on ${where}`);
  }
  if (failure.code === 'EACCES' || failure.code === 'EPERM') {
    return new BakeryError('unavailable', 'tftp-port-denied', `TFTP on ${where} needs root or CAP_NET_BIND_SERVICE`);
  }
  return new BakeryError('unavailable', 'tftp-not-listening', `TFTP cannot listen on ${where} (${failure.code})`);
}
