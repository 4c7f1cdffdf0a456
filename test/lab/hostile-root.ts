import { chmodSync, mkdirSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Chance } from './seed.ts';
import { sh, trySh } from './sh.ts';

/** Everything in a root that intake or identity reads, writes, lists or removes, and folders on the way to it. */
export const TOUCHED = [
  'boot',
  'boot/firmware',
  'boot/firmware/bootcode.bin',
  'boot/firmware/cmdline.txt',
  'boot/firmware/meta-data',
  'boot/firmware/overlays',
  'boot/firmware/user-data',
  'etc',
  'etc/NetworkManager',
  'etc/NetworkManager/conf.d',
  'etc/NetworkManager/conf.d/50-bakery-netboot.conf',
  'etc/cloud/cloud.cfg.d',
  'etc/cloud/cloud.cfg.d/99-bakery-netboot.cfg',
  'etc/dhcpcd.conf',
  'etc/fstab',
  'etc/group',
  'etc/hostname',
  'etc/hosts',
  'etc/machine-id',
  'etc/network/interfaces',
  'etc/network/interfaces.d',
  'etc/network/interfaces.d/eth0',
  'etc/passwd',
  'etc/rc3.d',
  'etc/rc3.d/S01resize2fs_once',
  'etc/rpi',
  'etc/rpi/swap.conf.d',
  'etc/rpi/swap.conf.d/90-bakery-netboot.conf',
  'etc/shadow',
  'etc/ssh',
  'etc/ssh/.bakery-new-keys',
  'etc/ssh/ssh_host_ed25519_key',
  'etc/ssh/ssh_host_ed25519_key.pub',
  'etc/systemd/network',
  'etc/systemd/network/05-bakery-netboot.network',
  'etc/systemd/system',
  'etc/systemd/system/bakery-disks.service',
  'etc/systemd/system/multi-user.target.wants',
  'etc/systemd/system/multi-user.target.wants/bakery-disks.service',
  'etc/systemd/system/multi-user.target.wants/rpi-resize.service',
  'home',
  'home/pi',
  'home/pi/.ssh',
  'home/pi/.ssh/authorized_keys',
  'piConfig',
  'root/.ssh',
  'root/.ssh/authorized_keys',
  'usr/lib/bakery',
  'usr/lib/bakery/bakery-disks',
  'usr/lib/systemd',
  'usr/sbin',
  'var/lib/NetworkManager/secret_key',
  'var/lib/dbus',
  'var/lib/dbus/machine-id',
  'var/lib/systemd',
  'var/lib/systemd/random-seed',
] as const;

