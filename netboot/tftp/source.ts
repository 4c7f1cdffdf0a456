import type { FileHandle } from 'node:fs/promises';
import { openBeneath } from '../../core/host/files.ts';
import type { TftpAnswer } from './messages.ts';

/** Bytes to be sent, read as they are needed. */
export interface Source {
  readonly size: number;
  /** The bytes from `start` to `end`; undefined when the file has become shorter than it was. */
  read(start: number, end: number): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

const CHUNK = 256 * 1024;

/** Bytes in memory. */
function bytesSource(bytes: Uint8Array): Source {
  return { size: bytes.length, read: async (start, end) => bytes.subarray(start, end), close: async () => undefined };
}

/**
 * A file, read in chunks of 256 KiB. Two chunks are kept: a window may span their border, and going back never reaches
 * further than a window.
 */
function fileSource(handle: FileHandle, size: number): Source {
  const chunks = new Map<number, Promise<Uint8Array>>();
  async function load(index: number): Promise<Uint8Array> {
    const length = Math.min(CHUNK, size - index * CHUNK);
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(buffer, filled, length - filled, index * CHUNK + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }
  function chunk(index: number): Promise<Uint8Array> {
    const there = chunks.get(index);
    if (there) return there;
    const loading = load(index);
    loading.catch(() => undefined);
    chunks.set(index, loading);
    for (const old of chunks.keys()) if (old < index - 1) chunks.delete(old);
    return loading;
  }
  return {
    size,
    async read(start, end) {
      if (start === end) return new Uint8Array(0);
      const first = Math.floor(start / CHUNK);
      const last = Math.floor((end - 1) / CHUNK);
      const parts: Uint8Array[] = [];
      for (let index = first; index <= last; index++) {
        const bytes = await chunk(index);
        const part = bytes.subarray(Math.max(0, start - index * CHUNK), end - index * CHUNK);
        parts.push(part);
      }
      const bytes = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
      return bytes.length === end - start ? bytes : undefined;
    },
    close: () => handle.close(),
  };
}

/** Opens what an answer names. Throws the system's error, or `path-refused`, when a file cannot be opened. */
export async function openSource(answer: Exclude<TftpAnswer, { kind: 'error' }>): Promise<Source> {
  if (answer.kind === 'bytes') return bytesSource(answer.bytes);
  const handle = await openBeneath(answer.root, answer.path);
  try {
    return fileSource(handle, (await handle.stat()).size);
  } catch (error) {
    await handle.close();
    throw error;
  }
}
