import { readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { sh } from './sh.ts';

const within = (path: string, folder: string) => path === folder || folder === '/' || path.startsWith(`${folder}/`);

/** Mount points, the latest last; the kernel writes blanks in them as octal numbers. */
function mountPoints(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}

/**
 * Covers folders with an empty read-only tmpfs, in a mount namespace of our own. `needed` are files that must stay in
 * reach. Throws for a folder that is not there (a misspelt one would leave the right one open) and when the mounts are
 * those of our parent, whose folders we would empty.
 */
export function hideFolders(folders: readonly string[], needed: readonly string[]): void {
  if (folders.length === 0) return;
  if (readlinkSync('/proc/self/ns/mnt') === readlinkSync(`/proc/${process.ppid}/ns/mnt`))
    throw new Error('--hide needs a mount namespace of its own: start it with unshare --mount');
  for (const name of folders) {
    if (!statSync(name, { throwIfNoEntry: false })?.isDirectory()) throw new Error(`--hide ${name}: no such folder`);
    const folder = realpathSync(name);
    const lost = needed.map((path) => realpathSync(path)).find((path) => within(path, folder));
    if (lost !== undefined) throw new Error(`--hide ${name}: ${lost} is in it, and the virtual Pi needs that`);
    // This namespace began as a copy of the server's: a mount kept here would keep the server's volume busy for ever.
    for (const at of mountPoints().toReversed()) if (within(at, folder)) sh('umount', '--lazy', at);
    sh('mount', '-t', 'tmpfs', '-o', 'ro,size=4k', 'tmpfs', folder);
  }
}
