import type { BakeformName } from './ids.ts';

/** Something that was changed in an image to make it netboot, or that a person should know of it (docs/bakeforms.md). */
export interface Finding {
  readonly code: string;
  readonly level: 'info' | 'warning' | 'error';
  readonly message: string;
  /** Below its root. */
  readonly path?: string;
}

/** An OS image (boot files and root) to bake Pis from. */
export interface Bakeform {
  readonly name: BakeformName;
  readonly state: 'making' | 'ready' | 'removing';
  /** Names its golden volume; a new one for each upload, so that a deleted bakeform's name can be used again at once. */
  readonly volumeId: string;
  /** SHA-256 of the uploaded bytes, lower-case hex; undefined while it is being received. */
  readonly sha256: string | undefined;
  /** Bytes received. */
  readonly bytes: number;
  /** Folder inside the root that holds the boot files: `boot/firmware` or `boot`. */
  readonly bootFolder: string;
  /** What prepare changed and found, in plain words. */
  readonly notes: readonly string[];
  /** The same with codes. */
  readonly lint: readonly Finding[];
  /** Bytes that the root's file system holds, and how large it is. */
  readonly root: { readonly usedBytes: number; readonly sizeBytes: number };
  /** ms since the epoch. */
  readonly createdAt: number;
}
