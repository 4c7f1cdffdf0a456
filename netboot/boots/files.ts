/** What a boot file is for, as far as its name tells. */
export type FileRole =
  | 'first-stage'
  | 'firmware'
  | 'config'
  | 'cmdline'
  | 'device-tree'
  | 'initramfs'
  | 'kernel'
  | 'everything'
  | 'other';

/** By base name, in lower case; the first that fits (netboot-facts: orders of files of LOG3, LOG4A, LOG4B and LOG5). */
const ROLES: readonly (readonly [RegExp, FileRole])[] = [
  [/^boot(?:code|sig)\.bin$/, 'first-stage'],
  [/^start\w*\.elf$/, 'firmware'],
  [/^config\.txt$/, 'config'],
  [/^cmdline\.txt$/, 'cmdline'],
  // A RAM disk with all of a boot partition in it (boot_ramdisk=1).
  [/^boot\.img$/, 'everything'],
  [/^bcm\d\w*-.*\.dtb$/, 'device-tree'],
  [/^initr(?:d|amfs)/, 'initramfs'],
  // Asked for by firmware that wants to be mended; no Pi has them.
  [/^recovery/, 'other'],
  [/^(?:kernel|vmlinu|b?z?image|u-boot)|\.img$/, 'kernel'],
];

/** What the file at `path` is for. */
export function roleOf(path: string): FileRole {
  const name = path.split('/').at(-1)?.toLowerCase() ?? '';
  return ROLES.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
}
