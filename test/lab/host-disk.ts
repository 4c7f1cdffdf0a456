import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { liftDirtyLimits } from '../../exports/volumes/dirty.ts';
import { sh } from './sh.ts';

const MIB = 1024 ** 2;

/** How each file system that Bakery's root can be on is made. `xfs-old` is one from before reflinks, or told to have none. */
const MAKE = {
  ext4: ['mkfs.ext4', '-q'],
  xfs: ['mkfs.xfs', '-q', '-m', 'reflink=1'],
  'xfs-old': ['mkfs.xfs', '-q', '-m', 'reflink=0'],
  btrfs: ['mkfs.btrfs', '-q'],
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>;

/** A file system that Bakery's root can be on. */
export type HostType = keyof typeof MAKE;

/** Makes a file system of so many MiB in the file `image` and mounts it at `at`, which it makes too. */
export function makeDisk(
  image: string,
  at: string,
  options: { mib: number; type: HostType; options?: string; isAllocated?: boolean },
): void {
  writeFileSync(image, '');
  truncateSync(image, options.mib * MIB);
  if (options.isAllocated) sh('fallocate', '--length', String(options.mib * MIB), image);
  const [program, ...args] = MAKE[options.type];
  sh(program, ...args, image);
  mkdirSync(at);
  sh('mount', '-o', ['loop', options.options].filter(Boolean).join(), image, at);
  const [device = ''] = sh('findmnt', '--noheadings', '--output', 'MAJ:MIN', '--mountpoint', at).trim().split(/\s+/);
  // What a test of volumes that was killed has left on the loop device: a disk would be as slow as one volume may be.
  liftDirtyLimits(device);
}
