import { readFileSync, readlinkSync } from 'node:fs';
import { lstat, readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isErrno } from '../../core/errors.ts';

/** One line of /proc/self/mountinfo (proc(5)). */
export interface Mount {
  /** major:minor of the mounted device. */
  readonly device: string;
  readonly mountPoint: string;
  readonly type: string;
  /** The device's name, for a block device `/dev/…`. */
  readonly source: string;
  /** The file system's own options: what became of it shows here (`ro`, `emergency_ro`), whatever it was mounted with. */
  readonly superOptions: readonly string[];
}

/** Blanks, tabs, newlines and backslashes are octal in mountinfo. */
function plainText(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_whole, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Reads the text of mountinfo, in mount order: of two on one mount point the later one is seen. */
export function parseMountinfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const fields = left.split(' ');
    const [type, source, superOptions = ''] = right.split(' ');
    const [device, mountPoint] = [fields[2], fields[4]];
    if (!device || !mountPoint || !type || !source) return [];
    const options = superOptions.split(',');
    return [{ device, mountPoint: plainText(mountPoint), type, source: plainText(source), superOptions: options }];
  });
}

/** The mounts of this process' namespace. */
export async function readMounts(): Promise<Mount[]> {
  return parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** The last mount at `mountPoint` in the text of mountinfo. Of a thousand lines it reads those that can be the one. */
export function lastMountAt(text: string, mountPoint: string): Mount | undefined {
  const octal = (char: string) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  // The characters that the kernel writes so (seq_path of its show_mountinfo).
  const written = ` ${mountPoint.replaceAll(/[ \t\n\\]/g, octal)} `;
  for (let at = text.lastIndexOf(written); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(written, at - 1)) {
    const end = text.indexOf('\n', at);
    const [mount] = parseMountinfo(text.slice(text.lastIndexOf('\n', at) + 1, end < 0 ? text.length : end));
    if (mount?.mountPoint === mountPoint) return mount;
  }
  return undefined;
}

/** major:minor, as mountinfo has it: gnu_dev_major and gnu_dev_minor of glibc, for devices below 2^32. */
export function deviceName(dev: number): string {
  return `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
}

/** LOOP_MAJOR of the kernel's uapi/linux/major.h. */
const LOOP = /^7:\d+$/;

/**
 * The ext4 on a loop device that is mounted at `mountPoint`, found by the number of its device; undefined when it is anything else, or nothing. A
 * thousand mounts make mountinfo 150 KB long: the kernel takes a few ms to write it down, and every other look waits meanwhile.
 */
async function loopMountAt(mountPoint: string): Promise<Mount | undefined> {
  try {
    const [here, above] = [await lstat(mountPoint), await stat(dirname(mountPoint))];
    const device = deviceName(here.dev);
    if (here.dev === above.dev || !LOOP.test(device)) return undefined;
    // Both are the kernel's own words: to have them read by another thread takes longer than to read them.
    const name = basename(readlinkSync(`/sys/dev/block/${device}`));
    // The same words as in mountinfo, one a line (ext4_seq_options_show of the kernel's fs/ext4/super.c).
    const options = readFileSync(`/proc/fs/ext4/${name}/options`, 'utf8');
    const superOptions = options.split('\n').filter((word) => word !== '');
    return { device, mountPoint, type: 'ext4', source: `/dev/${name}`, superOptions };
  } catch (error) {
    // Another file system, or unmounted meanwhile.
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** What is mounted at each of these places; the others are left out. */
export async function mountsAt(places: readonly string[]): Promise<Map<string, Mount>> {
  const found = new Map<string, Mount>();
  let text: string | undefined;
  for (const place of places) {
    const quick = await loopMountAt(place);
    text ??= quick ? undefined : await readFile('/proc/self/mountinfo', 'utf8');
    const mount = quick ?? lastMountAt(text ?? '', place);
    if (mount) found.set(place, mount);
  }
  return found;
}

/** What is mounted at `mountPoint`, or undefined. */
export async function mountAt(mountPoint: string): Promise<Mount | undefined> {
  return (await mountsAt([mountPoint])).get(mountPoint);
}

/** True when its file system is read-only, or gone, after an error (ext4: `emergency_ro`, in older kernels `ro`; or `shutdown`). */
export function isBroken(mount: Mount): boolean {
  return mount.superOptions.some((word) => ['ro', 'emergency_ro', 'shutdown'].includes(word));
}

/** The ext4 volumes that are mounted below `folder`. */
export async function mountsBelow(folder: string): Promise<Mount[]> {
  return (await readMounts()).filter(({ type, mountPoint }) => type === 'ext4' && mountPoint.startsWith(`${folder}/`));
}
