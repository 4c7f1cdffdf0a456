import {
  chmodSync,
  closeSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  openSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { run, runBinary } from './host.ts';
import type { Modules } from './modules.ts';
import { busyboxTree, EPOCH, fillIn, fillTreeFile, type Places, settle, walk } from './tree.ts';

const SECTOR = 512;
const MIB = 1024 * 1024;
/** As in disk.sfdisk and in every stock Raspberry Pi image: the first partition begins at 8 MiB. */
const BOOT_START = 16_384 * SECTOR;
const BOOT_SIZE = 64 * MIB;
const ROOT_SIZE = 96 * MIB;

/** Fixed identities, so that two builds give the same bytes. */
const DISK_ID = 'b4ce7a11';
const ROOT_UUID = '5f0c1d6e-3a52-4b0e-9d4b-6b61c0de0003';
const HASH_SEED = '5f0c1d6e-3a52-4b0e-9d4b-6b61c0de0004';
const VOLUME_ID = 'b4ce0001';

const FIRMWARE = ['bootcode.bin', 'start.elf', 'fixup.dat', 'start4.elf', 'fixup4.dat'];
const DEVICE_TREES = ['bcm2837-rpi-3-b.dtb', 'bcm2837-rpi-3-b-plus.dtb', 'bcm2711-rpi-4-b.dtb'];

const INITRAMFS_FILES: Places = {
  'both/lab.sh': 'usr/lib/lab/lab.sh',
  'initramfs/init': 'init',
  'initramfs/udhcpc.script': 'etc/udhcpc.script',
};
const ROOT_FILES: Places = {
  'both/lab.sh': 'usr/lib/lab/lab.sh',
  'root/etc': 'etc',
  'root/init': 'sbin/init',
  'root/json.awk': 'usr/lib/lab/json.awk',
  'root/live.sh': 'usr/lib/lab/live.sh',
  'root/setup-loop': 'usr/lib/lab/setup-loop',
  'root/workload.sh': 'usr/lib/lab/workload.sh',
};

/** What the image is made of. */
export interface Parts {
  /** The Debian packages, unpacked into one folder. */
  readonly unpacked: string;
  /** Version of the kernel, e.g. 6.1.0-50-arm64. */
  readonly version: string;
  readonly modules: Modules;
  /** A folder for what comes between. */
  readonly work: string;
}

/** newc cpio of a tree, gzipped: /init loads the modules and mounts the root over NFS. */
export async function buildInitramfs({ unpacked, modules, work }: Parts): Promise<Buffer> {
  const tree = join(work, 'initramfs');
  busyboxTree(tree, INITRAMFS_FILES, join(unpacked, 'bin/busybox'));
  mkdirSync(join(tree, 'newroot'));
  await modules.copyTo(tree);
  writeFileSync(join(tree, 'etc/modules.load'), modules.files.map((file) => `${file}\n`).join(''));
  settle(tree);
  const args = ['--quiet', '--null', '--create', '--format=newc', '--reproducible', '--owner=+0:+0'];
  const archive = join(work, 'initramfs.cpio');
  const names = ['.', ...walk(tree)].map((name) => `${name}\0`).join('');
  await run('cpio', [...args, `--file=${archive}`], { cwd: tree, stdin: names });
  return runBinary('gzip', ['-9', '-n', '-c', archive]);
}

/** The FAT partition as a file of its own. */
async function buildBoot(parts: Parts): Promise<string> {
  const { unpacked, version, work } = parts;
  const folder = join(work, 'boot');
  mkdirSync(folder);
  for (const name of FIRMWARE) copyFileSync(join(unpacked, 'usr/lib/raspi-firmware', name), join(folder, name));
  for (const name of DEVICE_TREES) {
    copyFileSync(join(unpacked, `usr/lib/linux-image-${version}/broadcom`, name), join(folder, name));
  }
  // Plain, the kernel is just below what TFTP can number in blocks of 512 bytes. The firmware and QEMU take it gzipped.
  const kernel = await runBinary('gzip', ['-9', '-n', '-c', join(unpacked, `boot/vmlinuz-${version}`)]);
  writeFileSync(join(folder, 'vmlinuz'), kernel);
  writeFileSync(join(folder, 'initrd.img'), await buildInitramfs(parts));
  for (const name of ['config.txt', 'extraconfig.txt', 'cmdline.txt']) {
    writeFileSync(join(folder, name), fillIn(join('boot', name), { DISKID: DISK_ID }));
  }
  settle(folder);

  const file = join(work, 'boot.fat');
  writeFileSync(file, '');
  truncateSync(file, BOOT_SIZE);
  await run('mkfs.vfat', ['-F', '32', '--invariant', '-i', VOLUME_ID, '-n', 'bootfs', file]);
  // -m keeps the files' times. FAT has local time, so the zone is fixed too.
  const names = walk(folder).map((name) => join(folder, name));
  await run('mcopy', ['-m', '-i', file, ...names, '::'], { env: { TZ: 'UTC', SOURCE_DATE_EPOCH: `${EPOCH}` } });
  return file;
}

/** The ext4 partition as a file of its own. */
async function buildRoot({ unpacked, modules, work }: Parts): Promise<string> {
  const tree = join(work, 'rootfs');
  busyboxTree(tree, ROOT_FILES, join(unpacked, 'bin/busybox'));
  for (const folder of ['boot/firmware', 'tmp', 'mnt', 'root', 'var/log']) {
    mkdirSync(join(tree, folder), { recursive: true });
  }
  fillTreeFile(tree, 'etc/fstab', { DISKID: DISK_ID });
  await modules.copyTo(tree);
  settle(tree);
  chmodSync(join(tree, 'etc/shadow'), 0o600);
  chmodSync(join(tree, 'root'), 0o700);
  chmodSync(join(tree, 'tmp'), 0o1777);
  lutimesSync(tree, EPOCH, EPOCH);

  const file = join(work, 'root.ext4');
  // Blocks of 4096 bytes as in a real image; so small a file system would get 1024.
  const args = ['-q', '-t', 'ext4', '-b', '4096', '-d', tree, '-L', 'rootfs', '-U', ROOT_UUID];
  args.push('-E', `hash_seed=${HASH_SEED},root_owner=0:0`);
  // The features are what Debian's own configuration says; a builder's /etc/mke2fs.conf is that file.
  const env = { E2FSPROGS_FAKE_TIME: `${EPOCH}`, SOURCE_DATE_EPOCH: `${EPOCH}` };
  await run('mke2fs', [...args, file, `${ROOT_SIZE / MIB}M`], { env });
  // The one time that mke2fs takes over and nobody can set on a file: when it was changed last. Inode 2 is the root, 11 is
  // lost+found, our files come next.
  const inodes = [2, ...Array.from({ length: walk(tree).length + 1 }, (_, i) => 11 + i)];
  const commands = inodes.map((inode) => `set_inode_field <${inode}> ctime @${EPOCH}\n`).join('');
  await run('debugfs', ['-w', '-f', '-', file], { env, stdin: commands });
  return file;
}

/** Builds the whole image into `target`, sparse. */
export async function buildImage(parts: Parts, target: string): Promise<void> {
  const boot = await buildBoot(parts);
  const root = await buildRoot(parts);
  closeSync(openSync(target, 'wx'));
  truncateSync(target, BOOT_START + BOOT_SIZE + ROOT_SIZE);
  const script = fillIn('disk.sfdisk', {
    DISKID: DISK_ID,
    BOOT_SECTORS: `${BOOT_SIZE / SECTOR}`,
    // Left to itself, sfdisk puts the second partition into the gap before the first.
    ROOT_SECTOR: `${(BOOT_START + BOOT_SIZE) / SECTOR}`,
  });
  await run('sfdisk', ['--quiet', target], { stdin: script });
  const place = async (file: string, at: number): Promise<void> => {
    await run('dd', [`if=${file}`, `of=${target}`, 'bs=1M', `seek=${at / MIB}`, 'conv=sparse,notrunc', 'status=none']);
  };
  await place(boot, BOOT_START);
  await place(root, BOOT_START + BOOT_SIZE);
}
