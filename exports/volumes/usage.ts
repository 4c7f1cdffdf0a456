import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../core/errors.ts';
import type { Pool, PoolFolder } from './pool.ts';

/** What lies in one folder of the pool. */
export interface FolderUsage {
  readonly folder: PoolFolder;
  readonly files: number;
  /** Bytes that they have on the pool. What two of them share counts twice. */
  readonly bytes: number;
}

/** Where volumes lie: whole ones, those to bake from, destroyed ones. */
export const VOLUME_FOLDERS = ['volumes', 'golden', 'trash'] as const satisfies readonly PoolFolder[];

async function usageOf(pool: Pick<Pool, 'path'>, folder: PoolFolder): Promise<FolderUsage> {
  const at = pool.path(folder, '');
  let files = 0;
  let bytes = 0;
  for (const name of await readdir(at)) {
    try {
      const { blocks } = await stat(join(at, name));
      files++;
      bytes += blocks * 512;
    } catch (error) {
      // Removed or renamed since the folder was read.
      if (!isErrno(error, 'ENOENT')) throw error;
    }
  }
  return { folder, files, bytes };
}

/** Counts the volumes of a pool, folder by folder. */
export async function usageOfPool(pool: Pick<Pool, 'path'>): Promise<FolderUsage[]> {
  const found: FolderUsage[] = [];
  for (const folder of VOLUME_FOLDERS) found.push(await usageOf(pool, folder));
  return found;
}
