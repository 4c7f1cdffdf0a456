import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isOneOf, type Owner, refused, SWAPPED, walkBeneath } from './files.ts';

const { O_WRONLY, O_CREAT, O_TRUNC, O_EXCL, O_NOFOLLOW } = constants;

/** New content that is written and durable, beside the name that it is to get. */
interface Written {
  readonly folder: FileHandle;
  /** Gives it its name, which is durable once `folder` is synced. */
  place(): Promise<void>;
  /** Takes it away again. */
  drop(): Promise<void>;
}

/** The caller places or drops it, and closes its folder. */
async function writeBeneath(
  root: string,
  path: string,
  data: string | Uint8Array | AsyncIterable<Uint8Array>,
  mode: number,
  owner?: Owner,
): Promise<Written> {
  const { folder, name } = await walkBeneath(root, path, true);
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
    await folder.close();
    throw blamed(error);
  }
  const place = () =>
    rename(partial, join(base, name)).catch((error: unknown) => {
      throw blamed(error);
    });
  return { folder, place, drop: async () => void (await drop()) };
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
  const { folder, place, drop } = await writeBeneath(root, path, data, mode, owner);
  try {
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

/**
 * Replaces (or makes) these regular files beneath `root`, each as `replaceBeneath` does: all are durable when it resolves. Of the waits for the
 * disk, two for each file, those that can be are one: they are written first, all at once, and get their names then. After a throw each of
 * them is as it was, or new.
 */
export async function replaceAllBeneath(root: string, files: readonly NewFile[]): Promise<void> {
  const tries = await Promise.allSettled(
    files.map(({ path, data, mode = 0o644 }) => writeBeneath(root, path, data, mode)),
  );
  const written: Written[] = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = tries.find((one) => one.status === 'rejected');
  try {
    if (failed) throw failed.reason;
    for (const { place } of written) await place();
    await Promise.all(written.map(({ folder }) => folder.sync()));
  } catch (error) {
    for (const { drop } of written) await drop();
    throw error;
  } finally {
    await Promise.all(written.map(({ folder }) => folder.close()));
  }
}
