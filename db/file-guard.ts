import { stat } from 'node:fs/promises';
import { sql } from 'kysely';
import { isErrno } from '../core/errors.ts';
import type { Db } from './open.ts';

/** Watches that the file we write to is the one that the next start will read. */
export interface FileGuard {
  /** Looks; closes the connection to changes when the file is not at its name any more, opens it when it is back. */
  check(): Promise<void>;
  /** True while the file is elsewhere, or another is in its place. */
  isMoved(): boolean;
}

async function identityOf(file: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(file, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

/**
 * Remembers the file as it is now. Everything written to a file that was moved or deleted would be lost with it: SQLite does
 * not notice in WAL mode. Reads go on.
 */
export async function guardFile(db: Db, file: string): Promise<FileGuard> {
  const ours = await identityOf(file);
  let moved = false;
  return {
    isMoved: () => moved,
    async check() {
      const isMoved = (await identityOf(file)) !== ours;
      if (isMoved === moved) return;
      await sql`pragma query_only = ${sql.raw(isMoved ? 'on' : 'off')}`.execute(db);
      moved = isMoved;
    },
  };
}
