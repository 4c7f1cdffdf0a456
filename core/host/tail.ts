import { openBeneath } from './files.ts';

/**
 * The last `most` bytes of the regular file `path` beneath `root`; nothing in it is followed that is a link.
 * @throws BakeryError `path-refused` (forbidden); the system's ENOENT when it does not exist.
 */
export async function tailBeneath(root: string, path: string, most: number): Promise<Uint8Array> {
  const handle = await openBeneath(root, path);
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(Math.min(size, most));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, size - bytes.length);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
