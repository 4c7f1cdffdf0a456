import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const MIB = 1024 ** 2;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function run(program: string, args: readonly string[], input?: string): void {
  const env = { PATH, MTOOLS_SKIP_CHECK: '1' };
  execFileSync(program, [...args], {
    env,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'],
    ...(input === undefined ? {} : { input }),
  });
}

/** What a made image holds. */
export interface TinyImage {
  readonly bootFiles?: Readonly<Record<string, string | Uint8Array>>;
  readonly rootFiles?: Readonly<Record<string, string | Uint8Array>>;
  readonly rootMiB?: number;
  readonly bootMiB?: number;
  /** Features of the ext4 beyond what mke2fs gives it (`^metadata_csum` takes one away). */
  readonly rootFeatures?: string;
}

/** Files as in a small Raspberry Pi OS. */
export const TINY: Required<TinyImage> = {
  rootMiB: 24,
  bootMiB: 32,
  rootFeatures: '',
  bootFiles: {
    'bootcode.bin': Buffer.alloc(50_000, 'boot'),
    'start.elf': Buffer.alloc(300_001, 'start'),
    'fixup.dat': 'fixup',
    'config.txt': 'arm_64bit=1\n',
    'cmdline.txt': 'console=ttyAMA0,115200 root=PARTUUID=6c586e13-02 rootfstype=ext4 fsck.repair=yes rootwait\n',
    'kernel8.img': Buffer.alloc(1_000_000, 'kernel'),
    'overlays/overlay_map.dtb': 'map',
  },
  rootFiles: {
    'etc/hostname': 'raspberrypi\n',
    'etc/hosts': '127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n',
    'etc/machine-id': '0123456789abcdef0123456789abcdef\n',
    'etc/fstab':
      'proc /proc proc defaults 0 0\nPARTUUID=6c586e13-01 /boot/firmware vfat defaults 0 2\nPARTUUID=6c586e13-02 / ext4 defaults,noatime 0 1\n',
    'etc/ssh/ssh_host_ed25519_key': 'everybody has this one\n',
    'boot/firmware/.keep': '',
    'usr/bin/tool': Buffer.alloc(400_000, 'x'),
  },
};

function lay(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

/** Makes a raw image with an MBR, a FAT and an ext4 partition in a second or so. */
export function makeTinyImage(file: string, image: TinyImage = {}): void {
  const { bootFiles, rootFiles, rootMiB, bootMiB, rootFeatures } = { ...TINY, ...image };
  const work = mkdtempSync(join(tmpdir(), 'bakery-tiny-'));
  try {
    const [boot, root, fat] = [join(work, 'boot'), join(work, 'root'), join(work, 'fat')];
    for (const folder of [boot, root]) mkdirSync(folder);
    lay(boot, bootFiles);
    lay(root, rootFiles);
    writeFileSync(file, '');
    truncateSync(file, (1 + bootMiB + rootMiB) * MIB);
    const [first, second] = [`2048,${bootMiB * 2048},c`, `${(1 + bootMiB) * 2048},${rootMiB * 2048},83`];
    const table = ['label: dos', 'label-id: 0x6c586e13', first, second, ''].join('\n');
    // Told of a device, the kernel is given 250 ms for what it may still be doing with it; this is a file.
    run('sfdisk', ['--quiet', '--no-tell-kernel', file], table);
    writeFileSync(fat, '');
    truncateSync(fat, bootMiB * MIB);
    run('mkfs.vfat', ['-F', '16', '-n', 'bootfs', fat]);
    for (const name of new Set(Object.keys(bootFiles).map((path) => path.split('/')[0] ?? ''))) {
      run('mcopy', ['-s', '-i', fat, join(boot, name), '::']);
    }
    run('dd', [`if=${fat}`, `of=${file}`, 'bs=1M', 'seek=1', 'conv=notrunc']);
    run('mke2fs', [
      '-q',
      '-t',
      'ext4',
      '-d',
      root,
      '-L',
      'rootfs',
      ...(rootFeatures ? ['-O', rootFeatures] : []),
      '-E',
      `offset=${(1 + bootMiB) * MIB}`,
      file,
      `${rootMiB}M`,
    ]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
