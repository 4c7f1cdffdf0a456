import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { findMirror, privateApt } from '../image/apt.ts';
import { run, runBinary } from '../image/host.ts';
import { buildInitramfs } from '../image/image.ts';
import { needModules } from '../image/modules.ts';
import { readList } from '../image/tree.ts';
import { configureRoot, unpackDebs } from './debian-root.ts';

/** The builder as a process: `parts-main.ts TARGET WORK-PREFIX`, run by parts.ts under its lock. */
const [target, workPrefix] = process.argv.slice(2);
if (!target || !workPrefix) throw new Error('usage: parts-main.ts TARGET WORK-PREFIX');

/** The board that is emulated has its network card on PCI. */
const BOARD_MODULES = ['virtio_pci', 'virtio_net'];
const FIRMWARE = ['bootcode.bin', 'start.elf', 'fixup.dat'];
const DEVICE_TREE = 'bcm2837-rpi-3-b.dtb';

/** Kernel, initramfs and firmware, by the names that parts.ts gives them. */
async function buildBoot(work: string, folder: string): Promise<void> {
  const apt = privateApt(join(work, 'apt'), findMirror());
  await apt.update();
  const kernel = await apt.dependsOn('linux-image-arm64', /^linux-image-\d.*-arm64(-unsigned)?$/);
  const unpacked = join(work, 'unpacked');
  await apt.unpack(['raspi-firmware', kernel, 'busybox-static'], unpacked);
  const version = kernel.replace(/^linux-image-/, '').replace(/-unsigned$/, '');
  const modules = await needModules(unpacked, version, [...readList('modules'), ...BOARD_MODULES]);
  mkdirSync(folder);
  for (const name of FIRMWARE) cpSync(join(unpacked, 'usr/lib/raspi-firmware', name), join(folder, name));
  cpSync(join(unpacked, `usr/lib/linux-image-${version}/broadcom`, DEVICE_TREE), join(folder, 'device-tree'));
  // The firmware and QEMU take it gzipped; plain it takes three times as long over TFTP.
  writeFileSync(
    join(folder, 'kernel'),
    await runBinary('gzip', ['-n', '-c', join(unpacked, `boot/vmlinuz-${version}`)]),
  );
  writeFileSync(join(folder, 'initramfs'), await buildInitramfs({ unpacked, version, modules, work }));
  writeFileSync(join(folder, 'version'), version);
}

/** A small Debian of the same mirror that systemd starts and ssh logs in to. */
async function buildRoot(work: string, tar: string): Promise<void> {
  const apt = join(work, 'apt');
  const names = readFileSync(join(import.meta.dirname, 'packages'), 'utf8')
    .split('\n')
    .filter((line) => /^[a-z]/.test(line));
  const how = ['--yes', '--quiet', '--no-install-recommends', '--download-only'];
  await run('apt-get', [...how, 'install', ...names], { env: { APT_CONFIG: join(apt, 'etc/apt.conf') } });
  const root = join(work, 'root');
  mkdirSync(root);
  await unpackDebs(join(apt, 'cache/archives'), root, work);
  configureRoot(root);
  await run('tar', ['--create', '--numeric-owner', '--file', tar, '--directory', root, '.']);
}

async function build(path: string, prefix: string): Promise<string> {
  // Another builder may have had the lock before us.
  if (existsSync(path)) return `found ${path}`;
  const began = Date.now();
  // We have the lock, so these belong to builders that were killed.
  for (const name of readdirSync(dirname(prefix))) {
    if (join(dirname(prefix), name).startsWith(prefix))
      rmSync(join(dirname(prefix), name), { recursive: true, force: true });
  }
  const work = mkdtempSync(prefix);
  try {
    const parts = join(work, 'parts');
    mkdirSync(parts);
    await buildBoot(work, join(parts, 'boot'));
    await buildRoot(work, join(parts, 'root.tar'));
    renameSync(parts, path);
    return `built ${path} in ${((Date.now() - began) / 1000).toFixed(0)} s`;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

process.stdout.write(`${await build(target, workPrefix)}\n`);
