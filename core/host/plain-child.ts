import { spawn } from 'node:child_process';

/** A child process that is given all of its input at once, and whose output is kept. */
export interface PlainChild {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  readonly input?: string | Uint8Array | undefined;
  /** Then it is ended, in ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** How it ended. */
export interface ChildEnd {
  /** Its exit status; undefined where it had none. */
  readonly code: number | undefined;
  /** What it was ended by. */
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Why we ended it: it took too long, nobody wants it any more, it printed more than is kept. */
  readonly ended?: 'late' | 'cancelled' | 'flood';
  /** It was never begun. */
  readonly failure?: NodeJS.ErrnoException;
}

/** Of each of its outputs. */
const MAX_BYTES = 8 * 1024 * 1024;
/** From SIGTERM to SIGKILL. */
const GRACE_MS = 2_000;
/** From SIGTERM to the end of our patience: a grandchild may hold the output open, and reading it would never end. */
const OVERDUE_MS = 3_000;

/**
 * Runs one and resolves with its end; never rejects. As execa does it, of which streams need the rest (exec.ts); this takes half the
 * time: nearly all programs that a Pi waits for end within milliseconds.
 */
export function runPlain(wish: PlainChild): Promise<ChildEnd> {
  const { program, args, env, cwd, input, timeoutMs, signal } = wish;
  const nothing = { code: undefined, signal: undefined, stdout: '', stderr: '' };
  if (signal?.aborted) return Promise.resolve({ ...nothing, ended: 'cancelled' });
  return new Promise((resolve) => {
    let child: ReturnType<typeof spawn>;
    try {
      child = spawn(program, args, {
        env,
        ...(cwd === undefined ? {} : { cwd }),
        stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      });
    } catch (failure) {
      // A NUL in an argument, for one.
      resolve({ ...nothing, failure: failure as NodeJS.ErrnoException });
      return;
    }
    const { stdin, stdout, stderr } = child;
    let ended: ChildEnd['ended'];
    const timers: NodeJS.Timeout[] = [];

    function end(why: NonNullable<ChildEnd['ended']>): void {
      if (ended) return;
      ended = why;
      child.kill('SIGTERM');
      timers.push(setTimeout(() => child.kill('SIGKILL'), GRACE_MS));
      timers.push(setTimeout(() => settle(child.exitCode, child.signalCode), OVERDUE_MS));
    }

    function collect(stream: typeof stdout): () => string {
      const chunks: Buffer[] = [];
      let bytes = 0;
      stream?.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) end('flood');
        else chunks.push(chunk);
      });
      stream?.on('error', () => undefined);
      return () => Buffer.concat(chunks).toString('utf8');
    }

    const texts = { stdout: collect(stdout), stderr: collect(stderr) };
    const cancel = () => end('cancelled');

    function settle(code: number | null, by: NodeJS.Signals | null, failure?: Error): void {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      stdout?.destroy();
      stderr?.destroy();
      resolve({
        code: code ?? undefined,
        signal: by ?? undefined,
        stdout: texts.stdout(),
        stderr: texts.stderr(),
        ...(ended ? { ended } : {}),
        ...(failure ? { failure } : {}),
      });
    }

    timers.push(setTimeout(() => end('late'), timeoutMs));
    signal?.addEventListener('abort', cancel, { once: true });
    child.once('error', (failure) => {
      // That it could not be killed is no end.
      if (child.pid === undefined) settle(null, null, failure);
    });
    child.once('close', (code, by) => settle(code, by));
    // It may end without having read all of it.
    stdin?.on('error', () => undefined);
    if (input !== undefined) stdin?.end(input);
  });
}
