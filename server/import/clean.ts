import { lstat, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno } from '../../core/errors.ts';
import { completeImport, type ImportRecord, listImports, noteImport } from '../../db/legacy.ts';
import type { Db } from '../../db/open.ts';

/** What was taken over and still lies in the original's folders. */
export interface Leftover {
  readonly record: ImportRecord;
  /** Below BAKERY_ROOT: a root's folder, a data disk's `disk.img`, a bakeform's image. */
  readonly source: string;
}

/** The only things an import ever leaves behind. Anything else in the database was not written by it. */
const SOURCE = /^(nfs\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\/disk\.img)?|bakeforms\/[^/]+\.img)$/i;

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Every old folder and image that was taken over and is still there. */
export async function listLeftovers(db: Db, root: string): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const record of await listImports(db)) {
    const { outcome, source } = record;
    if (outcome !== 'done' || source === undefined || !SOURCE.test(source)) continue;
    if (await isThere(join(root, source))) found.push({ record, source });
  }
  return found;
}

/**
 * Deletes what `listLeftovers` names, and nothing else: what lies beside a `disk.img` stays, with its folder. Ends the import: what
 * was not taken over is not looked at again. May be repeated.
 */
export async function removeLeftovers(db: Db, root: string, now: number): Promise<Leftover[]> {
  const leftovers = await listLeftovers(db, root);
  await completeImport(db);
  for (const { record, source } of leftovers) {
    const path = join(root, source);
    await rm(path, { recursive: true });
    if (source.endsWith('/disk.img')) {
      await rmdir(dirname(path)).catch((error) => {
        if (!isErrno(error, 'ENOTEMPTY')) throw error;
      });
    }
    await noteImport(db, { ...record, source: undefined, text: `${record.text}; the old one was deleted`, at: now });
  }
  return leftovers;
}
