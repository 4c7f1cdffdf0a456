import { mkdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BakeryError } from '../../core/errors.ts';
import { systemClock } from '../../core/host/clock.ts';
import { backUp, type RestorePoint, restoreBackup } from '../../db/backup.ts';
import { stampOf } from '../../db/backup-files.ts';
import { lockRoot } from '../../db/lock.ts';

/** Where a server lives: its BAKERY_ROOT and DB_PATH. */
export interface ServerPlace {
  readonly root: string;
  readonly database: string | undefined;
}

/** The database of a server. */
export function databaseOf({ root, database }: ServerPlace): string {
  return database ?? join(root, 'bakery.db');
}

/**
 * Reads what follows the word `backup` or `restore`: a file, `--force` (of backup), settings.
 * @throws BakeryError `bad-setting` (invalid).
 */
export function readFileCommand(
  command: 'backup' | 'restore',
  args: readonly string[],
): { file: string; force: boolean; flags: string[] } {
  const force = command === 'backup' && args.includes('--force');
  const given = args.filter((arg) => !(force && arg === '--force'));
  // The file is first or last: between them are flags and their values.
  const at = given[0]?.startsWith('--') ? given.length - 1 : 0;
  const file = given[at];
  const isValue = at > 0 && /^--[^=]+$/.test(given[at - 1] ?? '') && given.length % 2 === 0;
  if (!file || file.startsWith('--') || isValue) {
    throw new BakeryError('invalid', 'bad-setting', `${command} needs a file: npm start -- ${command} FILE`);
  }
  return { file: resolve(file), force, flags: given.toSpliced(at, 1) };
}

/** `npm start -- backup FILE`. @returns what to tell the person. @throws what `backUp` throws. */
export async function backupByCommand(
  place: ServerPlace,
  wish: { file: string; force: boolean },
): Promise<readonly string[]> {
  const from = databaseOf(place);
  if (wish.force && (await isSame(wish.file, from))) {
    throw new BakeryError('conflict', 'backup-exists', 'that is the database itself', { detail: from });
  }
  await backUp({ from, to: wish.file, replace: wish.force, now: systemClock.now() });
  return [`made a backup of ${from}: ${wish.file}`];
}

/**
 * `npm start -- restore FILE`, while the server is stopped.
 * @returns what to tell the person, what to do next last.
 * @throws BakeryError `root-in-use` (conflict), and what `restoreBackup` throws.
 */
export async function restoreByCommand(
  place: ServerPlace,
  from: string,
  gate?: (point: RestorePoint) => void,
): Promise<readonly string[]> {
  await mkdir(place.root, { recursive: true, mode: 0o711 });
  const unlock = lockRoot(join(place.root, 'lock.db'));
  try {
    const file = databaseOf(place);
    if (await isSame(from, file)) {
      throw new BakeryError('conflict', 'backup-exists', 'that is the database itself', { detail: file });
    }
    const now = systemClock.now();
    const keepAs = `${file}.before-restore-${stampOf(now)}`;
    const kept = await restoreBackup({ from, file, keepAs, now, ...(gate ? { gate } : {}) });
    return [
      `restored ${from} to ${file}`,
      kept ? `the database before it is kept: ${kept}` : 'there was no database before it',
      'next: start the server; it holds what was under way in the backup, deletes nothing, and reports',
      'what the backup does not know at /api/v1/litter; see docs/backup.md',
    ];
  } finally {
    unlock();
  }
}

async function isSame(a: string, b: string): Promise<boolean> {
  const real = (path: string) => realpath(path).catch(() => path);
  return (await real(a)) === (await real(b));
}
