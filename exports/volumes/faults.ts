import { BakeryError, describeError, isErrno } from '../../core/errors.ts';

/** What programs print for these errors, in the C locale that they are run in (strerror(3)). */
const NO_SPACE = /No space left on device|Disk quota exceeded/;
const READ_ONLY = /Read-only file system/;

/** What the disk is to blame for, as a BakeryError that says so; any other error as it is. */
export function toDiskFault(error: unknown): unknown {
  const isTool = error instanceof BakeryError && error.code === 'tool-failed';
  const said = isTool ? (error.detail ?? '') : '';
  const told = { cause: error, detail: describeError(error) };
  if (isErrno(error, 'ENOSPC') || isErrno(error, 'EDQUOT') || NO_SPACE.test(said)) {
    return new BakeryError('no-space', 'pool-full', 'the pool has no room for that', told);
  }
  if (isErrno(error, 'EROFS') || READ_ONLY.test(said)) {
    return new BakeryError('unavailable', 'root-read-only', "the server's disk is read-only", told);
  }
  return error;
}

/** The same object, whose methods throw such faults. */
export function withDiskFaults<T extends object>(target: T): T {
  const wrapped = Object.entries(target).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'function') return [name, value];
    const method = async (...args: unknown[]): Promise<unknown> => {
      try {
        return await Reflect.apply(value, target, args);
      } catch (error) {
        throw toDiskFault(error);
      }
    };
    return [name, method];
  });
  return Object.fromEntries(wrapped) as T;
}
