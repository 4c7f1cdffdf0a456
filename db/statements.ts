import type Database from 'better-sqlite3';

/** Statements kept at most: those that Bakery has, and some of those that differ by the length of a list. */
const MAX_KEPT = 256;
const IS_KEPT = /^(?:select|insert|update|delete)\s/i;
const CHANGES_SCHEMA = /^(?:create|alter|drop)\s/i;

/**
 * Prepares statements for `sqlite` and keeps them: to prepare takes five times as long as to read a row by its key, and kysely asks for each query. The
 * one that was asked for longest ago is forgotten; all are where the schema changes. Not for `iterate`, during which a statement is busy.
 */
export function createStatements(
  sqlite: { prepare(sql: string): Database.Statement },
  maxKept = MAX_KEPT,
): (sql: string) => Database.Statement {
  const kept = new Map<string, Database.Statement>();
  return (sql) => {
    if (CHANGES_SCHEMA.test(sql)) kept.clear();
    if (!IS_KEPT.test(sql)) return sqlite.prepare(sql);
    const statement = kept.get(sql) ?? sqlite.prepare(sql);
    // The newest last.
    kept.delete(sql);
    kept.set(sql, statement);
    const [oldest] = kept.keys();
    if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest);
    return statement;
  };
}
