import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { ApiPorts } from './api.ts';

/**
 * What an answer sends of a file on a Pi's root: as much as it had when its length was told, since the Pi may let it grow meanwhile.
 * Closes the handle. The answer is cut off when that root is unmounted: who reads slowly must not keep it.
 */
export async function contentOf(
  handle: FileHandle,
  { size, root }: { size: number; root: string },
  { openFiles }: Pick<ApiPorts, 'openFiles'>,
): Promise<Readable | Buffer> {
  if (size === 0) {
    await handle.close();
    return Buffer.alloc(0);
  }
  const stream = handle.createReadStream({ end: size - 1 });
  stream.once(
    'close',
    openFiles.opened(root, () => void stream.destroy()),
  );
  return stream;
}
