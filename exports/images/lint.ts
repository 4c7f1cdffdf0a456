import type { Finding } from '../../core/bakeform.ts';
import { BakeryError } from '../../core/errors.ts';
import { readBeneath } from '../../core/host/files.ts';
import { isOfCard } from './fstab.ts';
import { isFolder, namesIn } from './tree.ts';

const MOST_HOMES = 1_000;
const MOST_FINDINGS = 50;
const MOST_CHARACTERS = 200;

/** One thing that was changed or found. Its code has a line in docs/bakeforms.md. */
export function finding(level: Finding['level'], code: string, message: string, path?: string): Finding {
  return { level, code, message, ...(path === undefined ? {} : { path }) };
}

/** Findings are kept with the bakeform and shown: an image decides neither how many there are nor how long they get. */
export function bounded(found: readonly Finding[]): Finding[] {
  const cut = (text: string) => (text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text);
  const short = found.map((finding) => ({
    ...finding,
    message: cut(finding.message),
    ...(finding.path === undefined ? {} : { path: cut(finding.path) }),
  }));
  if (short.length <= MOST_FINDINGS) return short;
  // The last ones are about the whole image.
  const [first, last] = [short.slice(0, MOST_FINDINGS - 11), short.slice(-10)];
  const message = `${short.length - first.length - last.length} more like these`;
  return [...first, finding('info', 'more-like-these', message), ...last];
}

/** The same in plain words. */
export function notesOf(found: readonly Finding[]): string[] {
  return found.map(({ level, message }) => (level === 'info' ? message : `warning: ${message}`));
}

/** What each family of Pis takes from the boot folder where config.txt names no kernel (config_txt, "kernel"). */
const FAMILIES: readonly { readonly pis: string; readonly kernels: readonly string[]; readonly firmware?: string }[] = [
  { pis: 'Pi 1, Zero', kernels: ['kernel.img'], firmware: 'start.elf' },
  { pis: 'Pi 2', kernels: ['kernel7.img'], firmware: 'start.elf' },
  { pis: 'Pi 3, Zero 2 W', kernels: ['kernel8.img', 'kernel7.img'], firmware: 'start.elf' },
  { pis: 'Pi 4, 400', kernels: ['kernel8.img', 'kernel7l.img'], firmware: 'start4.elf' },
  // Its firmware is on the board.
  { pis: 'Pi 5, 500', kernels: ['kernel_2712.img', 'kernel8.img'] },
];

/** Which kernels there are for whom. `names` are those of the boot folder. Pure. */
export function lintKernels(names: readonly string[], config: string, folder: string): Finding[] {
  const has = new Set(names);
  const settings = config.split('\n').map((line) => line.trim());
  if (settings.some((line) => line.startsWith('os_prefix='))) return [];
  const named = settings.flatMap((line) => /^kernel=(\S+)/.exec(line)?.[1] ?? []);
  const missing = named.filter((name) => !name.includes('/') && !has.has(name));
  if (missing.length > 0) {
    const message = `config.txt names a kernel that is not there: ${missing.join(', ')}`;
    return [finding('error', 'kernel-missing', message, `${folder}/config.txt`)];
  }
  const found = FAMILIES.flatMap(({ pis, kernels, firmware }): Finding[] => {
    const hasKernel = named.length > 0 || kernels.some((name) => has.has(name));
    if (!hasKernel) return [finding('info', 'no-kernel-for-model', `no kernel for ${pis}`)];
    if (firmware === undefined || has.has(firmware)) return [];
    return [finding('info', 'no-firmware-for-model', `no ${firmware} for ${pis}`)];
  });
  if (found.length < FAMILIES.length) return found;
  const message = 'there is no kernel and firmware that any Pi can boot';
  return [finding('error', 'kernel-missing', message, folder)];
}

/** Lines that a start will wait for in vain: partitions of a card that nobody has. Pure. */
export function lintFstab(text: string): Finding[] {
  return text.split('\n').flatMap((line): Finding[] => {
    const [device = '', mountPoint = '', , options = ''] = line.trim().split(/\s+/);
    if (!isOfCard(device) || /\b(noauto|nofail)\b/.test(options)) return [];
    const message = `fstab mounts ${device} at ${mountPoint}, which no Pi has: its start waits for it`;
    return [finding('warning', 'fstab-partition-kept', message, 'etc/fstab')];
  });
}

/** Whether there are keys in that file. One that is no plain file of a usual size, or whose name nobody could type, has none. */
async function hasKeys(root: string, home: string): Promise<boolean> {
  try {
    return Boolean((await readBeneath(root, `${home}/.ssh/authorized_keys`))?.length);
  } catch (error) {
    if (error instanceof BakeryError) return false;
    throw error;
  }
}

async function canLogIn(root: string, bootFolder: string): Promise<boolean> {
  const shadow = (await readBeneath(root, 'etc/shadow'))?.toString('utf8');
  if (shadow === undefined || shadow.split('\n').some((line) => /^[^:]+:\$/.test(line))) return true;
  // The image makes its user at first boot from one of these.
  const seeds = await Promise.all(
    ['userconf.txt', 'userconf', 'user-data'].map((name) => readBeneath(root, `${bootFolder}/${name}`)),
  );
  if (seeds.some((file) => file?.length) || (await hasKeys(root, 'root'))) return true;
  // One after the other: an image may have any number of them, and this process has only so many files.
  for (const home of (await namesIn(root, 'home')).slice(0, MOST_HOMES)) {
    if (await hasKeys(root, `home/${home}`)) return true;
  }
  return false;
}

/** What a person should know of a root that was made fit to netboot. */
export async function lintRoot(root: string, bootFolder: string): Promise<Finding[]> {
  const read = async (path: string) => (await readBeneath(root, path))?.toString('utf8');
  const found = lintFstab((await read('etc/fstab')) ?? '');
  if (await isFolder(root, bootFolder)) {
    const config = (await read(`${bootFolder}/config.txt`)) ?? '';
    found.push(...lintKernels(await namesIn(root, bootFolder), config, bootFolder));
  }
  const cmdline = await read(`${bootFolder}/cmdline.txt`);
  const path = `${bootFolder}/cmdline.txt`;
  if (cmdline === undefined) {
    const message = 'the boot files have no cmdline.txt; no Pi can boot this';
    found.push(finding('error', 'cmdline-missing', message, path));
  } else if (cmdline.includes('{{')) {
    const message = 'cmdline.txt is a template of the original Bakery; it is filled in per Pi';
    found.push(finding('info', 'cmdline-template', message, path));
  } else {
    const message = 'cmdline.txt is rendered per Pi: NFS root instead of the card';
    found.push(finding('info', 'cmdline-rendered', message, path));
  }
  if (!(await canLogIn(root, bootFolder))) {
    found.push(finding('warning', 'no-login', 'nobody can log in: no password and no key is set'));
  }
  return found;
}
