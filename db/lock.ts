import Database from 'better-sqlite3';
import { BakeryError } from '../core/errors.ts';

/**
 * Takes the one lock of a BAKERY_ROOT: an exclusive transaction on a file of its own, which the kernel ends with the
 * process, whatever ends it. Two servers on one root would mount and delete each other's volumes.
 * @returns what gives it back.
 * @throws BakeryError `root-in-use` (conflict).
 */
export function lockRoot(file: string): () => void {
  const lock = new Database(file, { timeout: 0 });
  try {
    lock.pragma('journal_mode = DELETE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    const message = 'another Bakery is running on this BAKERY_ROOT; end it first, by Ctrl+C or SIGTERM';
    throw new BakeryError('conflict', 'root-in-use', message, { detail: file, cause });
  }
  return () => lock.close();
}
