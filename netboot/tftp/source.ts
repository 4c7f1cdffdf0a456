import type { FileHandle } from 'node:fs/promises';
import { openBeneath } from '../../core/host/files.ts';
import type { TftpAnswer } from './messages.ts';

/** Bytes to be sent, read as they are needed. */
export interface Source {
  readonly size: number;
  /** The bytes from `start` to `end`, a view of what is in memory; undefined when they are not, or not all. */
  at(start: number, end: number): Uint8Array | undefined;
  /** Brings them into memory; false when the file has become shorter than it was. */
  load(start: number, end: number): Promise<boolean>;
  close(): Promise<void>;
}

const CHUNK = 128 * 1024;

/** Bytes in memory. */
function bytesSource(bytes: Uint8Array): Source {
  return {
    size: bytes.length,
    at: (start, end) => bytes.subarray(start, end),
    load: async () => true,
    close: async () => undefined,
  };
}

/**
 * A file, read in chunks of 128 KiB, one ahead. The one before is kept: a window (64 × 1468 bytes at most) may span their
 * border, and going back never reaches further than a window.
 */
function fileSource(handle: FileHandle, size: number): Source {
  const chunks = new Map<number, Uint8Array>();
  const loading = new Map<number, Promise<void>>();
  let closed = false;

  async function read(index: number): Promise<void> {
    const length = Math.min(CHUNK, size - index * CHUNK);
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(buffer, filled, length - filled, index * CHUNK + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    chunks.set(index, buffer.subarray(0, filled));
  }

  function chunk(index: number): Promise<void> {
    if (chunks.has(index)) return Promise.resolve();
    const there = loading.get(index);
    if (there) return there;
    const begun = read(index).finally(() => loading.delete(index));
    loading.set(index, begun);
    return begun;
  }

  /** Goes on to a chunk: the one after it is read ahead, what lies behind is forgotten. */
  function goTo(index: number): void {
    for (const old of chunks.keys()) if (old < index - 1) chunks.delete(old);
    // A failure comes again when it is needed.
    if (!closed && (index + 1) * CHUNK < size) chunk(index + 1).catch(() => undefined);
  }
  let current = -1;

  return {
    size,
    at(start, end) {
      if (start === end) return new Uint8Array(0);
      const first = Math.floor(start / CHUNK);
      const last = Math.floor((end - 1) / CHUNK);
      const parts: Uint8Array[] = [];
      for (let index = first; index <= last; index++) {
        const part = chunks.get(index);
        if (!part) return undefined;
        parts.push(part.subarray(Math.max(0, start - index * CHUNK), end - index * CHUNK));
      }
      if (last > current) {
        current = last;
        goTo(last);
      }
      const bytes = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
      return bytes.length === end - start ? bytes : undefined;
    },
    async load(start, end) {
      for (let index = Math.floor(start / CHUNK); index * CHUNK < end; index++) await chunk(index);
      return this.at(start, end) !== undefined;
    },
    async close() {
      closed = true;
      // A handle that is closed while it is read from would be another file's number by then.
      await Promise.allSettled(loading.values());
      await handle.close();
    },
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
