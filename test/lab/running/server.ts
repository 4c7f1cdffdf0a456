import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { boundToUs } from '../sh.ts';

/** The lab's Bakery: a process of its own, by the entry that every other is started by. */
export interface LabServer {
  /** Resolves once it ended, with its exit code. */
  readonly ended: Promise<number | null>;
  /** The base of its calls, as this process reaches it. */
  readonly base: string;
  /** Where it serves boot files. */
  readonly tftpPort: number;
  /** Calls its API with the admin token; the status, and what came as JSON. */
  call(method: string, path: string, body?: object | Uint8Array): Promise<{ status: number; body: unknown }>;
  /** Ends it, and waits until it has ended. */
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('../../../server/main.ts', import.meta.url));
/** It ends operations that run; who waits for a lab to end will not wait for more. */
const STOP_MS = 8_000;
const CALL_MS = 60_000;

/** What is said of the environment of this process to the server: no setting of its own but how much it logs. */
const passedOn = (env: NodeJS.ProcessEnv) => ({
  PATH: env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  ...(env.NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE: env.NODE_COMPILE_CACHE } : {}),
  LOG_LEVEL: env.LOG_LEVEL ?? 'warn',
});

/**
 * Starts it and waits until it is ready. Its log goes to stderr as it comes; what it says of itself when it is ready is about
 * addresses that nobody outside can reach, and is not shown. @throws Error when it ends before.
 */
export async function startLabServer(settings: Readonly<Record<string, string>>, token: string): Promise<LabServer> {
  const env = { ...passedOn(process.env), ...settings, BAKERY_ADMIN_TOKEN: token };
  const [program = '', ...args] = boundToUs(process.execPath, MAIN);
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' });
  let tftpPort = 0;
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const base = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const ready = /^bakery ready (\S+)$/.exec(line)?.[1];
      if (ready) resolve(ready.replace(/\/\/[^:/]+/, '//127.0.0.1'));
      tftpPort = Number(/^tftp +\S+:(\d+)$/.exec(line)?.[1] ?? tftpPort);
      if (line.startsWith('{')) process.stderr.write(`${line}\n`);
    });
    ended.then((code) => reject(new Error(`the server ended (${code}) before it was ready`)));
  });
  return {
    ended,
    base,
    tftpPort,
    async call(method, path, body) {
      const raw = body instanceof Uint8Array;
      const answer = await fetch(base + path, {
        method,
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(CALL_MS),
        ...(body === undefined ? {} : { body: raw ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
      });
      const text = await answer.text();
      const isJson = answer.headers.get('content-type')?.includes('json');
      return { status: answer.status, body: isJson ? JSON.parse(text) : text };
    },
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(late);
    },
  };
}
