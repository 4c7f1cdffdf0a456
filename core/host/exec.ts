import { execa } from 'execa';
import { BakeryError, isErrno } from '../errors.ts';
import { type ChildEnd, type PlainChild, runPlain } from './plain-child.ts';

/** How a child process is run. */
export interface ExecOptions {
  /** Ends the child (SIGTERM, then SIGKILL 2 s later) after this many ms. Every call has a limit; default 30 s. */
  readonly timeoutMs?: number;
  /** Bytes for the child's standard input, which is closed after them; none by default. */
  readonly input?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Takes what the child prints, which waits for it, in place of `stdout`. What it throws ends the child, and is thrown. */
  readonly onOutput?: (chunk: Uint8Array) => Promise<void>;
  /** Exit codes that count as success; `[0]` by default. */
  readonly okCodes?: readonly number[];
  /** Working folder. */
  readonly cwd?: string;
  /** Added to a minimal environment (PATH, LC_ALL=C.UTF-8). */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the child when aborted. */
  readonly signal?: AbortSignal;
}

/** What a child process left behind. Output is cut at 8 MiB each. */
export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one program. There is no shell: `args` reach it as they are. */
export type Exec = (program: string, args: readonly string[], options?: ExecOptions) => Promise<ExecResult>;

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** From the end of a child's time to that of ours: SIGKILL comes 2 s after SIGTERM. */
const OVERDUE_MS = 3_000;

/**
 * When a child is ended, a grandchild may still hold its output open, and reading that would never end. The limit holds all
 * the same.
 */
function overdue(timeoutMs: number, signal: AbortSignal | undefined): Promise<'overdue'> {
  return new Promise((resolve) => {
    setTimeout(() => resolve('overdue'), timeoutMs + OVERDUE_MS).unref();
    signal?.addEventListener('abort', () => setTimeout(() => resolve('overdue'), OVERDUE_MS).unref(), { once: true });
  });
}

function stdinOf(input: ExecOptions['input']) {
  if (input === undefined) return { stdin: 'ignore' as const };
  return typeof input === 'string' || input instanceof Uint8Array ? { input } : { stdin: input };
}

/** Hands over each chunk and keeps none. */
function stdoutOf(onOutput: ExecOptions['onOutput'], refused: AbortController) {
  if (!onOutput) return {};
  async function take(chunk: Uint8Array): Promise<readonly Uint8Array[]> {
    if (!refused.signal.aborted) await onOutput?.(chunk).catch((error) => refused.abort(error));
    return [];
  }
  async function* transform(chunk: unknown): AsyncGenerator<Uint8Array> {
    yield* await take(chunk as Uint8Array);
  }
  return { stdout: { transform, binary: true } } as const;
}

/** Runs one whose input or output is streamed. */
async function runStreamed(
  { program, args, env, cwd, timeoutMs, signal }: Omit<PlainChild, 'input'>,
  { input, onOutput }: ExecOptions,
): Promise<ChildEnd> {
  const refused = new AbortController();
  const running = execa(program, [...args], {
    reject: false,
    extendEnv: false,
    env,
    timeout: timeoutMs,
    forceKillAfterDelay: 2_000,
    maxBuffer: 8 * 1024 * 1024,
    stripFinalNewline: false,
    ...stdinOf(input),
    ...stdoutOf(onOutput, refused),
    ...(cwd === undefined ? {} : { cwd }),
    cancelSignal: AbortSignal.any([refused.signal, ...(signal ? [signal] : [])]),
  });
  const result = await Promise.race([running, overdue(timeoutMs, signal)]);
  refused.signal.throwIfAborted();
  if (result === 'overdue') {
    running.catch(() => undefined);
    running.stdout.destroy();
    running.stderr.destroy();
    return { code: undefined, signal: undefined, stdout: '', stderr: '', ended: 'late' };
  }
  return {
    code: result.exitCode,
    signal: result.signal,
    stdout: result.stdout,
    stderr: result.stderr,
    ...(result.timedOut ? { ended: 'late' } : result.isCanceled ? { ended: 'cancelled' } : {}),
    ...(result.isMaxBuffer ? { ended: 'flood' } : {}),
    ...(result.exitCode === undefined && result.code !== undefined && result.cause instanceof Error
      ? { failure: result.cause }
      : {}),
  };
}

/**
 * Runs `program` and waits for its end.
 * @throws BakeryError `tool-missing` (unavailable), `tool-timeout` (timeout), `tool-failed` (internal); the detail holds the
 * command, the exit code and the end of stderr.
 */
export const exec: Exec = async (program, args, options = {}) => {
  const { okCodes = [0], timeoutMs = 30_000, input, onOutput, cwd, signal } = options;
  const wish = { program, args, env: { PATH, LC_ALL: 'C.UTF-8', ...options.env }, cwd, timeoutMs, signal };
  const isPlain = !onOutput && (input === undefined || typeof input === 'string' || input instanceof Uint8Array);
  const end = isPlain ? await runPlain({ ...wish, input }) : await runStreamed(wish, options);
  const command = [program, ...args].join(' ').slice(0, 500);
  if (end.ended === 'late') {
    throw new BakeryError('timeout', 'tool-timeout', `${program} did not end in time`, { detail: command });
  }
  if (end.ended === 'cancelled') {
    throw new BakeryError('internal', 'tool-cancelled', `${program} was cancelled`, { detail: command });
  }
  if (end.failure && isErrno(end.failure, 'ENOENT')) {
    throw new BakeryError('unavailable', 'tool-missing', `${program} is not installed`, { detail: command });
  }
  const { code = -1, stdout, stderr } = end;
  // One that had ended by itself before it was ended for what it printed: the rest of that is lost all the same.
  if (end.ended === 'flood' || !okCodes.includes(code)) {
    const said = (stderr || stdout || describeEnd(end)).trim().slice(-1000);
    throw new BakeryError('internal', 'tool-failed', `${program} failed`, {
      detail: `${command} (exit ${end.code ?? end.signal ?? '?'}): ${said}`,
    });
  }
  return { code, stdout, stderr };
};

function describeEnd({ failure, ended }: ChildEnd): string {
  return failure?.message ?? (ended === 'flood' ? 'it printed too much' : '');
}
