import { lstat, readdir } from 'node:fs/promises';
import { readBeneath, removeBeneath, replaceBeneath } from '../../core/host/files.ts';

/** Folders in a root where boot files may be, by age of the image: since Debian 12 `boot/firmware`. */
export type BootFolder = 'boot/firmware' | 'boot';

/** What was done to make a root netboot, and what a person should know. */
export interface Prepared {
  readonly bootFolder: BootFolder;
  readonly notes: readonly string[];
}

/** Kernel and package hooks refuse to write to the boot folder unless it is a mount point: a bind onto itself makes it one. */
const BIND = '/boot/firmware /boot/firmware none bind 0 0';

/**
 * An image's fstab for an NFS root: without its card's partitions and without swap, with the boot folder bound onto itself.
 * Everything else stays as it is. @returns the text and what was taken out.
 */
export function prepareFstab(text: string, bootFolder: BootFolder): { text: string; dropped: string[] } {
  const dropped: string[] = [];
  const kept = text.split('\n').filter((line) => {
    const [device = '', mountPoint = '', type = ''] = line.trim().split(/\s+/);
    if (device === '' || device.startsWith('#')) return true;
    const ofCard = /^(PARTUUID|UUID|LABEL|PARTLABEL)=|^\/dev\/(mmcblk|sd|disk\/|nvme)/.test(device);
    const isRoot = mountPoint === '/' && !type.startsWith('nfs');
    const isBoot = ofCard && /^\/boot(\/|$)/.test(mountPoint);
    const isBind = line.trim() === BIND;
    if (!(type === 'swap' || isRoot || isBoot || isBind)) return true;
    if (!isBind) dropped.push(line.trim().replaceAll(/\s+/g, ' '));
    return false;
  });
  while (kept.at(-1) === '') kept.pop();
  if (bootFolder === 'boot/firmware') kept.push(BIND);
  return { text: `${kept.join('\n')}\n`, dropped };
}

/** First-boot growth and swap on the disk: both need a card. */
const UNWANTED_UNITS = ['resize2fs_once', 'rpi-resize', 'rpi-swap', 'dphys-swapfile', 'raspi-resize'];
const UNITS = 'etc/systemd/system';

async function isFolder(root: string, path: string): Promise<boolean> {
  // lstat at every level: a link in the image must not lead out of it.
  let at = root;
  for (const part of path.split('/')) {
    at = `${at}/${part}`;
    const facts = await lstat(at).catch(() => undefined);
    if (!facts?.isDirectory()) return false;
  }
  return true;
}

async function names(root: string, path: string): Promise<string[]> {
  return (await isFolder(root, path)) ? readdir(`${root}/${path}`) : [];
}

/** Where this root wants its boot files. */
export async function findBootFolder(root: string): Promise<BootFolder> {
  return (await isFolder(root, 'boot/firmware')) ? 'boot/firmware' : 'boot';
}

async function keepLease(root: string, notes: string[]): Promise<void> {
  // The kernel has the NIC's lease before userland starts. Whoever gives it up takes the root away.
  if (await isFolder(root, 'etc/NetworkManager')) {
    const conf = '[keyfile]\nunmanaged-devices=type:ethernet\n';
    await replaceBeneath(root, 'etc/NetworkManager/conf.d/50-bakery-netboot.conf', conf);
    notes.push('NetworkManager leaves ethernet alone: the kernel has its lease');
  }
  if (await isFolder(root, 'etc/systemd/network')) {
    const conf =
      '[Match]\nType=ether\n\n[Network]\nDHCP=ipv4\nKeepConfiguration=yes\n\n[DHCPv4]\nClientIdentifier=mac\n';
    await replaceBeneath(root, 'etc/systemd/network/05-bakery-netboot.network', conf);
    notes.push('systemd-networkd keeps the lease of ethernet');
  }
  const dhcpcd = (await readBeneath(root, 'etc/dhcpcd.conf'))?.toString('utf8');
  if (dhcpcd !== undefined && !/^nolink$/m.test(dhcpcd)) {
    await replaceBeneath(
      root,
      'etc/dhcpcd.conf',
      `${dhcpcd.trimEnd()}\n\n# The root is on NFS: a lost link must not drop the address.\nnolink\n`,
    );
    notes.push('dhcpcd keeps the address when the link is lost');
  }
}

async function lint(root: string, bootFolder: BootFolder, notes: string[]): Promise<void> {
  const shadow = (await readBeneath(root, 'etc/shadow'))?.toString('utf8');
  if (shadow === undefined) return;
  const withPassword = shadow.split('\n').some((line) => /^[^:]+:\$/.test(line));
  const rootKeys = await readBeneath(root, 'root/.ssh/authorized_keys').catch(() => undefined);
  // The image makes its user at first boot from one of these.
  const seeds = await Promise.all(
    ['userconf.txt', 'userconf', 'user-data'].map((name) => readBeneath(root, `${bootFolder}/${name}`)),
  );
  const homes = await names(root, 'home');
  const keys = await Promise.all(
    homes.map((home) => readBeneath(root, `home/${home}/.ssh/authorized_keys`).catch(() => undefined)),
  );
  if (!withPassword && [rootKeys, ...keys, ...seeds].every((file) => !file?.length))
    notes.push('warning: nobody can log in: no password and no key is set');
}

/** Makes a mounted golden root fit to netboot. Idempotent. `cmdline.txt` is left as it is: it is rendered per Pi. */
export async function prepareRoot(root: string): Promise<Prepared> {
  const notes: string[] = [];
  const bootFolder = await findBootFolder(root);
  const fstab = (await readBeneath(root, 'etc/fstab'))?.toString('utf8');
  if (fstab !== undefined) {
    const { text, dropped } = prepareFstab(fstab, bootFolder);
    if (text !== fstab) await replaceBeneath(root, 'etc/fstab', text);
    for (const line of dropped) notes.push(`fstab: removed "${line}"`);
  }
  const wants = (await names(root, UNITS)).filter((name) => /\.(wants|requires)$/.test(name));
  for (const folder of [...wants.map((name) => `${UNITS}/${name}`), 'etc/rc3.d', 'etc/rcS.d']) {
    for (const name of await names(root, folder)) {
      const unwanted = UNWANTED_UNITS.some(
        (unit) => name === `${unit}.service` || new RegExp(`^S\\d\\d${unit}$`).test(name),
      );
      if (unwanted && (await removeBeneath(root, `${folder}/${name}`))) notes.push(`disabled ${name}`);
    }
  }
  if (await isFolder(root, 'etc/rpi')) {
    // rpi-swap is a systemd generator, not a unit; swap in compressed memory needs no disk (swap.conf(5)).
    await replaceBeneath(root, 'etc/rpi/swap.conf.d/90-bakery-netboot.conf', '[Main]\nMechanism=zram\n');
    notes.push('swap is in compressed memory, not in a file');
  }
  await keepLease(root, notes);
  const cmdline = (await readBeneath(root, `${bootFolder}/cmdline.txt`))?.toString('utf8');
  if (cmdline === undefined) notes.push('warning: the boot files have no cmdline.txt; no Pi can boot this');
  else if (cmdline.includes('{{'))
    notes.push('cmdline.txt is a template of the original Bakery; it is filled in per Pi');
  else notes.push('cmdline.txt is rendered per Pi: NFS root instead of the card');
  await lint(root, bootFolder, notes);
  return { bootFolder, notes };
}
