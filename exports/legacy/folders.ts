import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../core/errors.ts';

/**
 * What a folder of the original's `nfs/` is: a root tree; a data disk (one `disk.img`); `empty`; `unfit` for what can be
 * neither (`why` says it).
 */
export type LegacyFolderKind = 'tree' | 'image' | 'empty' | 'unfit';

/** One entry of the original's `nfs/`. */
export interface LegacyFolder {
  readonly name: string;
  readonly kind: LegacyFolderKind;
  readonly why?: string;
  /** Length of `disk.img`. */
  readonly imageBytes: number;
  /** What lies beside `disk.img`. */
  readonly extras: readonly string[];
}

/** Every root file system has at least one of these; no data disk's folder has. */
const OF_A_ROOT = ['bin', 'etc', 'lib', 'sbin', 'usr'];

/** Looks at one entry without following links: a Pi could write into its folders, and put a link there. */
export async function inspectFolder(parent: string, name: string): Promise<LegacyFolder> {
  const folder = join(parent, name);
  const unfit = (why: string): LegacyFolder => ({ name, kind: 'unfit', why, imageBytes: 0, extras: [] });
  if (!(await lstat(folder)).isDirectory()) return unfit('it is not a folder');
  const names = await readdir(folder);
  if (names.length === 0) return { name, kind: 'empty', imageBytes: 0, extras: [] };
  if (names.some((entry) => OF_A_ROOT.includes(entry))) return { name, kind: 'tree', imageBytes: 0, extras: [] };
  if (!names.includes('disk.img')) return unfit('it holds neither a root nor a disk.img');
  const image = await lstat(join(folder, 'disk.img'));
  if (!image.isFile()) return unfit('its disk.img is not a plain file');
  if (image.size === 0) return unfit('its disk.img is empty');
  const extras = names.filter((entry) => entry !== 'disk.img').toSorted();
  return { name, kind: 'image', imageBytes: image.size, extras };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Every entry of the original's `nfs/` but those in `except`, which may be covered by mounts of ours. */
export async function listLegacyFolders(nfs: string, except: ReadonlySet<string>): Promise<LegacyFolder[]> {
  const names = (await namesIn(nfs)).filter((name) => !except.has(name));
  return Promise.all(names.map((name) => inspectFolder(nfs, name)));
}

/** The files `*.img` of the original's `bakeforms/`; an operator may have made links to images that are elsewhere. */
export async function listLegacyImages(bakeforms: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await namesIn(bakeforms)) {
    if (!name.endsWith('.img')) continue;
    const facts = await stat(join(bakeforms, name)).catch(() => undefined);
    if (facts?.isFile()) found.push(name);
  }
  return found;
}

/** The folders of the original's `boot/`: one for each bakeform, with the files that its Pis booted from. */
export async function listLegacyBootFolders(boot: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await namesIn(boot)) {
    if ((await lstat(join(boot, name))).isDirectory()) found.push(name);
  }
  return found;
}
