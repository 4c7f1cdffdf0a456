import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BakeryError, isErrno } from '../errors.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK } = constants;

/** Makes the names in `folder` durable (fsync of the folder itself). */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, O_RDONLY | O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the contents of `file` durable. */
export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes `data` to `path` so that after a crash either the old or the whole new file is there. */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  const partial = `${path}.${randomBytes(6).toString('hex')}.partial`;
  const handle = await open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  try {
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, path);
  await syncFolder(dirname(path));
}

/** Renames durably: the new name is on disk when this resolves. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) await syncFolder(dirname(from));
}

/** True when there is something of that name (links are followed). */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Removes a file; it is fine when there is none. */
export async function removeFile(path: string): Promise<void> {
  // Not unlink(2): of what is not there it says so only where it could be written (EROFS).
  await rm(path, { force: true });
}

/** Components of a relative path that stays beneath its root; undefined for anything that could leave it. */
export function pathComponents(path: string): readonly string[] | undefined {
  if (path.includes('\0') || path.length > 4096) return undefined;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.length > 64) return undefined;
  return parts.every((part) => part !== '..' && Buffer.byteLength(part) <= 255) ? parts : undefined;
}

/** What the system says of links, folders, sockets, FIFOs and devices (EACCES: the volume is mounted without devices). */
const NO_PLAIN_FILE = ['ELOOP', 'ENOTDIR', 'EISDIR', 'ENXIO', 'ENODEV', 'EACCES'];
/** What it says of a folder that is swapped or taken away while something is put into it. */
export const SWAPPED = ['ENOENT', 'EISDIR', 'ENOTEMPTY'];

/** True for a system's error with one of these codes. */
export const isOneOf = (error: unknown, codes: readonly string[]) => codes.some((code) => isErrno(error, code));

/** The refusal of a path with a link or a special file in it. */
export function refused(path: string, cause?: unknown): BakeryError {
  return new BakeryError(
    'forbidden',
    'path-refused',
    'that path is refused: links and special files are not followed',
    {
      detail: path,
      cause,
    },
  );
}

/**
 * Walks to the folder that holds the last component of `path`, opening each component with O_NOFOLLOW relative to
 * the one before (through /proc/self/fd/N: Node has no openat). So nothing a Pi's own root does to its volume
 * meanwhile, links and swapped folders included, leads out of `root`.
 */
export async function walkBeneath(
  root: string,
  path: string,
  create: boolean,
): Promise<{ folder: FileHandle; name: string }> {
  const parts = pathComponents(path);
  const name = parts?.at(-1);
  if (!parts || name === undefined) throw refused(path);
  let folder = await open(root, O_RDONLY | O_DIRECTORY);
  try {
    for (const part of parts.slice(0, -1)) {
      const at = `/proc/self/fd/${folder.fd}/${part}`;
      const enter = () => open(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      const next = await enter().catch(async (error: unknown) => {
        if (!create || !isErrno(error, 'ENOENT')) throw error;
        await mkdir(at, 0o755).catch((cause: unknown) => {
          if (!isErrno(cause, 'EEXIST')) throw cause;
        });
        return enter();
      });
      await folder.close();
      folder = next;
    }
    return { folder, name };
  } catch (error) {
    await folder.close();
    if (isOneOf(error, NO_PLAIN_FILE) || (create && isOneOf(error, SWAPPED))) throw refused(path, error);
    throw error;
  }
}

/** Whose a file is. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** How `openBeneath` opens: to read; to write anew, making missing folders; to change what is there. */
export type OpenPurpose = 'read' | 'write' | 'change';

/**
 * Opens the regular file `path` beneath the folder `root`; no component may be a link.
 * The caller closes the handle.
 * @throws BakeryError `path-refused` (forbidden) for links, special files and paths that leave `root`; the system's ENOENT
 * when it does not exist.
 */
export async function openBeneath(root: string, path: string, purpose: OpenPurpose = 'read'): Promise<FileHandle> {
  const { folder, name } = await walkBeneath(root, path, purpose === 'write');
  try {
    // O_NONBLOCK: opening a FIFO that the Pi's root put there must not hang us.
    const flags = { read: O_RDONLY, write: O_WRONLY | O_CREAT, change: O_WRONLY }[purpose];
    const handle = await open(`/proc/self/fd/${folder.fd}/${name}`, flags | O_NONBLOCK | O_NOFOLLOW, 0o644);
    const stat = await handle.stat();
    if (!stat.isFile()) {
      await handle.close();
      throw refused(path);
    }
    return handle;
  } catch (error) {
    if (isOneOf(error, NO_PLAIN_FILE)) throw refused(path, error);
    throw error;
  } finally {
    await folder.close();
  }
}

/** Reads a regular file of at most `maxBytes` beneath `root`; undefined when it does not exist. */
export async function readBeneath(
  root: string,
  path: string,
  maxBytes = 16 * 1024 * 1024,
): Promise<Buffer | undefined> {
  let handle: FileHandle;
  try {
    handle = await openBeneath(root, path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    const { size } = await handle.stat();
    if (size > maxBytes) throw new BakeryError('invalid', 'file-too-large', 'that file is too large', { detail: path });
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Removes the file or link `path` beneath `root` (never what a link points at); true when there was one. */
export async function removeBeneath(root: string, path: string): Promise<boolean> {
  try {
    const { folder, name } = await walkBeneath(root, path, false);
    try {
      await unlink(`/proc/self/fd/${folder.fd}/${name}`);
      return true;
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
