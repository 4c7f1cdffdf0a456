import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';

/** True for a folder that is reached through no link: one in the image must not lead out of it. */
export async function isFolder(root: string, path: string): Promise<boolean> {
  let at = root;
  for (const part of path.split('/')) {
    at = `${at}/${part}`;
    const facts = await lstat(at).catch(() => undefined);
    if (!facts?.isDirectory()) return false;
  }
  return true;
}

/** What is in such a folder; nothing when it is none. */
export async function namesIn(root: string, path: string): Promise<string[]> {
  return (await isFolder(root, path)) ? readdir(`${root}/${path}`) : [];
}

/**
 * Everything below a folder, each folder before what is in it. Links are told and not followed: the recursion of `readdir` itself goes
 * through a link to a folder, and an image may have one to `/`.
 */
export async function entriesBelow(folder: string): Promise<Dirent[]> {
  const found: Dirent[] = [];
  const folders = [folder];
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      found.push(entry);
      if (entry.isDirectory()) folders.push(`${at}/${entry.name}`);
    }
  }
  return found;
}
