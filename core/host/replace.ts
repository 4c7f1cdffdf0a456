import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { allOf } from '../all-of.ts';
import { isOneOf, type Owner, pathComponents, refused, SWAPPED, walkBeneath } from './files.ts';

const { O_WRONLY, O_CREAT, O_TRUNC, O_EXCL, O_NOFOLLOW } = constants;

/** New content that is written and durable, beside the name that it is to get. */
interface Written {
  /** Gives it its name, which is durable once its folder is synced. */
  place(): Promise<void>;
  /** Takes it away again. */
  drop(): Promise<void>;
}

/** `path` is told where it is refused. */
async function writeIn(
  folder: FileHandle,
  { name, path }: { readonly name: string; readonly path: string },
  data: string | Uint8Array | AsyncIterable<Uint8Array>,
  mode: number,
  owner?: Owner,
): Promise<Written> {
  const base = `/proc/self/fd/${folder.fd}`;
  const partial = `${base}/.${randomBytes(6).toString('hex')}.partial`;
  const blamed = (error: unknown) => (isOneOf(error, SWAPPED) ? refused(path, error) : error);
  const drop = () => unlink(partial).catch(() => undefined);
  try {
    const handle = await open(partial, O_WRONLY | O_CREAT | O_EXCL | O_TRUNC | O_NOFOLLOW, mode);
    try {
      await handle.writeFile(data);
      // The owner first: a change of owner takes the set-user-ID bit away.
      if (owner) await handle.chown(owner.uid, owner.gid);
      await handle.chmod(mode);
      await handle.sync();
    } catch (error) {
      await drop();
      throw error;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw blamed(error);
  }
  const place = () =>
    rename(partial, join(base, name)).catch((error: unknown) => {
      throw blamed(error);
    });
  return { place, drop };
}

/**
 * Replaces (or makes) the regular file `path` beneath `root`, durably, making missing folders. The new content appears
 * at once under its name, so a Pi that reads meanwhile sees the old or the new file, never a half.
 */
export async function replaceBeneath(
  root: string,
  path: string,
  data: string | Uint8Array | AsyncIterable<Uint8Array>,
  mode = 0o644,
  owner?: Owner,
): Promise<void> {
  const { folder, name } = await walkBeneath(root, path, true);
  try {
    const { place, drop } = await writeIn(folder, { name, path }, data, mode, owner);
    await place().catch(async (error: unknown) => {
      await drop();
      throw error;
    });
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A file that is to be there, with that content; mode 0644 where none is said. */
export interface NewFile {
  readonly path: string;
  readonly data: string | Uint8Array;
  readonly mode?: number;
}

/** A file by its name, among those that go into the same folder. */
type Named = NewFile & { readonly name: string };

function byFolder(files: readonly NewFile[]): [Named, ...Named[]][] {
  const groups = new Map<string, [Named, ...Named[]]>();
  for (const file of files) {
    const parts = pathComponents(file.path);
    const name = parts?.at(-1);
    if (!parts || name === undefined) throw refused(file.path);
    const folder = parts.slice(0, -1).join('/');
    const group = groups.get(folder);
    if (group) group.push({ ...file, name });
    else groups.set(folder, [{ ...file, name }]);
  }
  return [...groups.values()];
}

/**
 * Replaces (or makes) these regular files beneath `root`, each as `replaceBeneath` does: all are durable when it resolves. Of the waits for the
 * disk, two for each file, those that can be are one: they are written first, all at once, and get their names then. After a throw each of
 * them is as it was, or new.
 */
export async function replaceAllBeneath(root: string, files: readonly NewFile[]): Promise<void> {
  // The first of a group leads to the folder of all of them.
  const groups = await allOf(
    byFolder(files),
    async (group) => ({ group, folder: (await walkBeneath(root, group[0].path, true)).folder }),
    ({ folder }) => folder.close(),
  );
  try {
    const written = await allOf(
      groups.flatMap(({ group, folder }) => group.map((file) => ({ file, folder }))),
      ({ file, folder }) => writeIn(folder, file, file.data, file.mode ?? 0o644),
      ({ drop }) => drop(),
    );
    try {
      await allOf(written, ({ place }) => place());
      await Promise.all(groups.map(({ folder }) => folder.sync()));
    } catch (error) {
      for (const { drop } of written) await drop();
      throw error;
    }
  } finally {
    await Promise.all(groups.map(({ folder }) => folder.close()));
  }
}
