import type { Finding } from '../../core/bakeform.ts';
import { planChanges } from './changes.ts';
import { addDisksUnit } from './disks-unit.ts';
import { blamingRoot } from './faults.ts';
import { bounded, finding, lintRoot, notesOf } from './lint.ts';
import { isFolder } from './tree.ts';

/** Folders in a root where boot files may be, by age of the image: since Debian 12 `boot/firmware`. */
export type BootFolder = 'boot/firmware' | 'boot';

/** What was done to make a root netboot, and what a person should know. */
export interface Prepared {
  readonly bootFolder: BootFolder;
  /** The same as `lint`, in plain words. */
  readonly notes: readonly string[];
  readonly lint: readonly Finding[];
}

/** Where this root wants its boot files. */
export async function findBootFolder(root: string): Promise<BootFolder> {
  return (await isFolder(root, 'boot/firmware')) ? 'boot/firmware' : 'boot';
}

/**
 * Makes a mounted golden root fit to netboot. Idempotent. `cmdline.txt` is left as it is: it is rendered per Pi. With `isLeft` nothing
 * is changed, and what would have been is told.
 * @throws BakeryError `root-unfit`, `file-too-large` (invalid), `path-refused` (forbidden).
 */
export function prepareRoot(root: string, { isLeft = false }: { isLeft?: boolean } = {}): Promise<Prepared> {
  return blamingRoot(() => prepare(root, isLeft));
}

async function prepare(root: string, isLeft: boolean): Promise<Prepared> {
  const found: Finding[] = [];
  const bootFolder = await findBootFolder(root);
  for (const { done, left, make } of await planChanges(root, bootFolder)) {
    if (isLeft) found.push(...left);
    else if (await make()) found.push(...done);
  }
  if (isLeft) found.push(finding('info', 'not-prepared', 'its root is as it was uploaded (prepare=false)'));
  else found.push(await addDisksUnit(root, bootFolder));
  found.push(...(await lintRoot(root, bootFolder)));
  const lint = bounded(found);
  return { bootFolder, notes: notesOf(lint), lint };
}
