import { Worker } from 'node:worker_threads';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { Ipv4 } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { FromWorker, TftpAnswer, TftpRequest, TftpTransfer, ToWorker, WorkerSettings } from './messages.ts';

export type { TftpAnswer, TftpRequest, TftpTransfer } from './messages.ts';

/** Says what is sent for a request. A throw is answered with ERROR 0 and logged. */
export type TftpResolve = (request: TftpRequest) => Promise<TftpAnswer>;

/** A TFTP server that listens. */
export interface TftpServer {
  readonly port: number;
  /** Ends the transfers and gives the ports back. */
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
}

/** A worker that dies is started again after this, so that a fault that comes at once does not spin. */
const RESTART_MS = 1_000;

/**
 * Starts a read-only TFTP server (RFC 1350, 2347, 2348, 2349, 7440) in a thread of its own.
 * @throws BakeryError `tftp-port-in-use`, `tftp-port-denied`, `tftp-not-listening` (unavailable), naming address and port.
 */
export async function startTftpServer(options: TftpOptions): Promise<TftpServer> {
  const { log } = options;
  let closing = false;
  let port = options.port;
  let current: Worker;

  async function answer(worker: Worker, id: number, request: TftpRequest): Promise<void> {
    let reply: TftpAnswer;
    try {
      reply = await options.resolve(request);
    } catch (error) {
      log.error({ request, error: describeError(error) }, 'a TFTP request could not be answered');
      reply = { kind: 'error', code: 0, message: 'internal error' };
    }
    worker.postMessage({ kind: 'answer', id, answer: reply } satisfies ToWorker);
  }

  function start(): Promise<number> {
    const settings: WorkerSettings = { addresses: options.addresses, port };
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: settings });
    current = worker;
    const listening = Promise.withResolvers<number>();
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'listening') listening.resolve(message.port);
      else if (message.kind === 'listen-failed') listening.reject(listenError(message));
      else if (message.kind === 'request') void answer(worker, message.id, message.request);
      else if (message.kind === 'transfer') options.onTransfer?.(message.transfer);
    });
    worker.on('error', (error) => {
      log.error({ error: describeError(error) }, 'the TFTP thread failed');
      listening.reject(error);
    });
    worker.on('exit', () => {
      if (closing) return;
      setTimeout(() => {
        if (closing) return;
        log.warn({}, 'starting the TFTP thread again');
        start().catch((error) => log.error({ error: describeError(error) }, 'the TFTP thread does not start'));
      }, RESTART_MS).unref();
    });
    return listening.promise;
  }

  async function stop(): Promise<void> {
    closing = true;
    const ended = new Promise((resolve) => current.once('exit', resolve));
    current.postMessage({ kind: 'close' } satisfies ToWorker);
    const late = setTimeout(() => void current.terminate(), 2_000);
    await ended;
    clearTimeout(late);
  }

  try {
    port = await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, close: stop };
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
