import { readFile, rename, stat } from 'node:fs/promises';
import { BakeryError } from '../../core/errors.ts';
import { exists, removeFile } from '../../core/host/files.ts';
import { isTar, manifestHash, readArchive, takeMember } from './archive.ts';
import type { Packing } from './packing.ts';
import { type UnpackPorts, unpackImage } from './unpack.ts';

/** Where an upload is, and what it becomes. */
export interface IntakeFiles {
  /** What came; an image in the end. */
  readonly image: string;
  /** A root in a tar. */
  readonly root: string;
  /** The boot partition's files in a tar, where they came apart from the root. */
  readonly boot: string;
  /** What is half done. */
  readonly partial: string;
}

/** What an upload was. */
export interface Unpacked {
  readonly content: 'image' | 'tree';
  /** How it was packed, the outermost first. */
  readonly layers: readonly (Packing | 'tar')[];
}

/** A stemcell is a tar in gzip, with a tar in gzip in it, with an image in it. */
const MOST_LAYERS = 5;
const MOST_MANIFEST = 64 * 1024;

interface Work {
  readonly signal: AbortSignal;
  onBytes?(done: number, total: number): void;
}

/**
 * Unpacks an upload until an image or a root is there: what it is tell its bytes, never its name. May be repeated.
 * @throws BakeryError `image-packed`, `image-unpack-failed`, `image-too-large`, `archive-unknown`, `sha-differs` (invalid), `pool-full`.
 */
export async function unpackUpload(ports: UnpackPorts, files: IntakeFiles, work: Work): Promise<Unpacked> {
  const layers: (Packing | 'tar')[] = [];
  if (await exists(files.root)) return { content: 'tree', layers };
  for (;;) {
    const unpacked = await unpackImage(ports, { file: files.image, ...work });
    if (unpacked) layers.push(unpacked.packing);
    if (!(await isTar(files.image))) return { content: 'image', layers };
    layers.push('tar');
    if (layers.length > MOST_LAYERS) {
      throw new BakeryError('invalid', 'image-packed', 'the image is packed too many times');
    }
    if ((await openArchive(ports, files, work)) === 'tree') return { content: 'tree', layers };
  }
}

/** Puts what is in a tar in its place. */
async function openArchive(ports: UnpackPorts, files: IntakeFiles, { signal }: Work): Promise<'image' | 'tree'> {
  const content = await readArchive(ports.exec, files.image, signal);
  const take = (member: string, to: string) => takeMember(ports, { file: files.image, member, to, signal });
  try {
    switch (content.kind) {
      case 'tree':
        await rename(files.image, files.root);
        return 'tree';
      case 'tars':
        if (content.boot !== undefined) {
          await take(content.boot, files.partial);
          await unpackImage(ports, { file: files.partial, signal });
          await rename(files.partial, files.boot);
        }
        await take(content.root, files.partial);
        await unpackImage(ports, { file: files.partial, signal });
        await rename(files.partial, files.root);
        await removeFile(files.image);
        return 'tree';
      case 'image': {
        const wanted = content.manifest === undefined ? undefined : await readManifest(content.manifest, take, files);
        const got = await take(content.image, files.partial);
        if (wanted && got[wanted.kind] !== wanted.hex) {
          const message = `the image in the stemcell has the ${wanted.kind} ${got[wanted.kind]}, and its manifest says another`;
          throw new BakeryError('invalid', 'sha-differs', message);
        }
        await rename(files.partial, files.image);
        return 'image';
      }
    }
  } finally {
    await removeFile(files.partial);
  }
}

async function readManifest(
  member: string,
  take: (member: string, to: string) => Promise<unknown>,
  files: IntakeFiles,
) {
  await take(member, files.partial);
  if ((await stat(files.partial)).size > MOST_MANIFEST) {
    throw new BakeryError('invalid', 'archive-unknown', 'stemcell.MF is too large');
  }
  return manifestHash(await readFile(files.partial, 'utf8'));
}
