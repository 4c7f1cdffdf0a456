import { readBeneath, removeBeneath } from '../../core/host/files.ts';
import { type Change, change, write } from './change.ts';
import { prepareFstab } from './fstab.ts';
import { finding } from './lint.ts';
import { planNetwork } from './network.ts';
import type { BootFolder } from './prepare.ts';
import { isFolder, namesIn } from './tree.ts';

/** Starts that no netbooted Pi wants, by the name of their unit or script; why, for those who left them. */
const UNWANTED: readonly { readonly unit: string; readonly missed: string }[] = [
  ...['resize2fs_once', 'rpi-resize', 'raspi-resize'].map((unit) => ({ unit, missed: 'grows a partition of a card' })),
  ...['rpi-swap', 'dphys-swapfile'].map((unit) => ({ unit, missed: 'makes swap in a file of the root' })),
  // Each bake gives a root its keys. This one takes them away at the first start (raspberrypi-sys-mods).
  { unit: 'regenerate_ssh_host_keys', missed: 'replaces the SSH host keys of the bake' },
];
const UNITS = 'etc/systemd/system';

async function planFstab(root: string, bootFolder: BootFolder): Promise<Change[]> {
  const path = 'etc/fstab';
  const fstab = (await readBeneath(root, path))?.toString('utf8');
  if (fstab === undefined) return [];
  const { text, dropped } = prepareFstab(fstab, bootFolder);
  if (text === fstab) return [];
  const done = dropped.map((line) => finding('info', 'fstab-entry-removed', `fstab: removed "${line}"`, path));
  // The partitions that a start waits for are found by the lint.
  const swap = dropped.filter((line) => line.split(' ')[2] === 'swap');
  const left = swap.map((line) => finding('warning', 'left-unprepared', `left as it is: swap, "${line}"`, path));
  return [{ done, left, make: write(root, path, text) }];
}

async function planUnits(root: string): Promise<Change[]> {
  const wants = (await namesIn(root, UNITS)).filter((name) => /\.(wants|requires)$/.test(name));
  const changes: Change[] = [];
  for (const folder of [...wants.map((name) => `${UNITS}/${name}`), 'etc/rc3.d', 'etc/rcS.d']) {
    for (const name of await namesIn(root, folder)) {
      const unwanted = UNWANTED.find(
        ({ unit }) => name === `${unit}.service` || new RegExp(`^S\\d\\d${unit}$`).test(name),
      );
      if (!unwanted) continue;
      const path = `${folder}/${name}`;
      const told = {
        tells: 'unit-disabled',
        said: `disabled ${name}`,
        missed: `${name} ${unwanted.missed}`,
        path,
      };
      changes.push(change(told, () => removeBeneath(root, path)));
    }
  }
  return changes;
}

async function planSwap(root: string): Promise<Change[]> {
  if (!(await isFolder(root, 'etc/rpi'))) return [];
  // rpi-swap is a systemd generator, not a unit; swap in compressed memory needs no disk (swap.conf(5)).
  const text = '[Main]\nMechanism=zram\n';
  const said = 'swap is in compressed memory, not in a file';
  const told = { tells: 'swap-in-memory', said, missed: 'rpi-swap makes swap in a file of the root', path: 'etc/rpi' };
  return [change(told, write(root, 'etc/rpi/swap.conf.d/90-bakery-netboot.conf', text))];
}

/**
 * cloud-init deletes the host keys of what it takes for a new machine, and grows partitions (its documentation: modules SSH, Growpart,
 * Resizefs). What a bake's `userData` says has the last word.
 */
async function planCloudInit(root: string): Promise<Change[]> {
  const folder = 'etc/cloud/cloud.cfg.d';
  if (!(await isFolder(root, folder))) return [];
  const text = '#cloud-config\nssh_deletekeys: false\ngrowpart: {mode: "off"}\nresize_rootfs: false\n';
  const said = 'cloud-init keeps the SSH host keys of the bake, and the size of the root';
  const missed = 'cloud-init replaces the SSH host keys of the bake';
  const told = { tells: 'cloud-init-tamed', said, missed, path: folder };
  return [change(told, write(root, `${folder}/99-bakery-netboot.cfg`, text))];
}

/** What is to change in a root so that it netboots, in the order in which it is told. Reads only. */
export async function planChanges(root: string, bootFolder: BootFolder): Promise<Change[]> {
  return [
    ...(await planFstab(root, bootFolder)),
    ...(await planUnits(root)),
    ...(await planSwap(root)),
    ...(await planCloudInit(root)),
    ...(await planNetwork(root)),
  ];
}
