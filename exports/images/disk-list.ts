import { BakeryError, isErrno } from '../../core/errors.ts';
import { readBeneath } from '../../core/host/files.ts';
import { replaceBeneath } from '../../core/host/replace.ts';
import { blamingRoot } from './faults.ts';

/** What bakery-disks reads on the Pi, and what it tells. */
const LIST = 'piConfig/disks.json';
const STATE = 'var/lib/bakery/disks.state';
const MOST_STATE_BYTES = 64 * 1024;

/**
 * Replaces the list of disks on a mounted root; a Pi that reads meanwhile sees the old or the new one.
 * @throws BakeryError `root-unfit` (invalid), `path-refused` (forbidden), `root-full` (no-space).
 */
export function writeDiskList(root: string, text: string): Promise<void> {
  return blamingRoot(async () => {
    try {
      await replaceBeneath(root, LIST, text);
    } catch (error) {
      if (!isErrno(error, 'ENOSPC') && !isErrno(error, 'EDQUOT')) throw error;
      throw new BakeryError('no-space', 'root-full', 'the root of that Pi is full', { cause: error });
    }
  });
}

/** The ids of the disks that a Pi says it has set up; none when it says nothing. Nobody but the Pi itself is bound by what it says. */
export async function readDiskState(root: string): Promise<readonly string[]> {
  const text = (await readBeneath(root, STATE, MOST_STATE_BYTES))?.toString('utf8') ?? '';
  return text.split('\n').filter((line) => line !== '');
}
