import { createHash } from 'node:crypto';
import { access, constants, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BakeryError, isErrno } from '../../../core/errors.ts';
import type { Exec } from '../../../core/host/exec.ts';
import { exists, removeFile, renameDurably, syncFile } from '../../../core/host/files.ts';

/** What stands between clients and ganesha's own carelessness; why and against what: guard.c. */
const SOURCE = join(import.meta.dirname, 'guard.c');
const BUILT = /^guard-[0-9a-f]{16}\.so/;

/** The guard's source: a server that was started with another one is not ours to adopt. */
export async function guardSource(): Promise<string> {
  return readFile(SOURCE, 'utf8');
}

/**
 * Compiles the guard into `folder`, unless it is there, and removes older ones; gives its file's name. Durable, may be repeated.
 * @throws BakeryError `tool-missing` (unavailable) without gcc, `tool-failed` (internal) without the C library's headers,
 * `nfs-start-failed` (unavailable) when it could not be loaded from there.
 */
export async function buildGuard(exec: Exec, folder: string): Promise<string> {
  const hash = createHash('sha256').update(await guardSource());
  const name = `guard-${hash.digest('hex').slice(0, 16)}.so`;
  for (const other of await readdir(folder)) {
    if (BUILT.test(other) && other !== name) await removeFile(join(folder, other));
  }
  const file = join(folder, name);
  if (!(await exists(file))) {
    const partial = `${file}.partial`;
    await exec('gcc', ['-shared', '-fPIC', '-O2', '-o', partial, SOURCE], { timeoutMs: 60_000 });
    await syncFile(partial);
    await renameDurably(partial, file);
  }
  // On a file system that is mounted `noexec` nothing may be executed, whatever its mode (access(2)).
  await access(file, constants.X_OK).catch((cause: unknown) => {
    throw unguarded(`${file} may not be executed: is its folder on a file system that is mounted noexec?`, cause);
  });
  return name;
}

function unguarded(detail: string, cause?: unknown): BakeryError {
  return new BakeryError('unavailable', 'nfs-start-failed', 'the NFS server did not start', { detail, cause });
}

/** For the environment of a process that is started in the guard's folder: a path with a blank or a colon could not be told. */
export function guardEnvironment(name: string): Readonly<Record<string, string>> {
  return { LD_PRELOAD: `./${basename(name)}` };
}

/**
 * Makes sure that a process has the guard. The dynamic linker goes on without what it cannot load, and every file of the host would be
 * any Pi's. A guard that was not loaded is removed: the next start makes another one.
 * @throws BakeryError `nfs-start-failed` (unavailable).
 */
export async function requireGuard(pid: number, folder: string, name: string): Promise<void> {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return '';
    throw error;
  });
  if (maps.split('\n').some((line) => line.endsWith(`/${name}`))) return;
  await removeFile(join(folder, name));
  throw unguarded(`it runs without its guard, ${join(folder, name)}`);
}
