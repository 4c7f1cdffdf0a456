import type { BootFolder } from './prepare.ts';

/** Kernel and package hooks refuse to write to the boot folder unless it is a mount point: a bind onto itself makes it one. */
const BIND = '/boot/firmware /boot/firmware none bind 0 0';

/** Whether a device of fstab(5) is a partition of a card or of a disk of its own, which no netbooted Pi has. */
export function isOfCard(device: string): boolean {
  return /^(PARTUUID|UUID|LABEL|PARTLABEL)=|^\/dev\/(mmcblk|sd|disk\/|nvme)/.test(device);
}

/**
 * An image's fstab for an NFS root: without its card's partitions and without swap, with the boot folder bound onto itself.
 * Everything else stays as it is. @returns the text and what was taken out.
 */
export function prepareFstab(text: string, bootFolder: BootFolder): { text: string; dropped: string[] } {
  const dropped: string[] = [];
  const kept = text.split('\n').filter((line) => {
    const [device = '', mountPoint = '', type = ''] = line.trim().split(/\s+/);
    if (device === '' || device.startsWith('#')) return true;
    const isRoot = mountPoint === '/' && !type.startsWith('nfs');
    const isBoot = isOfCard(device) && /^\/boot(\/|$)/.test(mountPoint);
    const isBind = line.trim() === BIND;
    if (!(type === 'swap' || isRoot || isBoot || isBind)) return true;
    if (!isBind) dropped.push(line.trim().replaceAll(/\s+/g, ' '));
    return false;
  });
  while (kept.at(-1) === '') kept.pop();
  if (bootFolder === 'boot/firmware') kept.push(BIND);
  return { text: `${kept.join('\n')}\n`, dropped };
}
