import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A lab that runs, as a user starts one. */
export interface RunningLab {
  readonly base: string;
  readonly token: string;
  /** Everything it printed so far. */
  output(): string;
  /** Resolves once it printed that, behind what it had printed when it was asked for the last time; fails when it ends before. */
  prints(words: string | RegExp): Promise<void>;
  /** Sends its process a signal, and waits for its end. @returns its exit code, or the signal. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
  /** What is left on this machine of all that it has started: processes, loop devices. */
  remains(): string[];
}

const MAIN = fileURLToPath(new URL('./running/main.ts', import.meta.url));

/** What stands in /proc/PID/stat behind the name (proc(5)), by pid; those that are gone have nothing. */
function statOf(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** The lab and its server; as root there are more. */
const LEAST = 2;
const PARENT = 1;
const STARTED = 19;

/** A process and all that come from it, each with its start, which tells it from a later one with that number. */
function familyOf(pid: number): Map<number, string> {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), stat: statOf(Number(name)) }));
  const family = new Map<number, string>();
  let found = stats.filter((one) => one.pid === pid);
  while (found.length > 0) {
    for (const one of found) family.set(one.pid, one.stat[STARTED] ?? '');
    found = stats.filter((one) => !family.has(one.pid) && family.has(Number(one.stat[PARENT])));
  }
  return family;
}

/** Loop devices by the files behind them. */
function loops(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of globSync('/sys/block/loop*/loop/backing_file')) {
    if (existsSync(file)) found.set(file, readFileSync(file, 'utf8').trim());
  }
  return found;
}

/**
 * Starts what `npm start -- --lab …` starts (server/launch/commands.mjs), through other programs if any, and waits until it is ready.
 * Not by the launcher, which may install npm modules: no test may do that to a checkout.
 */
export async function startLab(args: readonly string[], through: readonly string[] = []): Promise<RunningLab> {
  const [program = '', ...argv] = [...through, process.execPath, MAIN, ...args];
  const child: ChildProcess = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? code)),
  );
  let output = '';
  let read = 0;
  let changed = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      changed.resolve();
      changed = Promise.withResolvers();
    });
  }
  const family = new Map<number, string>();
  const root = args.includes('--keep') ? (args[args.indexOf('--keep') + 1] ?? '') : '/run/bakery';
  const gone = ended.then((code) => Promise.reject(new Error(`the lab has ended (${code}):\n${output}`)));
  gone.catch(() => undefined);

  async function prints(words: string | RegExp): Promise<void> {
    for (;;) {
      const rest = output.slice(read);
      const at = typeof words === 'string' ? rest.indexOf(words) : rest.search(words);
      if (at >= 0) {
        read += at + 1;
        return;
      }
      await Promise.race([changed.promise, gone]);
    }
  }
  await prints(/^bakery lab ready \S+\n/m);
  const told = (word: string) => new RegExp(`^${word} +(\\S+)`, 'm').exec(output)?.[1] ?? '';
  return {
    base: told('api'),
    token: told('token'),
    output: () => output,
    prints,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return ended;
      const all = familyOf(child.pid ?? 0);
      for (const [pid, start] of all) family.set(pid, start);
      if (all.size < LEAST) throw new Error(`a lab is more than ${all.size} processes: what is left would not be seen`);
      child.kill(signal);
      return ended;
    },
    remains() {
      const alive = [...family].filter(([pid, start]) => statOf(pid)[STARTED] === start && statOf(pid)[0] !== 'Z');
      const backed = [...loops()].filter(([, file]) => file.startsWith(`${root}/`));
      return [...alive.map(([pid]) => `process ${pid}`), ...backed.map((one) => one.join(' '))];
    },
  };
}
