import { spawn } from 'node:child_process';
import { open, readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { BakeryError, isErrno } from '../errors.ts';
import { type Clock, systemClock } from './clock.ts';
import { removeFile, writeFileAtomic } from './files.ts';

/**
 * A long-lived daemon that outlives Bakery. The pid alone proves nothing, pids are used again: a process is ours only
 * when its start time (field 22 of /proc/<pid>/stat, ticks since boot, see proc_pid_stat(5)) and the machine's boot are
 * the recorded ones.
 */
export interface DetachedProcess {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
}

/** How a daemon is started. */
export interface DetachedOptions {
  readonly program: string;
  readonly args: readonly string[];
  /** Standard output and error go here, appended. */
  readonly logFile: string;
  /** Where `adopt` finds the process again. Its folder exists. */
  readonly recordFile: string;
  /** Added to a minimal environment (PATH, LC_ALL=C.UTF-8). */
  readonly env?: Readonly<Record<string, string>>;
  /** Working folder; `/` by default. */
  readonly cwd?: string;
  /** A log larger than this is put aside as `<logFile>.1` first; default 4 MiB. */
  readonly maxLogBytes?: number;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const MAX_LOG = 4 * 1024 * 1024;

/** State letter and start time out of /proc/<pid>/stat. The command's name may hold blanks and brackets: cut after the last one. */
export function parseProcStat(text: string): { readonly state: string; readonly startTime: string } | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTime = fields[19];
  return state && startTime && /^\d+$/.test(startTime) ? { state, startTime } : undefined;
}

async function procStat(pid: number): Promise<{ readonly state: string; readonly startTime: string } | undefined> {
  try {
    return parseProcStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** True while exactly this process runs; a zombie does not. */
export async function isAlive(process: DetachedProcess): Promise<boolean> {
  const stat = await procStat(process.pid);
  if (!stat || stat.state === 'Z' || stat.state === 'X') return false;
  return stat.startTime === process.startTime && process.bootId === (await bootId());
}

/**
 * Bounds a log that a daemon has open for appending: above `maxBytes` its last `maxBytes` go to `<file>.1` and the
 * file is cut to nothing in place. Lines written meanwhile may be lost; the daemon need not be told.
 */
export async function boundLog(file: string, maxBytes: number = MAX_LOG): Promise<void> {
  try {
    const handle = await open(file, 'r+');
    try {
      const { size } = await handle.stat();
      if (size <= maxBytes) return;
      const tail = Buffer.alloc(maxBytes);
      const { bytesRead } = await handle.read(tail, 0, maxBytes, size - maxBytes);
      await writeFileAtomic(`${file}.1`, tail.subarray(0, bytesRead), 0o600);
      await handle.truncate(0);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** The last `maxBytes` of a log; empty when there is none. */
export async function logTail(file: string, maxBytes = 2000): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const tail = Buffer.alloc(Math.min(size, maxBytes));
      await handle.read(tail, 0, tail.length, size - tail.length);
      return tail.toString('utf8').trim();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  }
}

/**
 * Starts a daemon in a session of its own, no standard input, output into the log; it survives
 * Bakery's end. Each call starts one more: ask `adopt` first. Bakery dying between the start and the record leaves a
 * process that `findByArgument` finds.
 * @throws BakeryError `tool-missing` (unavailable), `tool-failed` (internal).
 */
export async function startDetached(options: DetachedOptions): Promise<DetachedProcess> {
  await boundLog(options.logFile, options.maxLogBytes);
  const pid = await spawnDetached(options);
  // Already gone: a start time that no process has, so that isAlive says so.
  const startTime = (await procStat(pid))?.startTime ?? '0';
  const process: DetachedProcess = { pid, startTime, bootId: await bootId() };
  try {
    await writeFileAtomic(options.recordFile, `${JSON.stringify(process)}\n`, 0o600);
  } catch (error) {
    await endProcess(process);
    throw error;
  }
  return process;
}

async function spawnDetached(options: DetachedOptions): Promise<number> {
  const log = await open(options.logFile, 'a', 0o600);
  try {
    const child = spawn(options.program, [...options.args], {
      cwd: options.cwd ?? '/',
      detached: true,
      env: { PATH, LC_ALL: 'C.UTF-8', ...options.env },
      stdio: ['ignore', log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => reject(spawnFault(options.program, error)));
    });
    child.unref();
    if (child.pid === undefined) throw spawnFault(options.program, new Error('no pid'));
    return child.pid;
  } finally {
    await log.close();
  }
}

function spawnFault(program: string, cause: Error): BakeryError {
  return isErrno(cause, 'ENOENT')
    ? new BakeryError('unavailable', 'tool-missing', `${program} is not installed`, { cause })
    : new BakeryError('internal', 'tool-failed', `${program} could not be started`, { detail: cause.message, cause });
}

function parseRecord(text: string): DetachedProcess | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, startTime, bootId: boot } = value as Readonly<Record<string, unknown>>;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 2) return undefined;
  return typeof startTime === 'string' && typeof boot === 'string' ? { pid, startTime, bootId: boot } : undefined;
}

/** The recorded process when it still runs; undefined when it ended, never was, or its pid is someone else's now. */
export async function adopt(recordFile: string): Promise<DetachedProcess | undefined> {
  let text: string;
  try {
    text = await readFile(recordFile, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  const process = parseRecord(text);
  return process && (await isAlive(process)) ? process : undefined;
}

/**
 * Processes of the program `name` that have `argument` (something only ours have, such as the path of our own
 * configuration file) on their command line, and live in our mount and network namespaces: the same path in a
 * container is another server's.
 */
export async function findByArgument(name: string, argument: string): Promise<readonly DetachedProcess[]> {
  const own = await namespaces('self');
  const boot = await bootId();
  const found: DetachedProcess[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const argv = (await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (basename(argv[0] ?? '') !== name || !argv.includes(argument)) continue;
    const stat = await procStat(Number(entry));
    if (!stat || own === undefined || (await namespaces(entry)) !== own) continue;
    found.push({ pid: Number(entry), startTime: stat.startTime, bootId: boot });
  }
  return found;
}

async function namespaces(pid: string): Promise<string | undefined> {
  try {
    return `${await readlink(`/proc/${pid}/ns/mnt`)} ${await readlink(`/proc/${pid}/ns/net`)}`;
  } catch {
    return undefined;
  }
}

function signal(process: DetachedProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    globalThis.process.kill(process.pid, name);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}

/** How a process is ended. */
export interface EndOptions {
  /** Time between SIGTERM and SIGKILL; default 5 s. */
  readonly graceMs?: number;
  /** Removed when the process is gone. */
  readonly recordFile?: string;
  readonly clock?: Clock;
}

/**
 * Ends a process: SIGTERM, then SIGKILL after the grace time; resolves when it is gone. Ending one that is gone is fine.
 * @throws BakeryError `process-stuck` (timeout) when it survives SIGKILL for 5 s (uninterruptible in the kernel).
 */
export async function endProcess(process: DetachedProcess, options: EndOptions = {}): Promise<void> {
  const clock = options.clock ?? systemClock;
  for (const [name, graceMs] of [
    ['SIGTERM', options.graceMs ?? 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!(await isAlive(process))) break;
    signal(process, name);
    const until = clock.monotonic() + graceMs;
    while ((await isAlive(process)) && clock.monotonic() < until) await clock.sleep(20);
  }
  if (await isAlive(process)) {
    throw new BakeryError('timeout', 'process-stuck', 'a daemon could not be ended', { detail: `pid ${process.pid}` });
  }
  if (options.recordFile) await removeFile(options.recordFile);
}
