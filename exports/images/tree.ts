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
