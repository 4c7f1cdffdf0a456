import { lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sh } from '../lab/sh.ts';

/** Everything in some trees, each as one line: what it is, its inode, and when it and what it tells of itself changed. */
export function listCanaries(trees: readonly string[], { except }: { except: string }): string[] {
  const lines: string[] = [];
  const visit = (path: string) => {
    if (path === except) return;
    const { ino, mode, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
    lines.push(`${path} ${mode.toString(8)} ino ${ino} size ${size} mtime ${mtimeNs} ctime ${ctimeNs}`);
    if ((mode & 0o170000n) === 0o040000n) for (const name of readdirSync(path).toSorted()) visit(join(path, name));
  };
  for (const tree of trees) visit(tree);
  return lines;
}

/**
 * Puts private copies over folders of the machine, so that what is written there in this namespace was written by who runs
 * in it. @returns these folders.
 */
export function privateFolders(): string[] {
  const folders = ['/etc', '/home', '/mnt', '/opt', '/srv'];
  for (const folder of folders) {
    const copy = `/run/canary${folder}`;
    mkdirSync(copy, { recursive: true });
    if (folder === '/etc') sh('cp', '-a', '/etc/.', copy);
    else writeFileSync(join(copy, 'canary'), 'canary');
    sh('mount', '--bind', copy, folder);
  }
  return folders;
}
