import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { link, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BakeryError, describeError, isErrno } from '../errors.ts';
import { removeFile, syncFolder } from './files.ts';

/**
 * Keeps texts so that whoever has the database without the key file learns nothing of them. A sealed text is bound to whose it is: put beside
 * another name it does not open.
 */
export interface Seal {
  /** @throws BakeryError `key-unusable` (unavailable) when the key can neither be read nor made. */
  close(text: string, of: string): Promise<Uint8Array>;
  /** @throws BakeryError `key-unusable` (unavailable); `seal-broken` (conflict): sealed by another key, for another name, or changed. */
  open(sealed: Uint8Array, of: string): Promise<string>;
}

/** AES-256-GCM (NIST SP 800-38D): a 96-bit nonce, random for each text, and the whole tag of 128 bits. */
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The first byte, so that another layout can be told from this one. */
const LAYOUT = 1;

/** Authenticated with what is sealed, and nowhere in it. */
const owner = (of: string) => Buffer.from(of, 'utf8');

/** Layout, nonce, what is enciphered, tag; `of` is authenticated with it. `key` has 32 bytes. */
export function closeSeal(key: Uint8Array, text: string, of: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(owner(of));
  const inside = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.of(LAYOUT), nonce, inside, cipher.getAuthTag()]);
}

/** The text in it; undefined when it was sealed by another key or for another name, or is not as it was. */
export function openSeal(key: Uint8Array, sealed: Uint8Array, of: string): string | undefined {
  const bytes = Buffer.from(sealed);
  const start = 1 + NONCE_BYTES;
  if (bytes[0] !== LAYOUT || bytes.length < start + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(1, start), { authTagLength: TAG_BYTES });
  decipher.setAAD(owner(of));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const inside = decipher.update(bytes.subarray(start, -TAG_BYTES));
  try {
    return Buffer.concat([inside, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

/**
 * A seal whose key is in `file`: 32 random bytes, readable by root alone, made when something is to be sealed and there is none. What is there is never
 * overwritten. It is read each time, so that a key that was put back is in use at once.
 */
export function sealWith(file: string): Seal {
  const unusable = (error: unknown) =>
    new BakeryError('unavailable', 'key-unusable', 'the key of stored credentials cannot be used', {
      detail: `${file}: ${describeError(error)}`,
      cause: error,
    });
  async function read(): Promise<Buffer | undefined> {
    try {
      const key = await readFile(file);
      if (key.length !== KEY_BYTES) throw new Error(`it has ${key.length} bytes, not ${KEY_BYTES}`);
      return key;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw unusable(error);
    }
  }
  return {
    async close(text, of) {
      const key = (await read()) ?? (await makeKey(file).then(read, (error) => Promise.reject(unusable(error))));
      if (!key) throw unusable(new Error('it was removed as soon as it was made'));
      return closeSeal(key, text, of);
    },
    async open(sealed, of) {
      const key = await read();
      const text = key && openSeal(key, sealed, of);
      if (text === undefined) {
        const detail = key ? `${file} is not the key it was sealed with` : `there is no ${file}`;
        throw new BakeryError('conflict', 'seal-broken', 'that was sealed with another key', { detail });
      }
      return text;
    },
  };
}

/** Makes a key file where there is none: of two who do, one is first. Its name appears with the whole key on disk. */
export async function makeKey(file: string): Promise<void> {
  const partial = `${file}.${randomBytes(6).toString('hex')}.partial`;
  const handle = await open(partial, 'wx', 0o600);
  try {
    await handle.writeFile(randomBytes(KEY_BYTES));
    await handle.sync();
    await link(partial, file);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  } finally {
    await handle.close();
    await removeFile(partial);
  }
  await syncFolder(dirname(file));
}
