import { open, stat } from 'node:fs/promises';
import { BakeryError, isErrno } from '../core/errors.ts';

const MAGIC = 'SQLite format 3\0';
/** Where the header says how it is written: 1 by a rollback journal, 2 by a write-ahead log (sqlite.org/fileformat, 1.3.3). */
const WRITE_VERSION = 18;

/** The size of a file, undefined when there is none. */
export async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function isWrittenByJournal(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(100), 0, 100, 0);
    return bytesRead === 100 && buffer.toString('latin1', 0, 16) === MAGIC && buffer[WRITE_VERSION] === 1;
  } finally {
    await handle.close();
  }
}

/**
 * True when a write-ahead log lies beside a database that has none: the file was put over another one, whose log is left. SQLite
 * would play that log into it, whatever the header says. Every backup is a database without a log for this reason.
 */
export async function hasForeignLog(file: string): Promise<boolean> {
  if (!(await sizeOf(file)) || !(await sizeOf(`${file}-wal`))) return false;
  return isWrittenByJournal(file);
}

/** @throws BakeryError `database-log-foreign` (conflict) when opening the file would mix it with another database's log. */
export async function refuseForeignLog(file: string): Promise<void> {
  if (!(await hasForeignLog(file))) return;
  const message =
    'the write-ahead log beside the database belongs to another one: a backup was copied over it while its log stayed. Move the files that end in -wal and -shm away, or use the command restore';
  throw new BakeryError('conflict', 'database-log-foreign', message, { detail: `${file}-wal` });
}
