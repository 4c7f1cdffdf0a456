import { execFileSync, spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LAB_ENV } from '../lab/sh.ts';

/** Names that are no plain files, as the root of a Pi may make them on its volume. */
export const TRAPS = [
  'to-passwd',
  'to-outside',
  'to-outside-by-dots',
  'to-other-pi',
  'to-database',
  'to-own-file',
  'to-folder',
  'to-proc',
  'dangling',
  'loop-a',
  'loop-b',
  'itself',
  'fifo',
  'zero',
  'disk',
  'socket',
  'folder',
] as const;

/** What the traps point at. */
export interface Bait {
  /** A folder outside of the server's root. */
  readonly outside: string;
  /** The root of another Pi. */
  readonly otherPi: string;
  /** The server's root. */
  readonly root: string;
}

/** Puts something in the place of `path`, whatever was there. */
export function setTrap(path: string, trap: (typeof TRAPS)[number], bait: Bait): void {
  rmSync(path, { recursive: true, force: true });
  const links: Partial<Record<typeof trap, string>> = {
    'to-passwd': '/etc/passwd',
    'to-outside': join(bait.outside, 'settings.json'),
    'to-outside-by-dots': `${'../'.repeat(30)}${join(bait.outside, 'settings.json')}`,
    'to-other-pi': join(bait.otherPi, 'piConfig/settings.json'),
    'to-database': join(bait.root, 'bakery.db'),
    'to-own-file': 'plain.txt',
    'to-folder': bait.outside,
    'to-proc': '/proc/self/environ',
    dangling: 'nothing-there',
    'loop-a': 'loop-b',
    'loop-b': 'loop-a',
    itself: path,
  };
  const target = links[trap];
  if (target !== undefined) symlinkSync(target, path);
  else if (trap === 'folder') {
    mkdirSync(path);
    writeFileSync(join(path, 'inner'), 'inner');
  } else if (trap === 'socket') leaveSocket(path);
  else {
    const kind = { fifo: ['p'], zero: ['c', '1', '5'], disk: ['b', '7', '0'] }[trap as 'fifo' | 'zero' | 'disk'];
    execFileSync('mknod', [path, ...kind], { env: LAB_ENV });
  }
}

/** A socket that nobody listens at any more. It is bound by its last name alone: a whole path may have only 107 bytes. */
function leaveSocket(path: string): void {
  const listen = 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
  spawnSync(process.execPath, ['-e', listen, basename(path)], { cwd: dirname(path), env: LAB_ENV, timeout: 10_000 });
}

/** A file of two names on one volume is a plain file; one outside cannot be given a second name in it. */
export function linkHard(from: string, to: string): void {
  rmSync(to, { force: true });
  linkSync(from, to);
}
