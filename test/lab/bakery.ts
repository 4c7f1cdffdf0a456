import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { refuseLeaks } from './leaks.ts';

/** A Bakery server under test: a real child process started by main.ts. */
export interface RunningBakery {
  /** `http://127.0.0.1:PORT/api/v1` */
  readonly base: string;
  readonly token: string;
  readonly root: string;
  readonly tftpPort: number;
  readonly pid: number;
  /** Everything it printed so far. */
  output(): string;
  /** SIGTERM, and its end. */
  stop(): Promise<number | null>;
  /** SIGKILL from outside, and its end. @returns the signal that ended it: not SIGKILL when it had ended by itself. */
  kill(): Promise<NodeJS.Signals | null>;
}

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

interface Start {
  readonly root: string;
  readonly settings?: Readonly<Record<string, string>>;
}

function environmentOf({ root, settings }: Start) {
  return {
    PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    ...(process.env.NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE } : {}),
    BAKERY_ROOT: root,
    BAKERY_HTTP_ADDRESS: '0.0.0.0',
    HTTP_PORT: '0',
    LOG_LEVEL: 'info',
    // No board boots in most tests: none that waits for its turn is to slow them down, and none has given up.
    BAKERY_BOOTS_AT_ONCE: '0',
    BAKERY_FIRST_ROM_BOOTS_AT_ONCE: '0',
    BAKERY_BOOT_STAGGER_SECONDS: '0',
    BAKERY_BOOT_RETRIES: '0',
    ...settings,
  };
}

/** Starts a server and sends it SIGKILL `afterMs` later, ready or not. @returns the signal that ended it. */
export async function startAndKill(options: Start & { afterMs: number }): Promise<NodeJS.Signals | null> {
  const child = spawn(process.execPath, [MAIN], { env: environmentOf(options), stdio: 'ignore', cwd: '/' });
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('close', (_code, signal) => resolve(signal)),
  );
  setTimeout(() => child.kill('SIGKILL'), options.afterMs);
  return ended;
}

/** Starts a server with `settings` as its environment and waits until it is ready. */
export async function startBakery(
  options: Start & {
    timeoutMs?: number;
    /** Another entry than main.ts; it gets two pipes (3, 4) and an IPC channel beside the usual ones. */
    entry?: string;
    /** A program and its arguments through which it is started. */
    through?: readonly string[];
    /** Called as soon as the process is there. */
    onChild?(child: ChildProcess): void;
  },
): Promise<RunningBakery> {
  const [program = '', ...args] = [...(options.through ?? []), process.execPath, options.entry ?? MAIN];
  const child = spawn(program, args, {
    env: environmentOf(options),
    stdio: options.entry ? ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
    cwd: '/',
  });
  options.onChild?.(child);
  let output = '';
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const ready = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
      const base = /^bakery ready (\S+)$/m.exec(output)?.[1];
      if (base) ready.resolve(base);
    });
  }
  const timer = setTimeout(
    () => ready.reject(new Error(`bakery was not ready in time:\n${output.slice(-4000)}`)),
    options.timeoutMs ?? 60_000,
  );
  ended.then((code) => ready.reject(new Error(`bakery ended (${code}) before it was ready:\n${output.slice(-4000)}`)));
  try {
    const told = await ready.promise;
    const base = told.replace(/\/\/[^:/]+/, '//127.0.0.1');
    return {
      base,
      token: (await readFile(join(options.root, 'admin-token'), 'utf8')).trim(),
      root: options.root,
      tftpPort: Number(/^tftp +\S+:(\d+)/m.exec(output)?.[1] ?? 0),
      pid: child.pid ?? 0,
      output: () => output,
      stop: () => endWith(child, 'SIGTERM', ended),
      async kill() {
        await endWith(child, 'SIGKILL', ended);
        return child.signalCode;
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function endWith(child: ChildProcess, signal: NodeJS.Signals, ended: Promise<number | null>) {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  return ended;
}

/** Ends what a server leaves running and mounted for its Pis (`npm start -- stop`). */
export async function stopLeftovers(root: string, through: readonly string[] = []): Promise<void> {
  const [program = '', ...args] = [...through, process.execPath, MAIN, 'stop'];
  const child = spawn(program, args, {
    env: {
      PATH: process.env.PATH ?? '',
      ...(process.env.NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE } : {}),
      BAKERY_ROOT: root,
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`bakery stop failed (${code})`);
}

/** A call of the API as an operator's script would make it. @throws Leak when the answer tells what no client may know. */
export async function call(
  bakery: Pick<RunningBakery, 'base' | 'token'> & { readonly root?: string },
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: never }> {
  const raw = body instanceof Uint8Array || body instanceof ReadableStream;
  const response = await fetch(`${bakery.base}${path}`, {
    method,
    headers: { authorization: `Bearer ${bakery.token}` },
    ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body), duplex: 'half' }),
  } as RequestInit);
  const text = await response.text();
  const contentType = response.headers.get('content-type');
  refuseLeaks(`${method} ${path}`, { status: response.status, contentType, body: text }, bakery.root);
  const json = contentType?.includes('json');
  return { status: response.status, body: (json ? JSON.parse(text) : text) as never };
}
