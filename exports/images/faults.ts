import { BakeryError, describeError } from '../../core/errors.ts';
import { toDiskFault } from '../volumes/faults.ts';

/**
 * What the system says of a file that is not what it should be, or may not be changed (immutable), of a file system that is
 * full (a full pool is an I/O error to it). No fault of this server's: the contents of the root are to blame, and trying again does
 * not help.
 */
const BLAMED = new Set([
  'EACCES',
  'EDQUOT',
  'EEXIST',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'ENODEV',
  'ENOSPC',
  'ENOTDIR',
  'ENOTEMPTY',
  'ENXIO',
  'EPERM',
]);

/**
 * The same of a file system that is damaged: EBADMSG and EUCLEAN (asm-generic/errno.h), which ext4 calls EFSBADCRC and EFSCORRUPTED.
 * libuv has no names for them, so their `code` is "Unknown system error -117".
 */
const DAMAGED = new Set([-74, -117]);

function isTheirs(error: unknown): error is Error {
  if (!(error instanceof Error && 'code' in error && 'errno' in error)) return false;
  return BLAMED.has(String(error.code)) || DAMAGED.has(Number(error.errno));
}

/** Runs `act` on a mounted root. @throws BakeryError `root-unfit` (invalid) where its contents are to blame. */
export async function blamingRoot<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!isTheirs(error)) throw error;
    throw new BakeryError('invalid', 'root-unfit', 'a file in the root cannot be read or changed as it must be', {
      cause: error,
      detail: describeError(error),
    });
  }
}

/**
 * Runs programs on a file system that e2fsck has passed. What others of its family do not take all the same is broken, unless
 * the disk below it is to blame. @throws BakeryError `filesystem-broken` (invalid).
 */
export async function blamingFileSystem<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const isTheirs = error instanceof BakeryError && error.code === 'tool-failed' && toDiskFault(error) === error;
    if (!isTheirs) throw error;
    throw new BakeryError('invalid', 'filesystem-broken', 'the ext4 file system is broken beyond repair', {
      cause: error,
      detail: describeError(error),
    });
  }
}
