import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BakeryError, describeError, isErrno } from '../../../core/errors.ts';
import type { Exec } from '../../../core/host/exec.ts';
import { exists } from '../../../core/host/files.ts';

/** A file of the file system by which the kernel's NFS server is controlled (nfsd(7)). */
export function nfsdFile(...names: readonly string[]): string {
  return join('/proc/fs/nfsd', ...names);
}

/** Threads of the kernel's NFS server in our network namespace; undefined where it cannot be asked. 0: it serves nobody. */
export async function countThreads(): Promise<number | undefined> {
  try {
    return Number.parseInt(await readFile(nfsdFile('threads'), 'utf8'), 10);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Sees to it that the kernel's NFS server can be controlled: its module loaded, its file system mounted.
 * @throws BakeryError `nfsd-missing` (unavailable) when this kernel has none.
 */
export async function requireKernel(exec: Exec): Promise<void> {
  if ((await countThreads()) !== undefined) return;
  // The mount asks for the module too; but not in a container, where the host has to have loaded it.
  await exec('modprobe', ['nfsd']).catch(() => undefined);
  try {
    await exec('mount', ['-t', 'nfsd', 'nfsd', nfsdFile()]);
  } catch (error) {
    throw new BakeryError('unavailable', 'nfsd-missing', "this kernel's NFS server cannot be used", {
      detail: `load it on the host (modprobe nfsd), or set BAKERY_NFS_BACKEND=ganesha; ${describeError(error)}`,
      cause: error,
    });
  }
}

/**
 * Ends the time in which NFSv4 clients of an earlier server may take back what they had open, and nobody opens anything else (90 s). An export
 * has one client: nobody is there to take it from them, and they open it anew.
 */
export async function endGrace(): Promise<void> {
  if (!(await exists(nfsdFile('v4_end_grace')))) return;
  await writeFile(nfsdFile('v4_end_grace'), 'Y\n').catch((error) => {
    // Already over, or no NFSv4.
    if (!isErrno(error, 'EBUSY') && !isErrno(error, 'EINVAL')) throw error;
  });
}
