import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { linkBeneath } from '../../core/host/beneath.ts';
import { replaceBeneath } from '../../core/host/replace.ts';
import { namesIn } from './tree.ts';

/** Where the files are that a root gets. */
export const UNIT_FILES = join(import.meta.dirname, 'files');
/** No folder for programs that are in the PATH: of those many are links in one distribution or another. */
const PROGRAMS = 'usr/lib/bakery';
const UNITS = 'etc/systemd/system';
const WANTS = `${UNITS}/multi-user.target.wants`;

/** What they run by, and where it may be. awk and a shell are in every Debian. */
const NEEDED = {
  systemd: ['usr/lib/systemd', 'lib/systemd'],
  losetup: ['usr/sbin', 'sbin', 'usr/bin'],
} as const;

/** Which of these a root has not. */
export async function missingIn(root: string, ...needed: readonly (keyof typeof NEEDED)[]): Promise<string[]> {
  const missing: string[] = [];
  for (const name of needed) {
    const names = await Promise.all(NEEDED[name].map((folder) => namesIn(root, folder)));
    if (!names.flat().includes(name)) missing.push(name);
  }
  return missing;
}

/** The path of a unit in a root. */
export const unitPath = (unit: string) => `${UNITS}/${unit}`;

/**
 * Puts a program and its units into a root, started with it. Idempotent.
 * @throws BakeryError `path-refused` (forbidden) where a link or a special file is in the way.
 */
export async function installUnits(root: string, program: string, units: readonly string[]): Promise<void> {
  const text = (name: string) => readFile(join(UNIT_FILES, name));
  await replaceBeneath(root, `${PROGRAMS}/${program}`, await text(program), 0o755);
  for (const unit of units) {
    await replaceBeneath(root, unitPath(unit), await text(unit));
    await linkBeneath(root, `${WANTS}/${unit}`, `../${unit}`);
  }
}
