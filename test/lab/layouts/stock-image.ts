import {
  closeSync,
  cpSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../image/host.ts';
import type { Layout } from './layout.ts';
import type { StockParts } from './parts.ts';

const MIB = 1024 ** 2;
/** As in every stock image: the first partition begins at 8 MiB. */
const BOOT_START = 8 * MIB;
const BOOT_SIZE = 96 * MIB;
const ROOT_SIZE = 320 * MIB;
const BOOT = 'boot/firmware/';
const DISK = '6c586e13';

/** The text of a layout, with its places filled in. */
export function fill(text: string, version: string): string {
  return text.replaceAll('@DISK@', DISK).replaceAll('@VERSION@', version);
}

/** Puts the root's files of a layout into a tree that has what they stand on. The boot partition's are not among them. */
export function layRoot(layout: Layout, tree: string, version: string): void {
  for (const { path, text = '', link, mode = 0o644 } of layout.files) {
    if (path.startsWith(BOOT)) continue;
    const at = join(tree, path);
    mkdirSync(dirname(at), { recursive: true });
    rmSync(at, { force: true });
    if (link === undefined) writeFileSync(at, fill(text, version), { mode });
    else symlinkSync(link, at);
    lchownSync(at, 0, 0);
  }
}

/** Puts the boot partition's files of a layout into a folder, without kernel and firmware. */
export function layBoot(layout: Layout, folder: string, version: string): void {
  for (const { path, text = '' } of layout.files) {
    if (path.startsWith(BOOT)) writeFileSync(join(folder, path.slice(BOOT.length)), fill(text, version));
  }
}

async function makeBoot(layout: Layout, parts: StockParts, work: string): Promise<string> {
  const [folder, file] = [join(work, 'boot'), join(work, 'boot.fat')];
  mkdirSync(folder);
  const { kernel, initramfs, deviceTree } = layout.bootNames;
  const names: Readonly<Record<string, string>> = { kernel, initramfs, 'device-tree': deviceTree };
  for (const name of readdirSync(join(parts.folder, 'boot'))) {
    if (name === 'version') continue;
    cpSync(join(parts.folder, 'boot', name), join(folder, fill(names[name] ?? name, parts.version)));
  }
  layBoot(layout, folder, parts.version);
  writeFileSync(file, '');
  truncateSync(file, BOOT_SIZE);
  await run('mkfs.vfat', ['-F', '32', '-n', layout.labels.boot.slice(0, 11), file]);
  await run('mcopy', ['-i', file, ...readdirSync(folder).map((name) => join(folder, name)), '::']);
  return file;
}

async function makeRoot(layout: Layout, parts: StockParts, work: string): Promise<string> {
  const [tree, file] = [join(work, 'tree'), join(work, 'root.ext4')];
  mkdirSync(tree);
  const how = ['--same-owner', '--numeric-owner', '--same-permissions'];
  await run('tar', ['--extract', ...how, '--file', join(parts.folder, 'root.tar'), '--directory', tree]);
  layRoot(layout, tree, parts.version);
  await run('mke2fs', [
    '-q',
    '-t',
    'ext4',
    '-b',
    '4096',
    '-d',
    tree,
    '-L',
    layout.labels.root,
    file,
    `${ROOT_SIZE / MIB}M`,
  ]);
  rmSync(tree, { recursive: true });
  return file;
}

/** Makes the stock image of a layout, sparse: an MBR, a FAT and an ext4 partition. `work` is an empty folder for what comes between. */
export async function makeStockImage(
  layout: Layout,
  parts: StockParts,
  { target, work }: { target: string; work: string },
): Promise<void> {
  const [boot, root] = [await makeBoot(layout, parts, work), await makeRoot(layout, parts, work)];
  closeSync(openSync(target, 'wx'));
  truncateSync(target, BOOT_START + BOOT_SIZE + ROOT_SIZE);
  const table = `label: dos\nlabel-id: 0x${DISK}\nstart=${BOOT_START / 512}, size=${BOOT_SIZE / 512}, type=c\nstart=${(BOOT_START + BOOT_SIZE) / 512}, type=83\n`;
  await run('sfdisk', ['--quiet', target], { stdin: table });
  for (const [file, at] of [
    [boot, BOOT_START],
    [root, BOOT_START + BOOT_SIZE],
  ] as const) {
    await run('dd', [`if=${file}`, `of=${target}`, 'bs=1M', `seek=${at / MIB}`, 'conv=sparse,notrunc', 'status=none']);
    rmSync(file);
  }
}
