import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { parse } from 'yaml';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { Exec } from '../../core/host/exec.ts';
import { writeSparse } from './sparse-file.ts';
import { blameUnpacking, type UnpackPorts } from './unpack.ts';

/** An entry of a tar, as `tar --list --verbose` tells it. */
export interface TarEntry {
  readonly kind: 'file' | 'folder' | 'other';
  /** As it stands there, with what is not printable as tar's `escape` style writes it. */
  readonly name: string;
  /** Of a file, holes included. */
  readonly bytes: number;
}

/** What a tar is to us. Names are those of its entries. */
export type ArchiveContent =
  /** A BOSH stemcell, or anything else with one image in it. */
  | { readonly kind: 'image'; readonly image: string; readonly manifest: string | undefined }
  /** A root, and maybe the files of the boot partition, each a tar of its own. */
  | { readonly kind: 'tars'; readonly root: string; readonly boot: string | undefined }
  /** A root. */
  | { readonly kind: 'tree' };

/** `-rw-r--r-- 0/0 1234 2026-11-28 10:00 name`; devices have `8,0` for a size, links ` -> target` after the name. */
const LINE = /^([-dlhcbpsCMVS])\S{9,10} +\S+ +(\d+)(?:,\d+)? \S+ \S+ (.*)$/;

/** The entry of a line; undefined when it is none. */
export function parseTarLine(line: string): TarEntry | undefined {
  const [, type, size, name] = LINE.exec(line) ?? [];
  if (type === undefined || name === undefined) return undefined;
  const kind = type === '-' || type === 'S' ? 'file' : type === 'd' ? 'folder' : 'other';
  return { kind, name, bytes: kind === 'file' ? Number(size) : 0 };
}

const plain = (name: string) => name.replace(/^(?:\.\/+)+/, '').replace(/\/+$/, '');

/** Looks at entries one by one, and says at the end what they are. Keeps next to nothing: a root has a million. */
export function createArchiveReader(): { see(entry: TarEntry): void; content(): ArchiveContent | undefined } {
  const top = new Set<string>();
  const found = new Map<'manifest' | 'image' | 'root' | 'boot', string>();
  const images: string[] = [];
  return {
    see({ kind, name }) {
      const path = plain(name);
      const [first = ''] = path.split('/');
      if (['etc', 'usr', 'bin', 'lib', 'sbin'].includes(first)) top.add(first);
      if (kind !== 'file') return;
      const [, base = ''] = /(?:^|\/)([^/]*)$/.exec(path) ?? [];
      const role =
        base === 'stemcell.MF'
          ? 'manifest'
          : base === 'image'
            ? 'image'
            : /^(root|boot)\.tar(\.(xz|gz|zst))?$/.exec(base)?.[1];
      // Only near the top: what lies deep in a root is the root's own.
      if (path.split('/').length > 2) return;
      if (role !== undefined && !found.has(role as 'image')) found.set(role as 'image', name);
      if (/\.img$/.test(base)) images.push(name);
    },
    content() {
      const [manifest, image, root, boot] = (['manifest', 'image', 'root', 'boot'] as const).map((role) =>
        found.get(role),
      );
      if (top.has('etc') && (top.has('usr') || top.has('bin'))) return { kind: 'tree' };
      if (manifest !== undefined && image !== undefined) return { kind: 'image', image, manifest };
      if (root !== undefined) return { kind: 'tars', root, boot };
      const [only, second] = image === undefined ? images : [image, ...images];
      return only !== undefined && second === undefined
        ? { kind: 'image', image: only, manifest: undefined }
        : undefined;
    },
  };
}

const LIST_MS = 30 * 60_000;
/** Names are read and written as they are, whatever tar would make of a colon in the file's. */
const TAR = ['--force-local', '--quoting-style=escape'] as const;

/** True for a file that is a tar: `ustar` of POSIX 1003.1-1988 and of GNU. */
export async function isTar(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const magic = Buffer.alloc(5);
    await handle.read(magic, 0, magic.length, 257);
    return magic.toString('latin1') === 'ustar';
  } finally {
    await handle.close();
  }
}

/**
 * What a tar holds.
 * @throws BakeryError `image-unpack-failed`, `archive-unknown` (invalid).
 */
export async function readArchive(exec: Exec, file: string, signal: AbortSignal): Promise<ArchiveContent> {
  const reader = createArchiveReader();
  let rest = '';
  const lines = (text: string) => {
    const parts = (rest + text).split('\n');
    // A name has no end that it must have.
    rest = (parts.pop() ?? '').slice(0, 64 * 1024);
    for (const line of parts) {
      const entry = parseTarLine(line);
      if (entry) reader.see(entry);
    }
  };
  const args = [...TAR, '--list', '--verbose', '--numeric-owner', '--file', file];
  const onOutput = async (chunk: Uint8Array) => lines(Buffer.from(chunk).toString('latin1'));
  await exec('tar', args, { onOutput, timeoutMs: LIST_MS, signal }).catch((error) => {
    throw blameUnpacking(error);
  });
  const content = reader.content();
  if (!content) {
    const message = 'the archive holds neither a root, nor one image, nor root.tar';
    throw new BakeryError('invalid', 'archive-unknown', message);
  }
  return content;
}

/** Takes one file out of a tar. @returns its bytes, and their hashes, hex. @throws BakeryError as `unpackImage` does. */
export async function takeMember(
  ports: UnpackPorts,
  from: { file: string; member: string; to: string; signal: AbortSignal },
): Promise<{ bytes: number; sha1: string; sha256: string }> {
  const { file, member, to, signal } = from;
  const [sha1, sha256] = [createHash('sha1'), createHash('sha256')];
  const handle = await open(to, 'w', 0o600);
  try {
    const out = writeSparse(handle, ports);
    const args = [...TAR, '--extract', '--to-stdout', '--occurrence=1', '--no-wildcards', '--file', file, '--', member];
    const onOutput = async (chunk: Uint8Array) => {
      sha1.update(chunk);
      sha256.update(chunk);
      await out.write(chunk);
    };
    await ports.exec('tar', args, { onOutput, timeoutMs: LIST_MS, signal });
    return { bytes: await out.end(), sha1: sha1.digest('hex'), sha256: sha256.digest('hex') };
  } catch (error) {
    throw blameUnpacking(error);
  } finally {
    await handle.close();
  }
}

/**
 * The hash that a stemcell's manifest says its image has (bosh.io, "Building a stemcell": `sha1`, which may hold `sha256:` and one of
 * those); undefined when it says none. @throws BakeryError `archive-unknown` (invalid) for one that is no YAML.
 */
export function manifestHash(text: string): { kind: 'sha1' | 'sha256'; hex: string } | undefined {
  let said: unknown;
  try {
    // All are strings there: a hash of digits only is no number.
    said = parse(text, { schema: 'failsafe', maxAliasCount: 0 });
  } catch (cause) {
    const message = 'stemcell.MF is no YAML';
    throw new BakeryError('invalid', 'archive-unknown', message, { cause, detail: describeError(cause) });
  }
  const value = typeof said === 'object' && said !== null && 'sha1' in said ? String(said.sha1) : '';
  const [, kind, hex] = /^(?:(sha1|sha256):)?([0-9a-f]{40}|[0-9a-f]{64})$/i.exec(value.trim()) ?? [];
  if (hex === undefined) return undefined;
  return { kind: kind === 'sha256' || hex.length === 64 ? 'sha256' : 'sha1', hex: hex.toLowerCase() };
}
