import { link, open, rename } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import Database from 'better-sqlite3';
import { BakeryError, describeError, isErrno } from '../core/errors.ts';
import { removeFile, syncFile, syncFolder } from '../core/host/files.ts';
import { partialOf } from './backup-files.ts';
import { MARK } from './backup-mark.ts';
import { hasForeignLog, sizeOf } from './database-file.ts';
import { knownMigrations } from './open.ts';

/** How many pages are copied at a time; between two such times the process does other things. */
const PAGES_AT_ONCE = 256;

/** What was thrown, when it has a code already. */
function orElse(cause: unknown, kind: 'unavailable', code: string, message: string): BakeryError {
  if (cause instanceof BakeryError) return cause;
  return new BakeryError(kind, code, message, { detail: describeError(cause), cause });
}

async function removeAll(file: string): Promise<void> {
  for (const end of ['', '-wal', '-shm', '-journal']) await removeFile(`${file}${end}`);
}

/**
 * Copies a database that others may be writing to. One read transaction is held all the while: what they commit meanwhile is not
 * in the copy, and does not make it begin anew.
 */
async function copyDatabase(from: string, to: string): Promise<void> {
  await (await open(to, 'wx', 0o600)).close();
  const source = new Database(from, { fileMustExist: true, timeout: 5_000 });
  try {
    source.exec('BEGIN');
    source.prepare('SELECT count(*) FROM sqlite_master').get();
    await source.backup(to, { progress: () => PAGES_AT_ONCE });
  } finally {
    source.close();
  }
}

/** Makes a fresh copy a backup: without a write-ahead log, whole, of a Bakery that we know, and marked as what it is. */
function finishCopy(file: string, now: number): void {
  const copy = new Database(file, { fileMustExist: true });
  try {
    copy.pragma('journal_mode = DELETE');
    copy.pragma('synchronous = FULL');
    const found = copy.pragma('integrity_check', { simple: true });
    if (found !== 'ok') throw damaged(String(found));
    const tables = copy.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all();
    for (const table of ['settings', 'operations', 'kysely_migration']) {
      if (!tables.includes(table)) throw damaged(`it has no table ${table}`);
    }
    const known = knownMigrations();
    const unknown = copy
      .prepare('SELECT name FROM kysely_migration')
      .pluck()
      .all()
      .filter((name) => !known.includes(String(name)));
    if (unknown.length > 0) {
      const message = 'the database is of a newer version of Bakery';
      throw new BakeryError('conflict', 'backup-newer', message, { detail: unknown.join(', ') });
    }
    copy
      .prepare('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value')
      .run(MARK, JSON.stringify({ at: now }));
  } finally {
    copy.close();
  }
}

function damaged(detail: string): BakeryError {
  return new BakeryError('invalid', 'backup-damaged', 'the file is no whole database of Bakery', { detail });
}

/** Takes away the write-ahead log of a database that nobody has open, by writing it into the database. */
function settleLog(file: string): void {
  const database = new Database(file, { fileMustExist: true, timeout: 5_000 });
  try {
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.pragma('journal_mode = DELETE');
  } finally {
    database.close();
  }
}

/**
 * Makes a consistent copy of a database, whoever is writing to it, under a name that appears when the copy is whole, checked and
 * on disk: mode 0600, marked as a backup, without files beside it.
 * @throws BakeryError `database-missing`, `backup-folder-missing` (not-found), `backup-exists` (conflict) unless `replace`,
 * `backup-damaged` (invalid) when the copy is not whole, `backup-failed` (unavailable).
 */
export async function backUp(options: { from: string; to: string; replace: boolean; now: number }): Promise<void> {
  const { from, to, replace, now } = options;
  if (!(await sizeOf(from))) {
    throw new BakeryError('not-found', 'database-missing', 'there is no database to make a backup of', {
      detail: from,
    });
  }
  if ((await sizeOf(dirname(to))) === undefined) {
    throw new BakeryError('not-found', 'backup-folder-missing', 'the folder for the backup does not exist', {
      detail: dirname(to),
    });
  }
  const exists = new BakeryError('conflict', 'backup-exists', 'there is a file of that name already', { detail: to });
  const partial = partialOf(to);
  try {
    await copyDatabase(from, partial);
    finishCopy(partial, now);
    await syncFile(partial);
    // Unlike a rename, a link never takes another file's place.
    if (replace) await rename(partial, to);
    else await link(partial, to);
    await removeFile(partial);
    await syncFolder(dirname(to));
  } catch (error) {
    await removeAll(partial);
    if (isErrno(error, 'EEXIST')) throw exists;
    throw orElse(error, 'unavailable', 'backup-failed', 'the backup could not be made');
  }
}

/** Gives a file a second name that nothing has: `name`, or one with a number behind it. */
async function linkFree(file: string, name: string): Promise<string> {
  for (let n = 1; ; n++) {
    const free = n === 1 ? name : `${name}-${n}`;
    try {
      await link(file, free);
      return free;
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
  }
}

/** Where a restore may be held by a test that kills it there. */
export type RestorePoint = 'begun' | 'staged' | 'settled' | 'kept' | 'replaced';

/**
 * Puts a copy of the database `from` in the place of `file`, which nobody may have open. At every moment either the old or the new
 * one is there, whole. The old one stays beside it under another name.
 * @returns the name of the old one; undefined when there was none.
 * @throws BakeryError `backup-missing` (not-found), `backup-damaged` (invalid), `backup-newer` (conflict), `restore-failed`.
 */
export async function restoreBackup(options: {
  from: string;
  file: string;
  /** The name of the old one; where it is taken, a number is added. */
  keepAs: string;
  now: number;
  gate?: (point: RestorePoint) => void;
}): Promise<string | undefined> {
  const { from, file, keepAs, now, gate = () => undefined } = options;
  if (!(await sizeOf(from))) {
    throw new BakeryError('not-found', 'backup-missing', 'there is no such backup', { detail: from });
  }
  if (await hasForeignLog(from)) throw damaged(`${basename(from)}-wal belongs to another database`);
  const staged = `${file}.restore.partial`;
  gate('begun');
  try {
    await removeAll(staged);
    await copyDatabase(from, staged);
    finishCopy(staged, now);
    await syncFile(staged);
    gate('staged');
    const kept = (await sizeOf(file)) === undefined ? undefined : await keepOld(file, keepAs);
    gate('kept');
    await rename(staged, file);
    await syncFolder(dirname(file));
    gate('replaced');
    // Only where the old one could not be settled. Until they are gone, a start refuses them.
    for (const end of ['-wal', '-shm', '-journal']) await removeFile(`${file}${end}`);
    await syncFolder(dirname(file));
    return kept;
  } catch (error) {
    await removeAll(staged);
    const isUnreadable = error instanceof Database.SqliteError && /NOTADB|CORRUPT/.test(error.code);
    if (isUnreadable) throw damaged(describeError(error));
    throw orElse(error, 'unavailable', 'restore-failed', 'the backup could not be restored; the database is as it was');
  }

  /** Gives the old database a second name. One that cannot be read is kept with its log, as it is. */
  async function keepOld(old: string, name: string): Promise<string> {
    if (!(await hasForeignLog(old))) {
      try {
        settleLog(old);
      } catch {
        // What is broken is kept as it is: it may be the reason for the restore.
      }
    }
    gate('settled');
    const chosen = await linkFree(old, name);
    for (const end of ['-wal', '-journal']) {
      if (await sizeOf(`${old}${end}`)) await link(`${old}${end}`, `${chosen}${end}`);
    }
    await syncFolder(dirname(chosen));
    return chosen;
  }
}
