import { type ChildProcess, fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BakeryError, describeError, type ErrorKind } from '../errors.ts';
import { type Exec, type ExecOptions, type ExecResult, exec as ownExec } from './exec.ts';

/** Options that can go to another process. */
type PlainOptions = Omit<ExecOptions, 'onOutput' | 'signal' | 'input'> & { readonly input?: string | Uint8Array };

/** What the server says to the process. */
export type RunnerRequest =
  | {
      readonly kind: 'run';
      readonly id: number;
      readonly program: string;
      readonly args: readonly string[];
      readonly options: PlainOptions;
    }
  | { readonly kind: 'cancel'; readonly id: number };

/** What it answers; `ready` once, when it listens. */
export type RunnerAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly result: ExecResult }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly error: {
        readonly kind: ErrorKind;
        readonly code: string;
        readonly message: string;
        readonly detail: string | undefined;
      };
    };

/** Starts programs in a process of its own. */
export interface ChildRunner {
  readonly exec: Exec;
  /** Nothing may be run after it. */
  stop(): void;
}

const MAIN = fileURLToPath(new URL('./child-runner-main.ts', import.meta.url));

interface Pending {
  resolve(result: ExecResult): void;
  reject(error: BakeryError): void;
}

/**
 * A small process that starts programs, and does nothing else. To start one a process is copied for a moment (fork(2)), and while it is, it does
 * nothing: 5 ms for the server, which is large, and 1 ms for this. What is streamed goes through the server itself; so does everything
 * until the process is there, and when it has died, which is then started anew. `env` is that of the process: with the mark of the server's children
 * it ends as they do where the server was killed. `endOrphans` ends the programs of one that died.
 */
export function startChildRunner(
  env: Readonly<Record<string, string>>,
  endOrphans: () => Promise<unknown>,
): ChildRunner {
  const pending = new Map<number, Pending>();
  let nextId = 1;
  let runner: ChildProcess | undefined;
  let isReady = false;
  let isStopped = false;

  function start(): void {
    const cache = getCompileCacheDir();
    const child = fork(MAIN, {
      env: { ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) }), ...env },
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    runner = child;
    // Whoever waits for a program holds the server open by what it waits for.
    child.unref();
    child.channel?.unref();
    child.on('message', (message: RunnerAnswer) => take(message));
    child.on('error', () => undefined);
    child.once('exit', () => {
      const wasReady = isReady;
      isReady = false;
      runner = undefined;
      void settle().then(() => {
        // Not before: what is ended has the mark that the next one has, too. One that cannot even begin is not tried again: the server
        // goes on by itself.
        if (!isStopped && wasReady) start();
      });
    });
  }

  /** Nobody hears any more what its programs did, and they must not go on behind the back of who takes them for failed. */
  async function settle(): Promise<void> {
    const lost = [...pending];
    if (lost.length === 0) return;
    pending.clear();
    const failure = await endOrphans().then(
      () => '',
      (error: unknown) => `, and what it ran could not be ended: ${describeError(error)}`,
    );
    const detail = `the process that runs programs has ended${failure}`;
    for (const [, { reject }] of lost) {
      reject(new BakeryError('internal', 'tool-failed', 'a program was ended', { detail }));
    }
  }

  function take(message: RunnerAnswer): void {
    if (message.kind === 'ready') {
      isReady = true;
      return;
    }
    const one = pending.get(message.id);
    pending.delete(message.id);
    if (pending.size === 0) runner?.channel?.unref();
    if (message.kind === 'done') one?.resolve(message.result);
    else {
      const { kind, code, message: text, detail } = message.error;
      one?.reject(new BakeryError(kind, code, text, detail === undefined ? {} : { detail }));
    }
  }

  function runThere(program: string, args: readonly string[], options: PlainOptions, signal: AbortSignal | undefined) {
    const id = nextId++;
    const done = Promise.withResolvers<ExecResult>();
    pending.set(id, done);
    runner?.channel?.ref();
    const send = (request: RunnerRequest) => runner?.send(request, undefined, undefined, () => undefined);
    send({ kind: 'run', id, program, args, options });
    const cancel = () => send({ kind: 'cancel', id });
    signal?.addEventListener('abort', cancel, { once: true });
    return done.promise.finally(() => signal?.removeEventListener('abort', cancel));
  }

  start();
  return {
    exec(program, args, options = {}) {
      const { onOutput, signal, input, ...plain } = options;
      const isPlain = input === undefined || typeof input === 'string' || input instanceof Uint8Array;
      if (!isReady || onOutput || !isPlain || signal?.aborted) return ownExec(program, args, options);
      return runThere(program, args, { ...plain, ...(input === undefined ? {} : { input }) }, signal);
    },
    stop() {
      isStopped = true;
      if (runner?.connected) runner.disconnect();
    },
  };
}
