import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Debian keeps mke2fs, mkfs.vfat and their like in sbin, which is not in every user's PATH. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What the build calls, and the package of each. */
const TOOLS: Readonly<Record<string, string>> = {
  'apt-get': 'apt',
  cpio: 'cpio',
  debugfs: 'e2fsprogs',
  depmod: 'kmod',
  'dpkg-deb': 'dpkg',
  flock: 'util-linux',
  gzip: 'gzip',
  mcopy: 'mtools',
  mke2fs: 'e2fsprogs',
  'mkfs.vfat': 'dosfstools',
  sfdisk: 'fdisk',
  xz: 'xz-utils',
};

function isThere(tool: string): boolean {
  return PATH.split(':').some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Fails with the line that installs what is missing. */
export function requireTools(): void {
  const missing = Object.keys(TOOLS).filter((tool) => !isThere(tool));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => TOOLS[tool]))].sort();
  throw new Error(`${missing.join(', ')} missing; apt-get install ${packages.join(' ')}`);
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** Starts a program with the build's environment; the caller waits for it. */
export function start(program: string, args: readonly string[], options: RunOptions = {}): ChildProcess {
  const proxies = Object.entries(process.env).filter(([name]) => /_proxy$/i.test(name));
  const env = { ...Object.fromEntries(proxies), PATH, LC_ALL: 'C.UTF-8', ...options.env };
  return spawn(program, [...args], { cwd: options.cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Runs a program that has to succeed; gives its standard output. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return (await runBinary(program, args, options)).toString('utf8');
}

/** The same for output that is no text. */
export function runBinary(program: string, args: readonly string[], options: RunOptions = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = start(program, args, options);
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    // A program that ends without reading its input is judged by its exit code.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.stdin ?? '');
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(out));
      const said = Buffer.concat(err).toString('utf8').trim() || Buffer.concat(out).toString('utf8').trim();
      reject(new Error(`${program} ${args.join(' ')} (${signal ?? `exit ${code}`}): ${said.slice(-2000)}`));
    });
  });
}
