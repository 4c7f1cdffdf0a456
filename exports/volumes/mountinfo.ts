import { readFile } from 'node:fs/promises';

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

/** What is mounted at `mountPoint`, or undefined. */
export async function mountAt(mountPoint: string): Promise<Mount | undefined> {
  return lastMountAt(await readFile('/proc/self/mountinfo', 'utf8'), mountPoint);
}

/** True when its file system is read-only, or gone, after an error (ext4: `emergency_ro`, in older kernels `ro`; or `shutdown`). */
export function isBroken(mount: Mount): boolean {
  return mount.superOptions.some((word) => ['ro', 'emergency_ro', 'shutdown'].includes(word));
}

/** The ext4 volumes that are mounted below `folder`. */
export async function mountsBelow(folder: string): Promise<Mount[]> {
  return (await readMounts()).filter(({ type, mountPoint }) => type === 'ext4' && mountPoint.startsWith(`${folder}/`));
}
