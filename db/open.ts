import { chmod } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import { BakeryError } from '../core/errors.ts';
import { refuseForeignLog } from './database-file.ts';
import { isLegacyDatabase, keepLegacyCopy } from './legacy.ts';
import { initial } from './migrations/0001-initial.ts';
import { history } from './migrations/0002-history.ts';
import { contract } from './migrations/0003-contract.ts';
import { previousAddress } from './migrations/0004-previous-address.ts';
import { boots } from './migrations/0005-boots.ts';
import { uploads } from './migrations/0006-uploads.ts';
import { manageDisks } from './migrations/0007-manage-disks.ts';
import { switches } from './migrations/0008-switches.ts';
import type { Schema } from './schema.ts';
import { withFaults } from './sqlite-faults.ts';

/** A connection to the inventory. */
export type Db = Kysely<Schema>;
/**
 * What a repository function runs its SQL on. Inside `db.transaction().execute(trx => …)` only `trx` may be used: there
 * is one connection, so `db` would wait for ever there.
 */
export type Executor = Db | Transaction<Schema>;

/** Runs `work` in one transaction: the one that `ex` is, or a new one. */
export function atomically<T>(ex: Executor, work: (trx: Executor) => Promise<T>): Promise<T> {
  return ex.isTransaction ? work(ex) : ex.transaction().execute(work);
}

const MIGRATIONS = {
  '0001-initial': initial,
  '0002-history': history,
  '0003-contract': contract,
  '0004-previous-address': previousAddress,
  '0005-boots': boots,
  '0006-uploads': uploads,
  '0007-manage-disks': manageDisks,
  '0008-switches': switches,
};

/** The names of the migrations that this version knows. */
export function knownMigrations(): readonly string[] {
  return Object.keys(MIGRATIONS);
}

/**
 * Opens (or makes) the database file and brings it to the newest schema. WAL with synchronous=FULL: a commit that has
 * returned survives a power cut, which is what the journal's "intent before effect" rests on. A file of the original Bakery is
 * copied aside before anything in it changes; its table `inventory` stays as it is.
 * @throws BakeryError `database-unusable` (unavailable) when the file is no database, or of a newer Bakery;
 * `database-log-foreign` (conflict).
 */
export async function openDatabase(file: string): Promise<Db> {
  await refuseForeignLog(file);
  let sqlite: Database.Database;
  try {
    sqlite = new Database(file);
    if (isLegacyDatabase(sqlite)) {
      await keepLegacyCopy(sqlite, file);
      // The original made it for everybody to read; what is added to it now is not.
      await chmod(file, 0o600);
    }
    sqlite.pragma('journal_mode = WAL');
    sqlite.pragma('synchronous = FULL');
    sqlite.pragma('foreign_keys = ON');
    sqlite.pragma('busy_timeout = 5000');
  } catch (cause) {
    throw unusable(file, cause);
  }
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: withFaults(sqlite) }) });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const { error } = await migrator.migrateToLatest();
  if (error) {
    await db.destroy();
    throw unusable(file, error);
  }
  return db;
}

function unusable(file: string, cause: unknown): BakeryError {
  const detail = `${file}: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new BakeryError('unavailable', 'database-unusable', 'the database cannot be used', { detail, cause });
}
