import type { Finding } from '../../core/bakeform.ts';
import { readBeneath, removeBeneath, replaceBeneath } from '../../core/host/files.ts';
import { addDisksUnit } from './disks-unit.ts';
import { blamingRoot } from './faults.ts';
import { bounded, finding, lintRoot, notesOf } from './lint.ts';
import { isFolder, namesIn } from './tree.ts';

/** Folders in a root where boot files may be, by age of the image: since Debian 12 `boot/firmware`. */
export type BootFolder = 'boot/firmware' | 'boot';

/** What was done to make a root netboot, and what a person should know. */
export interface Prepared {
  readonly bootFolder: BootFolder;
  /** The same as `lint`, in plain words. */
  readonly notes: readonly string[];
  readonly lint: readonly Finding[];
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

/** Where this root wants its boot files. */
export async function findBootFolder(root: string): Promise<BootFolder> {
  return (await isFolder(root, 'boot/firmware')) ? 'boot/firmware' : 'boot';
}

async function keepLease(root: string, found: Finding[]): Promise<void> {
  // The kernel has the NIC's lease before userland starts. Whoever gives it up takes the root away.
  if (await isFolder(root, 'etc/NetworkManager')) {
    const conf = '[keyfile]\nunmanaged-devices=type:ethernet\n';
    await replaceBeneath(root, 'etc/NetworkManager/conf.d/50-bakery-netboot.conf', conf);
    const message = 'NetworkManager leaves ethernet alone: the kernel has its lease';
    found.push(finding('info', 'lease-kept', message, 'etc/NetworkManager'));
  }
  if (await isFolder(root, 'etc/systemd/network')) {
    const conf =
      '[Match]\nType=ether\n\n[Network]\nDHCP=ipv4\nKeepConfiguration=yes\n\n[DHCPv4]\nClientIdentifier=mac\n';
    await replaceBeneath(root, 'etc/systemd/network/05-bakery-netboot.network', conf);
    const message = 'systemd-networkd keeps the lease of ethernet';
    found.push(finding('info', 'lease-kept', message, 'etc/systemd/network'));
  }
  const dhcpcd = (await readBeneath(root, 'etc/dhcpcd.conf'))?.toString('utf8');
  if (dhcpcd !== undefined && !/^nolink$/m.test(dhcpcd)) {
    await replaceBeneath(
      root,
      'etc/dhcpcd.conf',
      `${dhcpcd.trimEnd()}\n\n# The root is on NFS: a lost link must not drop the address.\nnolink\n`,
    );
    const message = 'dhcpcd keeps the address when the link is lost';
    found.push(finding('info', 'lease-kept', message, 'etc/dhcpcd.conf'));
  }
}

/**
 * Makes a mounted golden root fit to netboot. Idempotent. `cmdline.txt` is left as it is: it is rendered per Pi.
 * @throws BakeryError `root-unfit`, `file-too-large` (invalid), `path-refused` (forbidden).
 */
export function prepareRoot(root: string): Promise<Prepared> {
  return blamingRoot(() => prepare(root));
}

async function prepare(root: string): Promise<Prepared> {
  const found: Finding[] = [];
  const bootFolder = await findBootFolder(root);
  const fstab = (await readBeneath(root, 'etc/fstab'))?.toString('utf8');
  if (fstab !== undefined) {
    const { text, dropped } = prepareFstab(fstab, bootFolder);
    if (text !== fstab) await replaceBeneath(root, 'etc/fstab', text);
    for (const line of dropped) {
      const message = `fstab: removed "${line}"`;
      found.push(finding('info', 'fstab-entry-removed', message, 'etc/fstab'));
    }
  }
  const wants = (await namesIn(root, UNITS)).filter((name) => /\.(wants|requires)$/.test(name));
  for (const folder of [...wants.map((name) => `${UNITS}/${name}`), 'etc/rc3.d', 'etc/rcS.d']) {
    for (const name of await namesIn(root, folder)) {
      const unwanted = UNWANTED_UNITS.some(
        (unit) => name === `${unit}.service` || new RegExp(`^S\\d\\d${unit}$`).test(name),
      );
      const path = `${folder}/${name}`;
      if (!unwanted || !(await removeBeneath(root, path))) continue;
      found.push(finding('info', 'unit-disabled', `disabled ${name}`, path));
    }
  }
  if (await isFolder(root, 'etc/rpi')) {
    // rpi-swap is a systemd generator, not a unit; swap in compressed memory needs no disk (swap.conf(5)).
    await replaceBeneath(root, 'etc/rpi/swap.conf.d/90-bakery-netboot.conf', '[Main]\nMechanism=zram\n');
    const message = 'swap is in compressed memory, not in a file';
    found.push(finding('info', 'swap-in-memory', message, 'etc/rpi'));
  }
  await keepLease(root, found);
  found.push(await addDisksUnit(root, bootFolder));
  found.push(...(await lintRoot(root, bootFolder)));
  const lint = bounded(found);
  return { bootFolder, notes: notesOf(lint), lint };
}
