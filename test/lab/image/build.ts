import { createHash, randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { fetchPackages, run } from './packages.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const MIB = 1024 ** 2;
const LABEL_ID = 'b4ce7a11';
const BOOT_MIB = 64;
const ROOT_MIB = 96;
/** LBA 16384, where Raspberry Pi's own images begin. */
const BOOT_START = 8;

/** What the guest needs: its NIC (dwc2, cdc_ether), its root (nfsv3) and its disks (loop, ext4). */
const MODULES = ['phy-generic', 'dwc2', 'cdc_ether', 'nfs', 'nfsv3', 'loop', 'ext4'];

/** A built image. */
export interface PiImage {
  readonly path: string;
  readonly sha256: string;
  readonly builtNow: boolean;
}

function sourcesHash(): string {
  const hash = createHash('sha256');
  for (const name of globSync('**/*', { cwd: HERE }).toSorted()) {
    if (statSync(join(HERE, name)).isFile()) hash.update(`${name}\0`).update(readFileSync(join(HERE, name)));
  }
  return hash.digest('hex').slice(0, 24);
}

/**
 * The lab's image: firmware, kernel and busybox of Debian's arm64 packages in the layout of a Raspberry Pi image. Built once
 * (half a minute) and kept by the hash of its builder below `$BAKERY_TEST_CACHE` or `~/.cache/bakery-test`.
 */
export function buildPiImage(): PiImage {
  const cache = process.env.BAKERY_TEST_CACHE ?? join(homedir(), '.cache', 'bakery-test');
  const path = join(cache, `pi-${sourcesHash()}.img`);
  if (existsSync(path)) return { path, sha256: readFileSync(`${path}.sha256`, 'utf8').trim(), builtNow: false };
  mkdirSync(cache, { recursive: true });
  const work = join(cache, `build-${randomBytes(6).toString('hex')}`);
  mkdirSync(work);
  try {
    const made = makeImage(work);
    const sha256 = createHash('sha256').update(readFileSync(made)).digest('hex');
    writeFileSync(`${path}.sha256`, `${sha256}\n`);
    // Two builders at once each make a whole one; the later rename wins.
    renameSync(made, path);
    return { path, sha256, builtNow: true };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Module files in the order in which they can be loaded. */
function moduleFiles(tree: string, kernel: string): string[] {
  run('depmod', ['-b', tree, kernel]);
  const lines = MODULES.flatMap((name) =>
    run('modprobe', ['-d', tree, '-S', kernel, '--show-depends', name]).toString().split('\n'),
  );
  const files = lines.flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []);
  return [...new Set(files)];
}

function makeInitramfs(work: string, tree: string, kernel: string): Buffer {
  const root = join(work, 'initramfs');
  mkdirSync(join(root, 'bin'), { recursive: true });
  mkdirSync(join(root, 'lib/modules'), { recursive: true });
  cpSync(join(tree, 'bin/busybox'), join(root, 'bin/busybox'));
  cpSync(join(HERE, 'files/initramfs/init'), join(root, 'init'));
  cpSync(join(HERE, 'files/initramfs/udhcpc.script'), join(root, 'bin/udhcpc.script'));
  const modules = moduleFiles(tree, kernel);
  for (const file of modules) cpSync(file, join(root, 'lib/modules', basename(file)));
  writeFileSync(join(root, 'lib/modules/order'), `${modules.map((file) => basename(file)).join('\n')}\n`);
  run('chmod', ['0755', join(root, 'init'), join(root, 'bin/busybox'), join(root, 'bin/udhcpc.script')]);
  const names = ['.', ...globSync('**/*', { cwd: root }).toSorted()].join('\n');
  return gzipSync(run('cpio', ['--quiet', '-o', '-H', 'newc', '-R', '0:0'], { cwd: root, input: `${names}\n` }), {
    level: 9,
  });
}

function makeBoot(work: string, tree: string, kernel: string): string {
  const boot = join(work, 'boot');
  mkdirSync(boot);
  const firmware = join(tree, 'usr/lib/raspi-firmware');
  for (const name of ['bootcode.bin', 'start.elf', 'fixup.dat', 'start4.elf', 'fixup4.dat'])
    cpSync(join(firmware, name), join(boot, name));
  const dtbs = join(tree, `usr/lib/linux-image-${kernel}`, 'broadcom');
  for (const name of ['bcm2837-rpi-3-b.dtb', 'bcm2711-rpi-4-b.dtb']) cpSync(join(dtbs, name), join(boot, name));
  // The firmware and QEMU both unpack a gzipped arm64 Image; at 512 bytes a block a third of the blocks is a third of the time.
  writeFileSync(join(boot, 'vmlinuz'), gzipSync(readFileSync(join(tree, `boot/vmlinuz-${kernel}`)), { level: 9 }));
  writeFileSync(join(boot, 'initrd.img'), makeInitramfs(work, tree, kernel));
  writeFileSync(
    join(boot, 'config.txt'),
    [
      '# Debian kernels on a Raspberry Pi; see the firmware documentation of config.txt',
      '[pi4]',
      'kernel=does-not-exist-on-a-pi-3',
      '[pi3]',
      'include pi3.txt',
      '[all]',
      'arm_64bit=1',
      'upstream_kernel=1',
      'kernel=vmlinuz',
      'initramfs initrd.img followkernel',
      '',
    ].join('\n'),
  );
  writeFileSync(join(boot, 'pi3.txt'), '# only a Pi 3 reads this\nenable_uart=1\n');
  writeFileSync(
    join(boot, 'cmdline.txt'),
    `console=ttyAMA0,115200 root=PARTUUID=${LABEL_ID}-02 rootfstype=ext4 fsck.repair=yes rootwait\n`,
  );
  return boot;
}

function makeRoot(work: string, tree: string): string {
  const root = join(work, 'root');
  for (const folder of [
    'bin',
    'sbin',
    'etc',
    'dev',
    'proc',
    'sys',
    'run',
    'tmp',
    'boot/firmware',
    'usr/lib/lab',
    'var/lib',
  ]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  cpSync(join(tree, 'bin/busybox'), join(root, 'bin/busybox'));
  cpSync(join(HERE, 'files/root/init'), join(root, 'sbin/init'));
  cpSync(join(HERE, 'files/root/setup-loop'), join(root, 'usr/lib/lab/setup-loop'));
  run('chmod', ['0755', join(root, 'bin/busybox'), join(root, 'sbin/init'), join(root, 'usr/lib/lab/setup-loop')]);
  const etc = {
    hostname: 'raspberrypi\n',
    hosts: '127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n',
    'machine-id': 'uninitialized\n',
    fstab: [
      'proc /proc proc defaults 0 0',
      `PARTUUID=${LABEL_ID}-01 /boot/firmware vfat defaults 0 2`,
      `PARTUUID=${LABEL_ID}-02 / ext4 defaults,noatime 0 1`,
      '',
    ].join('\n'),
  };
  for (const [name, text] of Object.entries(etc)) writeFileSync(join(root, 'etc', name), text);
  return root;
}

function makeImage(work: string): string {
  const { tree, kernel } = fetchPackages(work);
  const [boot, root] = [makeBoot(work, tree, kernel), makeRoot(work, tree)];
  const [image, fat] = [join(work, 'pi.img'), join(work, 'fat.img')];
  writeFileSync(image, '');
  truncateSync(image, (BOOT_START + BOOT_MIB + ROOT_MIB) * MIB);
  const sectors = (mib: number) => mib * 2048;
  const table = [
    'label: dos',
    `label-id: 0x${LABEL_ID}`,
    `${sectors(BOOT_START)},${sectors(BOOT_MIB)},c`,
    `${sectors(BOOT_START + BOOT_MIB)},${sectors(ROOT_MIB)},83`,
    '',
  ];
  run('sfdisk', ['--quiet', image], { input: table.join('\n') });
  writeFileSync(fat, '');
  truncateSync(fat, BOOT_MIB * MIB);
  run('mkfs.vfat', ['--invariant', '-F', '16', '-n', 'bootfs', fat]);
  run('mcopy', ['-s', '-m', '-i', fat, ...globSync(join(boot, '*')).toSorted(), '::'], {
    env: { MTOOLS_SKIP_CHECK: '1' },
  });
  run('dd', [`if=${fat}`, `of=${image}`, 'bs=1M', `seek=${BOOT_START}`, 'conv=notrunc,sparse', 'status=none']);
  const offset = (BOOT_START + BOOT_MIB) * MIB;
  const uuid = 'b4ce7a11-0000-4000-8000-000000000002';
  const extended = `offset=${offset},hash_seed=${uuid},root_owner=0:0`;
  run('mke2fs', ['-q', '-t', 'ext4', '-d', root, '-L', 'rootfs', '-U', uuid, '-E', extended, image, `${ROOT_MIB}M`]);
  return image;
}
