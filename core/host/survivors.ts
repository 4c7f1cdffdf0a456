import { readdir, readFile, stat } from 'node:fs/promises';
import { BakeryError, isErrno } from '../errors.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Exec } from './exec.ts';

/** Names, in the environment of every child process, the BAKERY_ROOT it works on. */
const MARK = 'BAKERY_CHILD_OF';
const PATIENCE_MS = 10_000;

/** The folder itself, not its path: in a container the same path is another server's. */
async function identityOf(root: string): Promise<string> {
  const { dev, ino } = await stat(root);
  return `${dev}:${ino}`;
}

/** What is in the environment of every child of the server of `root`, so that `endSurvivors` finds it. */
export async function childMark(root: string): Promise<Readonly<Record<string, string>>> {
  return { [MARK]: await identityOf(root) };
}

/** `exec`, with every child marked so. */
export function markChildren(exec: Exec, mark: Readonly<Record<string, string>>): Exec {
  return (program, args, options = {}) => exec(program, args, { ...options, env: { ...options.env, ...mark } });
}

async function survivorsOf(mark: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    const environ = await readFile(`/proc/${entry}/environ`, 'utf8').catch(() => '');
    if (environ.split('\0').includes(mark)) found.push(Number(entry));
  }
  return found;
}

/**
 * Ends the child processes that a killed server of `root` has left running. SIGKILL does not reach the children of whom it
 * kills: an e2fsck or a copy would go on writing to a file that the next server deletes, mounts or makes anew.
 * @returns the pids that were ended.
 * @throws BakeryError `process-stuck` (timeout) when one survives SIGKILL for 10 s (uninterruptible in the kernel).
 */
export async function endSurvivors(root: string, clock: Clock = systemClock): Promise<number[]> {
  const mark = `${MARK}=${await identityOf(root)}`;
  const ended = new Set<number>();
  const until = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    // A child of a child may have been forked meanwhile: until a look finds none.
    const alive = await survivorsOf(mark);
    if (alive.length === 0) return [...ended];
    if (clock.monotonic() > until) {
      throw new BakeryError('timeout', 'process-stuck', 'a daemon could not be ended', {
        detail: `pids ${alive.join(' ')}`,
      });
    }
    for (const pid of alive) {
      ended.add(pid);
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if (!isErrno(error, 'ESRCH')) throw error;
      }
    }
    await clock.sleep(20);
  }
}
