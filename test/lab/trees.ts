import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { walk } from './image/tree.ts';

/** Every file and link below a folder, with a hash of what it holds. No link is followed. */
function contents(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of walk(folder)) {
    const at = join(folder, path);
    const stat = lstatSync(at);
    if (stat.isDirectory()) continue;
    const bytes = stat.isFile() ? readFileSync(at) : stat.isSymbolicLink() ? readlinkSync(at) : '';
    found.set(path, createHash('sha256').update(bytes).digest('hex'));
  }
  return found;
}

/** Two trees, file by file: paths of files that differ, that only one has, and that are alike (regular ones only); sorted. */
export function compareTrees(one: string, other: string): { differing: string[]; alone: string[]; alike: string[] } {
  const [left, right] = [contents(one), contents(other)];
  const both = [...left.keys()].filter((path) => right.has(path)).sort();
  const isSame = (path: string) => left.get(path) === right.get(path);
  return {
    differing: both.filter((path) => !isSame(path)),
    alone: [...left.keys(), ...right.keys()].filter((path) => !(left.has(path) && right.has(path))).sort(),
    alike: both.filter((path) => isSame(path) && lstatSync(join(one, path)).isFile()),
  };
}
