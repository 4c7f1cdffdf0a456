import { readFile, writeFile } from 'node:fs/promises';
import { isErrno } from '../../../core/errors.ts';
import type { Clock } from '../../../core/host/clock.ts';
import type { NfsExport } from '../backend.ts';
import { handleWords } from './fsid.ts';
import { clientsOf } from './table.ts';

/** What the kernel remembers of mountd's answers (nfsd's caches, exports(7)): the text of `content` of three of them. */
export interface CacheTexts {
  /** Which path a client may have, with which options; a refusal has none. */
  readonly exports: string;
  /** Which path a client means with the first part of a file handle. */
  readonly handles: string;
  /** Under which name, a list of the matching clients of etab, an address is known. */
  readonly addresses: string;
}

const CACHES = ['auth.unix.ip', 'nfsd.fh', 'nfsd.export'] as const;

/** Lines of a `content` without its head. What is out of date begins with `# `; it is there, and holds its volume, until it is cleaned. */
function linesOf(text: string): string[] {
  return text.split('\n').flatMap((line) => (line === '' || /^#\S/.test(line) ? [] : [line.replace(/^# /, '')]));
}

/** The kernel escapes blanks and backslashes (qword_add). */
function kernelPath(path: string): string {
  return path.replaceAll(/[\\ \n\t]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** True when an entry of the kernel's is of this volume, and so keeps it from being unmounted. */
export function holdsVolume({ exports, handles }: CacheTexts, path: string): boolean {
  const word = kernelPath(path);
  return (
    linesOf(exports).some((line) => line.split('\t')[0] === word) ||
    linesOf(handles).some((line) => line.split(' ')[3] === word)
  );
}

/**
 * True when something that the kernel remembers is not what etab says since `changed` was changed: an answer about its path or its handles,
 * or a name of an address that now should have another. Every flush makes the kernel ask mountd again for all that is in use, and pushes
 * back when it lets go of volumes (see `flush`): it is done only then.
 */
export function isStale(texts: CacheTexts, changed: NfsExport): boolean {
  if (holdsVolume(texts, changed.path)) return true;
  const words = handleWords(changed.id);
  if (linesOf(texts.handles).some((line) => line.split(' ')[2] === words)) return true;
  const clients = clientsOf(changed);
  return linesOf(texts.addresses).some((line) => {
    const [, address = '', name = ''] = line.split(' ');
    const concerned = clients.filter((client) => !client.endsWith('/32') || client === `${address}/32`);
    return concerned.some((client) => !name.split(',').includes(client));
  });
}

/** How `nfsd.export` writes the beginning of our fsids (see fsid.ts). */
const OWN_UUID = 'uuid=42616b65:72798e46:80000000:';

/** Positive answers of `nfsd.export` for an address by the name that it has: the volumes it has reached since the last flush. */
export function reachedBy(texts: CacheTexts, address: string): readonly string[] {
  const names = linesOf(texts.addresses).flatMap((line) => {
    const [, of, name] = line.split(' ');
    return of === address && name !== undefined ? [name] : [];
  });
  return linesOf(texts.exports).flatMap((line) => {
    const [path = '', rest = ''] = line.split('\t');
    return rest.includes(OWN_UUID) && names.some((name) => rest.startsWith(`${name}(`)) ? [path] : [];
  });
}

/** Reads the three. */
export async function readCaches(): Promise<CacheTexts> {
  const text = (name: string) =>
    readFile(`/proc/net/rpc/${name}/content`, 'utf8').catch((error) => {
      // No nfsd in this kernel, or in this network namespace: nothing is remembered.
      if (isErrno(error, 'ENOENT')) return '';
      throw error;
    });
  return { addresses: await text('auth.unix.ip'), handles: await text('nfsd.fh'), exports: await text('nfsd.export') };
}

/** What was remembered counts no more from here on: the kernel asks mountd again, also for handles that clients hold. */
async function flush(): Promise<void> {
  for (const name of CACHES) await writeFile(`/proc/net/rpc/${name}/flush`, `${Math.floor(Date.now() / 1_000)}\n`);
}

/** Makes what was changed hold at once. */
export async function settle(changed: readonly NfsExport[]): Promise<void> {
  const texts = await readCaches();
  if (changed.some((entry) => isStale(texts, entry))) await flush();
}

/** How long the kernel may take to let go of a volume. */
const LET_GO_MS = 10_000;
const LOOK_EVERY_MS = 200;

/** When the last flush counts from, in s since the epoch. */
async function flushedAt(): Promise<number> {
  const times = CACHES.map(async (name) => Number(await readFile(`/proc/net/rpc/${name}/flush`, 'utf8')));
  return Math.max(...(await Promise.all(times)));
}

/**
 * Waits until the kernel remembers nothing of a volume that is not exported any more, which it could not be unmounted before. A flush cleans
 * at once when it is the first in its second; another in the same second counts from the next second on, and cleans nothing until the kernel's
 * own round 30 s later (net/sunrpc/cache.c write_flush, cache_clean, measured with 6.1): so it is repeated when that second has come.
 * @returns false when it did not let go in 10 s: then something is still in use.
 */
export async function letGo(path: string, clock: Clock): Promise<boolean> {
  const until = clock.monotonic() + LET_GO_MS;
  while (holdsVolume(await readCaches(), path)) {
    if (clock.monotonic() > until) return false;
    if ((await flushedAt()) < Math.floor(Date.now() / 1_000)) await flush();
    if (!holdsVolume(await readCaches(), path)) break;
    await clock.sleep(LOOK_EVERY_MS);
  }
  return true;
}
