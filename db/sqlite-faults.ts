import Database from 'better-sqlite3';
import type { SqliteDatabase, SqliteStatement } from 'kysely';
import { BakeryError } from '../core/errors.ts';
import { createStatements } from './statements.ts';

/** What SQLite says when the file, or the disk below it, is to blame (sqlite.org/rescode). */
const UNUSABLE = /^SQLITE_(READONLY|IOERR|CANTOPEN|CORRUPT|NOTADB|BUSY|LOCKED|PROTOCOL|PERM|AUTH)(_|$)/;

/** The fault of the machine behind an SQLite error, as a BakeryError; any other error as it is. */
export function toDatabaseFault(error: unknown, facts: { isClosedToChanges: boolean }): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const told = { cause: error, detail: `${error.code}: ${error.message}` };
  // An extended code may say that it was a write, to the database, its log or the shared memory beside it.
  if (error.code.startsWith('SQLITE_FULL')) {
    return new BakeryError('no-space', 'database-full', 'the disk of the database is full', told);
  }
  if (error.code === 'SQLITE_READONLY' && facts.isClosedToChanges) {
    return new BakeryError('unavailable', 'database-moved', 'the file of the database was moved away', told);
  }
  if (UNUSABLE.test(error.code)) {
    return new BakeryError('unavailable', 'database-unusable', 'the database cannot be used', told);
  }
  return error;
}

/** A connection for kysely whose faults of the machine are BakeryErrors: every client is answered with what is wrong. */
export function withFaults(sqlite: Database.Database): SqliteDatabase {
  function telling<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw toDatabaseFault(error, { isClosedToChanges: sqlite.pragma('query_only', { simple: true }) === 1 });
    }
  }
  const statements = createStatements(sqlite);
  /** SQLite rolls back by itself when a disk is full; to ask for it once more is an error that would hide the first one. */
  const skipped: SqliteStatement = {
    reader: false,
    all: () => [],
    run: () => ({ changes: 0, lastInsertRowid: 0 }),
    *iterate() {},
  };
  return {
    close: () => void sqlite.close(),
    prepare(sql) {
      if (sql === 'rollback' && !sqlite.inTransaction) return skipped;
      const statement = telling(() => statements(sql));
      return {
        reader: statement.reader,
        all: (parameters) => telling(() => statement.all(...parameters)),
        run: (parameters) => telling(() => statement.run(...parameters)),
        iterate: (parameters) => telling(() => sqlite.prepare(sql).iterate(...parameters)) as IterableIterator<unknown>,
      };
    },
  };
}
