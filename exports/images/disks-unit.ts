import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../../core/bakeform.ts';
import { BakeryError } from '../../core/errors.ts';
import { linkBeneath } from '../../core/host/beneath.ts';
import { readBeneath, replaceBeneath } from '../../core/host/files.ts';
import { finding } from './lint.ts';
import { isFolder, namesIn } from './tree.ts';

/** Where the files are that a root gets. */
export const DISKS_FILES = join(import.meta.dirname, 'files');
/** No folder for programs that are in the PATH: of those many are links in one distribution or another. */
const PROGRAM = 'usr/lib/bakery/bakery-disks';
const UNITS = 'etc/systemd/system';
const UNIT_NAMES = ['bakery-disks.service', 'bakery-disks-watch.service'];
const WANTS = `${UNITS}/multi-user.target.wants`;

/** What `bakery-disks` runs by, and where it may be. awk and a shell are in every Debian. */
const NEEDED: Readonly<Record<string, { readonly folders: readonly string[]; readonly name: string }>> = {
  systemd: { folders: ['usr/lib/systemd', 'lib/systemd'], name: 'systemd' },
  losetup: { folders: ['usr/sbin', 'sbin', 'usr/bin'], name: 'losetup' },
};

async function missingIn(root: string): Promise<string[]> {
  const missing: string[] = [];
  for (const [what, { folders, name }] of Object.entries(NEEDED)) {
    const names = await Promise.all(folders.map((folder) => namesIn(root, folder)));
    if (!names.flat().includes(name)) missing.push(what);
  }
  return missing;
}

/** Roots that were made for the original Bakery read `disks.json` themselves, and count on loop0 for its first entry. */
async function hasReader(root: string, bootFolder: string): Promise<boolean> {
  if (await isFolder(root, 'var/vcap')) return true;
  return ((await readBeneath(root, `${bootFolder}/cmdline.txt`))?.toString('utf8') ?? '').includes('{{');
}

async function install(root: string): Promise<void> {
  const text = (name: string) => readFile(join(DISKS_FILES, name));
  await replaceBeneath(root, PROGRAM, await text('bakery-disks'), 0o755);
  for (const name of UNIT_NAMES) {
    await replaceBeneath(root, `${UNITS}/${name}`, await text(name));
    await linkBeneath(root, `${WANTS}/${name}`, `../${name}`);
  }
}

/**
 * Puts `bakery-disks` into a mounted golden root: it sets up the disks that a Pi gets (docs/disks.md). Idempotent. Left out, and told
 * why, where it could not run or would be in the way of another.
 */
export async function addDisksUnit(root: string, bootFolder: string): Promise<Finding> {
  const leftOut = (why: string) => finding('info', 'disks-unit-left-out', `bakery-disks is not put in: ${why}`);
  if (await hasReader(root, bootFolder)) return leftOut('the image has a reader of disks.json of its own');
  const missing = await missingIn(root);
  if (missing.length > 0) return leftOut(`the root has no ${missing.join(' and no ')}`);
  try {
    await install(root);
  } catch (error) {
    // An image that works without it is not refused for it.
    if (!(error instanceof BakeryError) || error.code !== 'path-refused') throw error;
    return leftOut('a link or a special file is where it belongs');
  }
  const message = 'bakery-disks sets up the disks that a Pi is given, from /piConfig/disks.json';
  return finding('info', 'disks-unit-added', message, `${UNITS}/${UNIT_NAMES[0]}`);
}
