import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LAB_ENV, sh } from './sh.ts';

/** SHA-256 in hex. */
export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A file of the boot partition of an image that test/lab/image has built. */
export function bootFileOf(image: string, name: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-boot-file-'));
  try {
    sh('mcopy', '-i', `${image}@@8M`, `::${name}`, folder);
    return readFileSync(join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * What a new version of the kernel's package would bring: a kernel of other bytes, and an initramfs that says the word when it starts.
 * Both boot as the old ones do.
 */
export function newKernelOf(image: string, word: string): { readonly vmlinuz: Buffer; readonly 'initrd.img': Buffer } {
  const vmlinuz = bootFileOf(image, 'vmlinuz');
  // When it was packed (RFC 1952, 2.3: MTIME): no loader looks at it.
  vmlinuz.writeUInt32LE((vmlinuz.readUInt32LE(4) ^ 0x5a5a5a5a) >>> 0, 4);
  const tree = mkdtempSync(join(tmpdir(), 'bakery-initramfs-'));
  try {
    mkdirSync(join(tree, 'etc'));
    writeFileSync(join(tree, 'etc/upgraded'), `${word}\n`);
    const input = 'etc/upgraded\n';
    const options = { cwd: tree, input, env: LAB_ENV };
    const more = execFileSync('cpio', ['--quiet', '--create', '--format=newc'], options);
    // Archives follow each other, each at a multiple of four (Documentation/driver-api/early-userspace/buffer-format.rst).
    const old = bootFileOf(image, 'initrd.img');
    return { vmlinuz, 'initrd.img': Buffer.concat([old, Buffer.alloc(-old.length & 3), more]) };
  } finally {
    rmSync(tree, { recursive: true });
  }
}
