import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Every file and link below a folder, with a hash of what it holds. */
function contents(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const at = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) continue;
    const stat = lstatSync(at);
    let bytes: string | Buffer = '';
    try {
      if (stat.isFile()) bytes = readFileSync(at);
      else if (stat.isSymbolicLink()) bytes = readlinkSync(at);
    } catch (error) {
      throw new Error(`${at} (${stat.mode.toString(8)}, ${stat.size} bytes) cannot be read`, { cause: error });
    }
    found.set(at.slice(folder.length + 1), createHash('sha256').update(bytes).digest('hex'));
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
