import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ipv4, parseIpv4 } from '../../core/ids.ts';
import { isLongRun } from '../sizes.ts';

const APT =
  'apt-get install nfs-ganesha nfs-ganesha-vfs gcc libc6-dev rpcbind dbus-daemon libnfs-utils iproute2 util-linux e2fsprogs';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const INSIDE = 'BAKERY_NFS_LAB';

/** What a command left behind. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, at most 10 s. */
export function run(program: string, args: readonly string[]): Ran {
  const result = spawnSync(program, [...args], { encoding: 'utf8', timeout: 10_000, env: { PATH, LC_ALL: 'C.UTF-8' } });
  if (result.error && !('code' in result.error && result.error.code === 'ETIMEDOUT')) throw result.error;
  return { code: result.status ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** Runs a program that has to succeed. */
export function must(program: string, args: readonly string[]): string {
  const { code, stdout, stderr } = run(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} (exit ${code}): ${stderr}`);
  return stdout;
}

/** The folder of this run when we are inside the namespaces; undefined outside. */
export function insideLab(): string | undefined {
  return process.env[INSIDE];
}

function requireTools(): void {
  const tools = [
    'ganesha.nfsd',
    'gcc',
    'rpcbind',
    'rpcinfo',
    'dbus-daemon',
    'nfs-ls',
    'nfs-cat',
    'nfs-cp',
    'ip',
    'unshare',
    'nsenter',
    'mkfs.ext4',
  ];
  const missing = tools.filter(
    (tool) =>
      !PATH.split(':').some((folder) => {
        try {
          accessSync(join(folder, tool), constants.X_OK);
          return true;
        } catch {
          return false;
        }
      }),
  );
  if (missing.length > 0) throw new Error(`${missing.join(', ')} missing; ${APT}`);
  if (process.getuid?.() !== 0) throw new Error('this suite makes namespaces and mounts: run it as root');
}

/**
 * Runs `file` again inside a network, mount and PID namespace of its own; resolves with its exit code. Its end, however it
 * comes, kills every process in the PID namespace, and with the last of them go the mounts, loops and links.
 */
export async function runInLab(file: string): Promise<number> {
  requireTools();
  const folder = mkdtempSync(join(tmpdir(), 'bakery-nfs-test-'));
  // The runner's own variables would make the inner run speak its binary protocol to us.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_TEST')));
  const namespaces = [
    '--mount',
    '--net',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    '--propagation',
    'private',
  ];
  const child = spawn('unshare', [...namespaces, process.execPath, '--test-reporter=spec', file], {
    env: { ...env, [INSIDE]: folder },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), isLongRun ? 1_800_000 : 120_000);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? -1));
    });
  } finally {
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

function address(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (!parsed) throw new Error(text);
  return parsed;
}

/** One client machine: a network namespace, joined to the server's by a veth pair of its own. */
export interface Client {
  readonly name: string;
  readonly address: Ipv4;
  /** The server's address as this client sees it. */
  readonly server: Ipv4;
  /** Lists, reads, or writes over NFS; the URL is made of the path and version. */
  ls(path: string, version: 3 | 4): Ran;
  cat(path: string, version: 3 | 4): Ran;
  put(localFile: string, path: string, version: 3 | 4): Ran;
}

/** The namespaces' inside: clients and volumes. */
export interface Lab {
  readonly folder: string;
  readonly pi: Client;
  readonly other: Client;
  /** Makes and mounts an ext4 volume below `root`/nfs with the file `name.txt` in it; gives the mount point. */
  volume(root: string, name: string): string;
  /** Mounts a tmpfs there: a file system of its own that costs nothing. */
  cheapVolume(root: string, name: string): string;
}

function joinClient(name: string, net: number): Client {
  const [server, own] = [address(`10.99.${net}.1`), address(`10.99.${net}.2`)];
  must('ip', ['netns', 'add', name]);
  must('ip', ['link', 'add', `to-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
  must('ip', ['address', 'add', `${server}/24`, 'dev', `to-${name}`]);
  must('ip', ['link', 'set', `to-${name}`, 'up']);
  must('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  must('ip', ['-n', name, 'address', 'add', `${own}/24`, 'dev', 'eth0']);
  must('ip', ['-n', name, 'link', 'set', 'eth0', 'up']);
  const inside = (program: string, ...args: string[]) => run('nsenter', [`--net=/run/netns/${name}`, program, ...args]);
  // libnfs 4 takes the path as it is: no percent-decoding.
  const url = (path: string, version: number) => `nfs://${server}${path}?version=${version}`;
  return {
    name,
    address: own,
    server,
    ls: (path, version) => inside('nfs-ls', url(path, version)),
    cat: (path, version) => inside('nfs-cat', url(path, version)),
    put: (localFile, path, version) => inside('nfs-cp', localFile, url(path, version)),
  };
}

/** Sets up the inside of the namespaces. */
export function openLab(folder: string): Lab {
  must('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  must('ip', ['link', 'set', 'lo', 'up']);
  const pi = joinClient('pi', 1);
  const other = joinClient('other', 2);
  const mountPoint = (root: string, name: string): string => {
    const path = join(root, 'nfs', name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  return {
    folder,
    pi,
    other,
    volume: (root, name) => {
      const path = mountPoint(root, name);
      const image = join(folder, `${name}.img`);
      writeFileSync(image, '');
      must('truncate', ['-s', '8M', image]);
      must('mkfs.ext4', ['-q', '-F', image]);
      must('mount', ['-o', 'loop', image, path]);
      writeFileSync(join(path, 'name.txt'), `${name}\n`);
      return path;
    },
    cheapVolume: (root, name) => {
      const path = mountPoint(root, name);
      must('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path]);
      return path;
    },
  };
}

/** Starts another Bakery-like parent (nfs-starter.ts) and resolves when it has started the server at `root`. */
export async function startInOtherProcess(root: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'nfs-starter.ts'), root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`starter ended with ${code}`)));
  });
  child.removeAllListeners('exit');
  return child;
}

/** The pid in a record file of core/host/detached.ts. */
export function recordedPid(root: string, part: 'ganesha' | 'bus' | 'rpcbind'): number {
  const record: unknown = JSON.parse(readFileSync(join(root, 'nfs-server', `${part}.process.json`), 'utf8'));
  if (typeof record === 'object' && record !== null && 'pid' in record && typeof record.pid === 'number')
    return record.pid;
  throw new Error('no pid in the record');
}
