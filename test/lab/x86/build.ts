import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { walk } from '../image/tree.ts';

/** What an emulated x86 machine is started with; shared by all tests. */
export interface MachineFiles {
  readonly kernel: string;
  /** The first root, a cpio archive: Debian's nfs-kernel-server, this Node, and an init. */
  readonly root: string;
}

/** Begins every name of ours in the cache folder, which others may use too. */
const PREFIX = 'x86-';

/** Whatever may change it, this builder's own code included, changes the key. */
function cacheKey(also: readonly string[]): string {
  const hash = createHash('sha256').update(`${process.version}${also.map((name) => `\0${name}`).join('')}`);
  for (const folder of [import.meta.dirname, join(import.meta.dirname, '../image')]) {
    // Of the other builder only its code, and not what only runs the machine: each build takes 200 MB.
    const isBuilt = (name: string) =>
      folder === import.meta.dirname ? name !== 'machine.ts' : /^[a-z]+\.ts$/.test(name);
    const names = walk(folder).filter(isBuilt);
    for (const name of names) {
      const file = join(folder, name);
      if (lstatSync(file).isFile()) hash.update(`${name}\0`).update(readFileSync(file));
    }
  }
  return hash.digest('hex').slice(0, 24);
}

/**
 * Gives the files of a machine with Debian's cloud kernel, which has the NFS server that this machine's kernel may lack. The first call
 * builds them (network to the machine's own Debian mirror, some 10 s); later ones find them in `$BAKERY_TEST_CACHE` or ~/.cache/bakery-test.
 * One that has the Debian packages `also` is another one, kept beside it.
 */
export function buildMachine(also: readonly string[] = []): MachineFiles {
  const cache = process.env.BAKERY_TEST_CACHE || join(homedir(), '.cache/bakery-test');
  const root = join(cache, `${PREFIX}${cacheKey(also)}.cpio`);
  const files = { root, kernel: `${root}.vmlinuz` };
  // The root is renamed into place last.
  if (existsSync(root)) return files;
  mkdirSync(cache, { recursive: true });
  const main = join(import.meta.dirname, 'build-main.ts');
  const builder = [process.execPath, main, root, join(cache, `${PREFIX}build-`), ...also];
  const lock = join(cache, `${PREFIX}build.lock`);
  const { status, stderr, error } = spawnSync('flock', ['--exclusive', lock, ...builder], { encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`no machine: ${error?.message ?? stderr.trim().slice(-2000)}`);
  return files;
}