/** A root as it should be, with all of that in it. */
export function layWholeRoot(root: string): void {
  const files: Readonly<Record<string, string>> = {
    'boot/firmware/bootcode.bin': 'firmware',
    'boot/firmware/cmdline.txt': 'console=tty1 root=PARTUUID=1-02\n',
    'boot/firmware/meta-data': 'instance-id: everybody\n',
    'boot/firmware/overlays/a.dtbo': 'overlay',
    'etc/NetworkManager/conf.d/a.conf': '',
    'etc/cloud/cloud.cfg.d/a.cfg': '',
    'etc/dhcpcd.conf': 'persistent\n',
    'etc/fstab': 'PARTUUID=1-02 / ext4 defaults 0 1\n',
    'etc/group': 'root:x:0:\n',
    'etc/hostname': 'raspberrypi\n',
    'etc/hosts': '127.0.0.1\tlocalhost\n',
    'etc/machine-id': '0123456789abcdef0123456789abcdef\n',
    'etc/network/interfaces.d/eth0': 'auto eth0\niface eth0 inet dhcp\n',
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
    'etc/rc3.d/S01resize2fs_once': '',
    'etc/rpi/swap.conf': '',
    'etc/shadow': 'root:*:1::::::\n',
    'etc/ssh/ssh_host_ed25519_key': 'everybody has this one\n',
    'etc/systemd/network/a.network': '',
    'etc/systemd/system/multi-user.target.wants/rpi-resize.service': '',
    'home/pi/.ssh/authorized_keys': '',
    'root/.ssh/authorized_keys': '',
    'usr/lib/systemd/systemd': '',
    'usr/sbin/losetup': '',
    'var/lib/dbus/machine-id': '0123456789abcdef0123456789abcdef\n',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** Names that a file system may hold and a program may stumble over. */
const NAMES = [
  'a\nb',
  '\u001b[2J',
  '-rf',
  '..%2f',
  'x'.repeat(255),
  ' ',
  '*',
  '\\',
  '$(reboot)',
  '名前',
  'ssh_host_\n_key',
];

interface Place {
  /** Where it is put; nothing is there. */
  readonly at: string;
  readonly root: string;
  /** A folder outside of the root that must never change. */
  readonly outside: string;
  readonly chance: Chance;
}

const out = ({ at, outside }: Place, name = '') => relative(dirname(at), join(outside, name));

/** What may stand where a file or a folder is expected. */
export const FORMS: Readonly<Record<string, (place: Place) => void>> = {
  nothing: () => undefined,
  'an empty file': ({ at }) => writeFileSync(at, ''),
  'an empty folder': ({ at }) => mkdirSync(at),
  'a folder of odd names': ({ at }) => {
    mkdirSync(at);
    for (const name of NAMES) writeFileSync(join(at, name), '');
  },
  'a folder of folders': ({ at }) => mkdirSync(`${at}${'/d'.repeat(70)}`, { recursive: true }),
  'a link out of the root': ({ at, outside }) => symlinkSync(outside, at),
  'a link to a file outside': ({ at, outside }) => symlinkSync(join(outside, 'file'), at),
  'a link to a new file outside': ({ at, outside }) => symlinkSync(join(outside, 'new'), at),
  'a relative link out': (place) => symlinkSync(out(place), place.at),
  'a relative link to a file outside': (place) => symlinkSync(out(place, 'file'), place.at),
  'a link to itself': ({ at }) => symlinkSync(at, at),
  'a link to etc': ({ at, root }) => symlinkSync(join(root, 'etc'), at),
  'a link to the root of this machine': ({ at }) => symlinkSync('/', at),
  'a link to a process': ({ at }) => symlinkSync('/proc/self/fd', at),
  'a FIFO': ({ at }) => void sh('mkfifo', at),
  'a socket': ({ at }) => void sh('perl', '-MIO::Socket::UNIX', '-e', SOCKET, at),
  'a device that never ends': ({ at }) => void sh('mknod', at, 'c', '1', '5'),
  'a disk': ({ at }) => void sh('mknod', at, 'b', '7', '0'),
  'a huge sparse file': ({ at }) => {
    writeFileSync(at, '');
    truncateSync(at, 2 ** 40);
  },
  'a large file of short lines': ({ at }) => writeFileSync(at, '/dev/sda1 none swap sw\n'.repeat(50_000)),
  'one long line': ({ at }) => writeFileSync(at, `${'x'.repeat(3_000_000)} / ext4`),
  noise: ({ at, chance }) => writeFileSync(at, Buffer.from(Array.from({ length: 5_000 }, () => chance.below(256)))),
  'a file nobody may read': ({ at }) => {
    writeFileSync(at, 'secret');
    chmodSync(at, 0);
  },
  'a file that cannot be changed': ({ at }) => {
    writeFileSync(at, 'text\n');
    sh('chattr', '+i', at);
  },
  'a file that only grows': ({ at }) => {
    writeFileSync(at, 'text\n');
    sh('chattr', '+a', at);
  },
  'a folder that cannot be changed': ({ at }) => {
    mkdirSync(at);
    writeFileSync(join(at, 'file'), '');
    sh('chattr', '+i', at);
  },
};
// Its path is longer than a socket's name may be: from its own folder it is short.
const SOCKET =
  'my ($d, $n) = $ARGV[0] =~ m{^(.*)/(.*)$}; chdir $d or die; IO::Socket::UNIX->new(Local => $n, Listen => 1) or die $!';

/** Removes what is there, whatever somebody has forbidden. */
export function clear(at: string): void {
  try {
    rmSync(at, { recursive: true, force: true });
  } catch {
    trySh('chattr', '-R', '-f', '-ia', at);
    rmSync(at, { recursive: true, force: true });
  }
}

/**
 * Puts `form` at `path` of a root, whatever is there. False where it cannot be put: a folder on the way is none any more, or does
 * not let itself be changed.
 */
export function spoil(form: string, path: string, place: Omit<Place, 'at'>): boolean {
  const at = join(place.root, path);
  try {
    if (realpathSync(dirname(at)) !== dirname(at)) return false;
    clear(at);
    FORMS[form]?.({ ...place, at });
    return true;
  } catch {
    return false;
  }
}
