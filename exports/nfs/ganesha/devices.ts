import { readlink, stat, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { deviceName } from '../../volumes/mountinfo.ts';
import { readSuperblock } from '../../volumes/superblock.ts';

/** A block device with a file system on it, by its name in /dev. Without a UUID nothing is exported from it. */
export interface KnownDevice {
  readonly name: string;
  /** Its number, as stat(2) has it. */
  readonly number: number;
  readonly uuid?: string;
}

/**
 * A cache of libblkid (blkid_parse_line of its read.c) in which each of them was looked at just now: for 2 s it takes that as it stands (blkid_verify of
 * its verify.c, BLKID_PROBE_MIN). `nowMs` is since the epoch.
 */
export function renderDevices(devices: readonly KnownDevice[], nowMs: number): string {
  const time = `${Math.floor(nowMs / 1_000)}.${String(Math.floor(nowMs % 1_000) * 1_000).padStart(6, '0')}`;
  const lines = devices.map(({ name, number, uuid }) => {
    // One without a type it does not take.
    const what = uuid === undefined ? 'TYPE="unknown"' : `UUID="${uuid}" TYPE="ext4"`;
    return `<device DEVNO="0x${number.toString(16).padStart(4, '0')}" TIME="${time}" ${what}>${name}</device>\n`;
  });
  return lines.join('');
}

/** The block device of what is mounted at `path`, or above it; undefined where it is none. */
async function deviceOf(path: string): Promise<KnownDevice | undefined> {
  const { dev: number } = await stat(path);
  const device = deviceName(number);
  if (device.startsWith('0:')) return undefined;
  return { name: `/dev/${basename(await readlink(`/sys/dev/block/${device}`))}`, number };
}

function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [] : [above, ...foldersAbove(above)];
}

/**
 * The devices that ganesha asks libblkid about when it is to export `path`: the volume's, with the UUID that it has now, and those of the
 * file systems above it. @throws where any of them cannot be told.
 */
async function devicesOf(path: string): Promise<KnownDevice[]> {
  const [volume, ...above] = await Promise.all([path, ...foldersAbove(path)].map(deviceOf));
  const uuid = volume && (await readSuperblock(volume.name))?.uuid;
  const known = new Map<number, KnownDevice>();
  for (const one of above) if (one) known.set(one.number, one);
  if (volume) known.delete(volume.number);
  if (volume && uuid !== undefined) known.set(volume.number, { ...volume, uuid });
  return [...known.values()];
}

/**
 * Tells libblkid what is on these devices, in the file that it has for that: else it looks for each file system that it knows, at the beginning and at the end
 * of each of the disks, which takes longer than all the rest of an addition. What cannot be told it looks at itself.
 */
export async function tellDevices(file: string, path: string, nowMs: number): Promise<void> {
  const devices = await devicesOf(path).catch(() => []);
  await writeFile(file, renderDevices(devices, nowMs), { mode: 0o600 });
}
