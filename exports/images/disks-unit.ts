import type { Finding } from '../../core/bakeform.ts';
import { BakeryError } from '../../core/errors.ts';
import { readBeneath } from '../../core/host/files.ts';
import { finding } from './lint.ts';
import { isFolder } from './tree.ts';
import { installUnits, missingIn, unitPath } from './units.ts';

const UNIT_NAMES = ['bakery-disks.service', 'bakery-disks-watch.service'] as const;

/** Roots that were made for the original Bakery read `disks.json` themselves, and count on loop0 for its first entry. */
async function hasReader(root: string, bootFolder: string): Promise<boolean> {
  if (await isFolder(root, 'var/vcap')) return true;
  return ((await readBeneath(root, `${bootFolder}/cmdline.txt`))?.toString('utf8') ?? '').includes('{{');
}

/**
 * Puts `bakery-disks` into a mounted golden root: it sets up the disks that a Pi gets (docs/disks.md). Idempotent. Left out, and told
 * why, where it could not run or would be in the way of another.
 */
export async function addDisksUnit(root: string, bootFolder: string): Promise<Finding> {
  const leftOut = (why: string) => finding('info', 'disks-unit-left-out', `bakery-disks is not put in: ${why}`);
  if (await hasReader(root, bootFolder)) return leftOut('the image has a reader of disks.json of its own');
  const missing = await missingIn(root, 'systemd', 'losetup');
  if (missing.length > 0) return leftOut(`the root has no ${missing.join(' and no ')}`);
  try {
    await installUnits(root, 'bakery-disks', UNIT_NAMES);
  } catch (error) {
    // An image that works without it is not refused for it.
    if (!(error instanceof BakeryError) || error.code !== 'path-refused') throw error;
    return leftOut('a link or a special file is where it belongs');
  }
  const message = 'bakery-disks sets up the disks that a Pi is given, from /piConfig/disks.json';
  return finding('info', 'disks-unit-added', message, unitPath(UNIT_NAMES[0]));
}
