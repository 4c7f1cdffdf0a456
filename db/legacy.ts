import { existsSync, readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { sql } from 'kysely';
import { writeFileAtomic } from '../core/host/files.ts';
import type { PiId } from '../core/ids.ts';
import type { Executor } from './open.ts';

/** A row of the original's table `inventory`, as it is: SQLite keeps any type in any column, and nothing is believed. */
export interface LegacyRow {
  readonly id: unknown;
  readonly status: unknown;
  readonly bakeform: unknown;
  readonly diskIds: unknown;
}

/** What became of one thing of the original. `problem`: not taken over; the next start tries again. */
export type ImportOutcome = 'done' | 'note' | 'problem';

/** One line of what an import did, kept until the server's end. */
export interface ImportRecord {
  /** `pi:<id>`, `disk:<id>`, `bakeform:<name>`; `row:…` and `folder:…` for what is none of these. */
  readonly item: string;
  readonly outcome: ImportOutcome;
  readonly text: string;
  /** What it was made from, below BAKERY_ROOT, and may be deleted once it is done. */
  readonly source?: string | undefined;
  readonly at: number;
}

/** Where the whole import stands: `complete` is never looked at again. */
export type ImportState = 'open' | 'complete';

const PREFIX = 'import:';
const STATE = 'import-state';

/** True for a database of the original that no Bakery has taken over yet. */
export function isLegacyDatabase(sqlite: Database.Database): boolean {
  const tables = sqlite.prepare("select name from sqlite_master where type = 'table'").pluck().all();
  return tables.includes('inventory') && !tables.includes('kysely_migration');
}

/** The same of a file, which is not changed by the question. */
export function isLegacyFile(file: string): boolean {
  const sqlite = new Database(file, { readonly: true });
  try {
    return isLegacyDatabase(sqlite);
  } finally {
    sqlite.close();
  }
}

/**
 * Keeps a consistent copy of the original's database beside it (`<file>.legacy`, mode 0600), durable before it returns. Another
 * copy that is there stays: it may be from an earlier attempt, and the next free name is taken; one with the same bytes will do.
 * @returns the copy's name.
 */
export async function keepLegacyCopy(sqlite: Database.Database, file: string): Promise<string> {
  const bytes = sqlite.serialize();
  for (let n = 1; ; n++) {
    const copy = n === 1 ? `${file}.legacy` : `${file}.legacy-${n}`;
    if (existsSync(copy)) {
      if (readFileSync(copy).equals(bytes)) return copy;
      continue;
    }
    await writeFileAtomic(copy, bytes, 0o600);
    return copy;
  }
}

/** The original's table, by id, or undefined where there is none. Columns that its early versions lacked are null. */
export async function readLegacyInventory(ex: Executor): Promise<LegacyRow[] | undefined> {
  const { rows: columns } = await sql<{ name: string }>`select name from pragma_table_info('inventory')`.execute(ex);
  const names = new Set(columns.map(({ name }) => name));
  if (!names.has('id') || !names.has('status')) return undefined;
  const { rows } = await sql<Record<string, unknown>>`select * from inventory order by id`.execute(ex);
  return rows.map((row) => ({
    id: row.id ?? null,
    status: row.status ?? null,
    bakeform: row.bakeform ?? null,
    diskIds: row.diskIds ?? null,
  }));
}

/**
 * Enters a Pi of the original, in the fridge; one that is there in the fridge gets the flag. In quarantine it is not admitted
 * yet: nobody is given it, and nobody switches it off.
 */
export async function enterLegacyPi(ex: Executor, pi: { id: PiId; quarantine: boolean; now: number }): Promise<void> {
  const flags = { quarantine: pi.quarantine ? 1 : 0, confirmed: 1 };
  await ex
    .insertInto('pis')
    .values({ id: pi.id, state: 'fridge', ...flags, created_at: pi.now })
    .onConflict((c) => c.column('id').doUpdateSet(flags).where('pis.state', '=', 'fridge'))
    .execute();
}

/** Ends the quarantine of a Pi that was taken over. */
export async function admitLegacyPi(ex: Executor, id: PiId): Promise<void> {
  await ex.updateTable('pis').set({ quarantine: 0 }).where('id', '=', id).execute();
}

/** Keeps what became of an item; the last word counts. */
export async function noteImport(ex: Executor, record: ImportRecord): Promise<void> {
  const { item, ...rest } = record;
  const value = JSON.stringify(rest);
  await ex
    .insertInto('settings')
    .values({ key: `${PREFIX}${item}`, value })
    .onConflict((c) => c.column('key').doUpdateSet({ value }))
    .execute();
}

/** Everything kept, by item. */
export async function listImports(ex: Executor): Promise<ImportRecord[]> {
  const rows = await ex
    .selectFrom('settings')
    .selectAll()
    .where('key', '>=', PREFIX)
    .where('key', '<', 'import;')
    .orderBy('key')
    .execute();
  return rows.map((row) => ({ item: row.key.slice(PREFIX.length), ...JSON.parse(row.value) }));
}

/** Forgets what was not taken over, before it is looked at again. */
export async function forgetOpenImports(ex: Executor): Promise<void> {
  for (const { item, outcome } of await listImports(ex)) {
    if (outcome !== 'done') await ex.deleteFrom('settings').where('key', '=', `${PREFIX}${item}`).execute();
  }
}

/** Where the import stands. */
export async function importState(ex: Executor): Promise<ImportState> {
  const row = await ex.selectFrom('settings').select('value').where('key', '=', STATE).executeTakeFirst();
  return row?.value === 'complete' ? 'complete' : 'open';
}

/** Ends the import: what is still lying there is never looked at again. */
export async function completeImport(ex: Executor): Promise<void> {
  await ex
    .insertInto('settings')
    .values({ key: STATE, value: 'complete' })
    .onConflict((c) => c.column('key').doNothing())
    .execute();
}
