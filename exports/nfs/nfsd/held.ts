import { readdir, readFile, writeFile } from 'node:fs/promises';
import { isErrno } from '../../../core/errors.ts';
import { nfsdFile } from './kernel.ts';

/**
 * True when an NFSv4 client has a file of that device open: `states` of /proc/fs/nfsd/clients names the superblock of each in hexadecimal,
 * `superblock: "07:00:12"`, which is major, minor and inode (nfs4_show_superblock).
 */
export function holdsFiles(states: string, device: string): boolean {
  const [major = Number.NaN, minor = Number.NaN] = device.split(':').map(Number);
  return [...states.matchAll(/superblock: "([0-9a-f]+):([0-9a-f]+):\d+"/g)].some(
    ([, a = '', b = '']) => Number.parseInt(a, 16) === major && Number.parseInt(b, 16) === minor,
  );
}

/**
 * Ends the state of NFSv4 clients that have files of this device open, which keep it from being unmounted. What else such a client has open it
 * opens again by itself (RFC 8881 §8.4.2). Kernels from 6.9 on could do it by volume (unlock_filesystem); this works with all since 5.3.
 * @returns how many clients those were.
 */
export async function expireHolders(device: string): Promise<number> {
  const clients = await readdir(nfsdFile('clients')).catch(() => []);
  const expired = await Promise.all(clients.map((client) => expireHolder(client, device)));
  return expired.filter(Boolean).length;
}

async function expireHolder(client: string, device: string): Promise<boolean> {
  try {
    if (!holdsFiles(await readFile(nfsdFile('clients', client, 'states'), 'utf8'), device)) return false;
    await writeFile(nfsdFile('clients', client, 'ctl'), 'expire\n');
    return true;
  } catch (error) {
    // It has gone meanwhile.
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENXIO') || isErrno(error, 'EBUSY')) return false;
    throw error;
  }
}
