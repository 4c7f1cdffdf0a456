import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, opendir, rename, stat, symlink, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BakeryError, isErrno } from '../errors.ts';
import { type Owner, openBeneath, refused, walkBeneath } from './files.ts';
import { replaceBeneath } from './replace.ts';

const { O_RDONLY, O_NOFOLLOW, O_DIRECTORY } = constants;

/** Opens a folder beneath `root`; no component may be a link. The caller closes it. Throws the system's ENOENT. */
async function openFolderBeneath(root: string, path: string): Promise<FileHandle> {
  const { folder, name } = await walkBeneath(root, path, false);
  try {
    return await open(`/proc/self/fd/${folder.fd}/${name}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (isErrno(error, 'ELOOP') || isErrno(error, 'ENOTDIR')) throw refused(path, error);
    throw error;
  } finally {
    await folder.close();
  }
}

/**
 * Works beneath a mount point, which is named so that also child processes find it. What is mounted there stays meanwhile, and nothing
 * is written where nothing is mounted: the next mount would cover it.
 * @throws BakeryError `volume-missing` (internal) when nothing is.
 */
export async function withMounted<T>(mountPoint: string, work: (root: string) => Promise<T>): Promise<T> {
  const missing = (cause?: unknown) =>
    new BakeryError('internal', 'volume-missing', 'the volume of the disk is not mounted', {
      detail: mountPoint,
      cause,
    });
  const folder = await open(mountPoint, O_RDONLY | O_DIRECTORY).catch((error) => {
    throw isErrno(error, 'ENOENT') ? missing(error) : error;
  });
  try {
    const [here, above] = await Promise.all([folder.stat(), stat(dirname(mountPoint))]);
    if (here.dev === above.dev) throw missing();
    return await work(`/proc/${process.pid}/fd/${folder.fd}`);
  } finally {
    await folder.close();
  }
}

/** One name in a folder. Links and special files are `other`. */
export interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
}

/** What is in the folder `path` beneath `root`, at most `limit` names; nothing when there is no such folder. */
export async function listBeneath(root: string, path: string, limit: number): Promise<Entry[]> {
  let folder: FileHandle;
  try {
    folder = await openFolderBeneath(root, path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
  try {
    const entries: Entry[] = [];
    // Ended early, the iteration closes the folder.
    for await (const entry of await opendir(`/proc/self/fd/${folder.fd}`)) {
      const kind = entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other';
      if (entries.push({ name: entry.name, kind }) >= limit) break;
    }
    return entries;
  } finally {
    await folder.close();
  }
}

/**
 * Makes the folder `path` beneath `root` with that mode and owner; folders above it that are missing are root's. One that is there
 * stays as it is. @returns whether it was made.
 */
export async function makeFolderBeneath(
  root: string,
  path: string,
  { mode, owner }: { mode: number; owner: Owner },
): Promise<boolean> {
  const { folder, name } = await walkBeneath(root, path, true);
  try {
    await mkdir(`/proc/self/fd/${folder.fd}/${name}`, { mode: 0o700 });
    await folder.sync();
  } catch (error) {
    if (isErrno(error, 'EEXIST')) {
      await (await openFolderBeneath(root, path)).close();
      return false;
    }
    throw error;
  } finally {
    await folder.close();
  }
  const made = await openFolderBeneath(root, path);
  try {
    await made.chown(owner.uid, owner.gid);
    await made.chmod(mode);
  } finally {
    await made.close();
  }
  return true;
}

/**
 * Replaces the text file `path` beneath `root` by what `change` makes of it; its mode and owner stay. One that is missing is
 * made with `missing.mode`, from an empty text, or left missing without it. @returns the text it has now.
 */
export async function amendBeneath(
  root: string,
  path: string,
  change: (text: string) => string,
  missing?: { readonly mode: number; readonly owner: Owner },
): Promise<string | undefined> {
  let handle: FileHandle;
  try {
    handle = await openBeneath(root, path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    if (!missing) return undefined;
    const text = change('');
    await replaceBeneath(root, path, text, missing.mode, missing.owner);
    return text;
  }
  try {
    const { size, mode, uid, gid } = await handle.stat();
    if (size > MAX_TEXT) throw refused(path);
    const before = await handle.readFile('utf8');
    const text = change(before);
    if (text !== before) await replaceBeneath(root, path, text, mode & 0o7777, { uid, gid });
    return text;
  } finally {
    await handle.close();
  }
}

const MAX_TEXT = 4 * 1024 ** 2;

/**
 * Makes `path` beneath `root` a symbolic link with that text, durably, making missing folders; a file or link of that name is replaced.
 * What the link points at is not looked at. @throws BakeryError `path-refused` (forbidden) for a link or special file on the way, and
 * for a folder of that name.
 */
export async function linkBeneath(root: string, path: string, target: string): Promise<void> {
  const { folder, name } = await walkBeneath(root, path, true);
  try {
    const base = `/proc/self/fd/${folder.fd}`;
    const partial = `${base}/.${randomBytes(6).toString('hex')}.partial`;
    try {
      await symlink(target, partial);
      await rename(partial, `${base}/${name}`);
    } catch (error) {
      await unlink(partial).catch(() => undefined);
      throw isErrno(error, 'EISDIR') || isErrno(error, 'ENOTEMPTY') || isErrno(error, 'ENOENT')
        ? refused(path, error)
        : error;
    }
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What of a folder was copied. */
export interface Copied {
  readonly files: number;
  readonly bytes: number;
  /** Links, special files, and files whose names are no UTF-8. */
  readonly skipped: number;
  /** What was beyond the limits. */
  readonly beyond: number;
}

/**
 * Copies the regular files of a folder beneath one root into a folder beneath another, with those of the folders in it; modes are kept,
 * and owners unless told otherwise. Links and special files are left out, and so is everything beyond `limits`, and counted.
 * Nothing happens when there is no such folder. Copied again, files are replaced.
 */
export async function copyBeneath(
  from: { readonly root: string; readonly path: string },
  to: { readonly root: string; readonly path: string; readonly owner?: Owner },
  limits: { readonly entries: number; readonly bytes: number; readonly depth: number },
): Promise<Copied> {
  let [seen, files, bytes, skipped, beyond] = [0, 0, 0, 0, 0];

  async function copyFile(name: string): Promise<void> {
    let handle: FileHandle;
    try {
      handle = await openBeneath(from.root, `${from.path}${name}`);
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      skipped++;
      return;
    }
    try {
      const { size, mode, uid, gid } = await handle.stat();
      if (bytes + size > limits.bytes) {
        beyond++;
        return;
      }
      const stream = handle.createReadStream({ autoClose: false });
      await replaceBeneath(to.root, `${to.path}${name}`, stream, mode & 0o777, to.owner ?? { uid, gid });
      files++;
      bytes += size;
    } finally {
      await handle.close();
    }
  }

  async function copyFolder(path: string, depth: number): Promise<void> {
    for (const { name, kind } of await listBeneath(from.root, `${from.path}${path}`, limits.entries + 1)) {
      if (++seen > limits.entries || (kind === 'folder' && depth >= limits.depth)) beyond++;
      else if (kind === 'other') skipped++;
      else if (kind === 'file') await copyFile(`${path}/${name}`);
      else {
        const source = await openFolderBeneath(from.root, `${from.path}${path}/${name}`);
        const { mode, uid, gid } = await source.stat().finally(() => source.close());
        const owner = to.owner ?? { uid, gid };
        await makeFolderBeneath(to.root, `${to.path}${path}/${name}`, { mode: mode & 0o777, owner });
        await copyFolder(`${path}/${name}`, depth + 1);
      }
    }
  }

  await copyFolder('', 0);
  return { files, bytes, skipped, beyond };
}
