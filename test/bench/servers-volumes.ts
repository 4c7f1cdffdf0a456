import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sh } from '../lab/sh.ts';

/** Of an ext4: where its superblock has the UUID (struct ext4_super_block, s_uuid). */
const UUID_AT = 1_024 + 0x68;

/**
 * Mounts so many ext4 volumes at `root`/nfs/N, the first of `first` MiB and all others as small as one can be; gives their mount points. Each has
 * a UUID of its own, which without checksums of metadata is written into a copy.
 */
export function mountVolumes(root: string, { count, firstMib }: { count: number; firstMib: number }): string[] {
  const images = join(root, 'images');
  mkdirSync(images, { recursive: true });
  const image = (n: number) => join(images, `${n}.ext4`);
  const make = (file: string, mib: number, ...options: readonly string[]) => {
    writeFileSync(file, '');
    truncateSync(file, mib * 1024 ** 2);
    sh('mkfs.ext4', '-q', '-F', ...options, file);
  };
  make(image(0), firstMib);
  make(image(1), 1, '-O', '^has_journal,^metadata_csum');
  const bytes = readFileSync(image(1));
  const paths = Array.from({ length: count }, (_, n) => join(root, 'nfs', String(n)));
  const lines = paths.map((path, n) => {
    mkdirSync(path, { recursive: true });
    randomBytes(16).copy(bytes, UUID_AT);
    if (n > 1) writeFileSync(image(n), bytes);
    return `${image(n)} ${path} ext4 loop 0 0\n`;
  });
  const table = join(images, 'fstab');
  writeFileSync(table, lines.join(''));
  sh('mount', '--all', '--fstab', table);
  return paths;
}
