import { existsSync, lstatSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lockRoot } from '../../../db/lock.ts';

const NAME = 'bakery-lab-';
/** Made under this name, so that nobody takes one for dead that is not locked yet. */
const UNFINISHED = 'bakery-new-lab-';
const LOCK = 'lab.lock';

/** Removes the folder of a lab that was killed; one that lives holds its lock, and those of others are not looked at. */
function removeDead(folder: string): void {
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || !existsSync(join(folder, LOCK))) return;
  const release = lockRoot(join(folder, LOCK));
  try {
    rmSync(folder, { recursive: true, force: true });
  } finally {
    release();
  }
}

/**
 * Makes a folder below `parent` for one lab, and removes those of labs that were killed: the kernel lets go of a lock with its process,
 * whatever ends it, or with whoever forgets this. @returns its path, and what removes it.
 */
export function openLabFolder(parent: string): { readonly folder: string; close(): void } {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(NAME)) continue;
    try {
      removeDead(join(parent, name));
    } catch {
      // Its lab lives, or another one that starts removes it.
    }
  }
  const unfinished = mkdtempSync(join(realpathSync(parent), UNFINISHED));
  const release = lockRoot(join(unfinished, LOCK));
  const folder = unfinished.replace(UNFINISHED, NAME);
  renameSync(unfinished, folder);
  return {
    folder,
    close() {
      rmSync(folder, { recursive: true, force: true });
      release();
    },
  };
}
