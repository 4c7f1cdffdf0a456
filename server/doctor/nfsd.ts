import { readFile } from 'node:fs/promises';
import { BakeryError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import type { Finding } from './judge.ts';

/** What the backend nfsd needs of this machine. */
export interface NfsdFacts {
  /** The kernel has its NFS server built in or loaded, or could load it. */
  readonly hasKernel: boolean;
  /** Programs of the package nfs-kernel-server that are not there. */
  readonly missing: readonly string[];
  /** Threads that serve now; undefined where nobody can tell. */
  readonly threads: number | undefined;
  /** nfs.conf tells mountd to look up users' groups here, and not to believe the client. */
  readonly managesGroups: boolean;
}

const PROGRAMS = ['exportfs', 'rpc.nfsd', 'rpc.mountd'];

/** Looks, and changes nothing. */
export async function lookAtNfsd(exec: Exec): Promise<NfsdFacts> {
  const systems = await readFile('/proc/filesystems', 'utf8');
  const canLoad = async () => (await exec('modprobe', ['-n', 'nfsd'], { okCodes: [0, 1] })).code === 0;
  const hasKernel = /\tnfsd$/m.test(systems) || (await canLoad().catch(() => false));
  const found = await Promise.all(PROGRAMS.map((program) => isThere(exec, program)));
  const threads = await readFile('/proc/fs/nfsd/threads', 'utf8').catch(() => undefined);
  const told = await exec('nfsconf', ['--get', 'mountd', 'manage-gids']).catch(() => undefined);
  return {
    hasKernel,
    missing: PROGRAMS.filter((_program, i) => !found[i]),
    threads: threads === undefined ? undefined : Number.parseInt(threads, 10),
    managesGroups: /^(1|y|yes|t|true|on)$/i.test(told?.stdout.trim() ?? ''),
  };
}

/** Each of them prints its usage and ends when it does not know an option. */
async function isThere(exec: Exec, program: string): Promise<boolean> {
  try {
    await exec(program, ['--help'], { timeoutMs: 5_000 });
    return true;
  } catch (error) {
    return !(error instanceof BakeryError && error.code === 'tool-missing');
  }
}

/** Whether the kernel's NFS server can be used, and how. */
export function judgeNfsd({ hasKernel, missing, threads, managesGroups }: NfsdFacts): Finding[] {
  const name = 'nfsd';
  if (!hasKernel) {
    const cure = 'modprobe nfsd on the host, or BAKERY_NFS_BACKEND=ganesha';
    return [{ name, state: 'bad', text: 'this kernel has no NFS server', cure }];
  }
  if (missing.length > 0) {
    const cure = 'apt-get install --no-install-recommends nfs-kernel-server';
    return [{ name, state: 'bad', text: `${missing.join(', ')} missing`, cure }];
  }
  if ((threads ?? 0) > 0 && managesGroups) {
    const text = "mountd looks up the groups of Pis' users on this machine, which does not know them (manage-gids)";
    return [{ name, state: 'look', text, cure: 'manage-gids=n below [mountd] in /etc/nfs.conf, and restart it' }];
  }
  const text =
    (threads ?? 0) > 0 ? `${threads} threads of the kernel's NFS server run` : 'the kernel has it; Bakery starts it';
  return [{ name, state: 'ok', text }];
}
