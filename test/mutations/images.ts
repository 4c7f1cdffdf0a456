import type { Mutation } from './mutation.ts';

/** Intake of images that somebody hostile made. */
export const images: readonly Mutation[] = [
  {
    name: 'an unfit root is to blame for itself',
    file: 'exports/images/faults.ts',
    old: 'BLAMED.has(String(error.code))',
    new: "BLAMED.has('')",
    test: 'test/contract/root-fuzz.test.ts',
    fails: 'whatever stands where intake and identity look',
  },
  {
    name: 'an image does not decide how many notes are kept of it',
    file: 'exports/images/prepare.ts',
    old: 'const lint = bounded(found);',
    new: 'const lint = found;',
    test: 'test/contract/root-fuzz.test.ts',
    fails: 'a root with any number of homes',
  },
  {
    name: 'a FAT has only so many files',
    file: 'exports/images/golden.ts',
    old: ' || listed.files > MOST_BOOT_FILES',
    new: '',
    test: 'test/unit/exports-images.test.ts',
    fails: 'a FAT that lists more than it can hold',
  },
  {
    name: 'a file system that resize2fs refuses is broken',
    file: 'exports/images/faults.ts',
    old: "error.code === 'tool-failed' && toDiskFault(error) === error;",
    new: "error.code === 'tool-failed' && false;",
    test: 'test/unit/exports-images.test.ts',
    fails: 'a file system that e2fsck passes and resize2fs does not',
  },
  {
    name: 'packed images are refused as such',
    file: 'exports/images/layout.ts',
    old: 'PACKED.find(([magic]) => head.startsWith(magic));',
    new: 'PACKED.find(([magic]) => head === magic);',
    test: 'test/contract/images-fuzz.test.ts',
    fails: 'packed images are refused as such',
  },
  {
    name: 'a file system that the kernel finds broken is no fault of this server',
    file: 'exports/images/images.ts',
    old: "if (!isErrno(error, 'EROFS')) throw error;",
    new: 'if (error) throw error;',
    test: 'test/contract/volumes-images.test.ts',
    fails: 'a file system that the kernel finds broken only when it is written on',
  },
  {
    name: 'damage that libuv has no name for is no fault of this server',
    file: 'exports/images/faults.ts',
    old: ' || DAMAGED.has(Number(error.errno))',
    new: '',
    test: 'test/contract/volumes-images.test.ts',
    fails: 'a file system that the kernel finds broken only when it is read',
  },
];
