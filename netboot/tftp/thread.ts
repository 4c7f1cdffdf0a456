import { Worker } from 'node:worker_threads';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { OpenFiles } from '../../core/host/open-files.ts';
import type { Log } from '../../core/log.ts';
import type {
  FromWorker,
  TftpAnswer,
  TftpLoad,
  TftpRequest,
  TftpTransfer,
  ToWorker,
  WorkerSettings,
} from './messages.ts';

/** What a thread needs of the server. */
export interface ThreadPorts {
  readonly log: Log;
  /** The thread's file. */
  readonly file: URL;
  /** What is sent for a request; undefined: nothing, too much is under way. A throw is answered with ERROR 0 and logged. */
  answer(request: TftpRequest): Promise<TftpAnswer> | undefined;
  /** The MTU on the way to the client, where that is known. It does not throw. */
  mtu(request: TftpRequest): Promise<number | undefined>;
  /** A request that got an answer has ended; `transfer` is undefined when it came to nothing. Once for each, also when the thread dies. */
  onEnd(request: TftpRequest, transfer: TftpTransfer | undefined): void;
  onLoad(load: TftpLoad): void;
  readonly openFiles: Pick<OpenFiles, 'opened'> | undefined;
}

/** One life of a thread. */
export interface Thread {
  /** The port; rejects when it does not come to listen. */
  readonly listening: Promise<number>;
  readonly exited: Promise<void>;
  /** Resolves when it has ended, at once when it has already. */
  end(): Promise<void>;
}

/** A request that got an answer. */
interface UnderWay {
  readonly request: TftpRequest;
  /** What to call when its file is closed. */
  closed: (() => void) | undefined;
}

/** A thread that was told to end and has not is killed after this. */
const END_MS = 2_000;

/** Starts a thread that owns sockets of its own. */
export function startThread(settings: WorkerSettings, ports: ThreadPorts): Thread {
  const { log } = ports;
  const worker = new Worker(ports.file, { workerData: settings });
  const listening = Promise.withResolvers<number>();
  const exited = Promise.withResolvers<void>();
  const underWay = new Map<number, UnderWay>();
  const tell = (message: ToWorker) => worker.postMessage(message);

  async function answer(id: number, request: TftpRequest): Promise<void> {
    const asked = ports.answer(request);
    if (!asked) return tell({ kind: 'turn-away', id });
    const entry: UnderWay = { request, closed: undefined };
    underWay.set(id, entry);
    const mtu = ports.mtu(request);
    let reply: TftpAnswer;
    try {
      reply = await asked;
    } catch (error) {
      log.error({ request, error: describeError(error) }, 'a TFTP request could not be answered');
      reply = { kind: 'error', code: 0, message: 'internal error' };
    }
    if (reply.kind === 'file') entry.closed = ports.openFiles?.opened(reply.root, () => tell({ kind: 'stop', id }));
    tell({ kind: 'answer', id, answer: reply, mtu: await mtu });
  }

  function ended(id: number, transfer: TftpTransfer | undefined): void {
    const entry = underWay.get(id);
    if (!entry) return;
    underWay.delete(id);
    entry.closed?.();
    ports.onEnd(entry.request, transfer);
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
        return ended(message.id, message.transfer);
      case 'dropped':
        return ended(message.id, undefined);
      case 'load':
        return ports.onLoad(message.load);
    }
  });
  worker.on('error', (error) => {
    log.error({ error: describeError(error) }, 'the TFTP thread failed');
    listening.reject(error);
  });
  worker.on('exit', () => {
    listening.reject(new Error('the TFTP thread ended'));
    for (const id of [...underWay.keys()]) ended(id, undefined);
    exited.resolve();
  });
  // It is waited for later, or not at all.
  listening.promise.catch(() => undefined);

  async function end(): Promise<void> {
    tell({ kind: 'close' });
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
