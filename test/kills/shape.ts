import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { parseMountinfo } from '../../exports/volumes/mountinfo.ts';
import type { Rack } from '../lab/rack.ts';

/**
 * The whole world in lines that two runs of the same story share: rows without their minted ids and times, files of the pool by
 * number, which Pis are powered. What belongs to what is `checkWorld`'s business.
 */
export function shapeOf(rack: Pick<Rack, 'world' | 'lit' | 'serials'>): string[] {
  const { root } = rack.world;
  const db = new Database(join(root, 'bakery.db'), { readonly: true, timeout: 5_000 });
  const rows = (name: string, sql: string) =>
    (db.prepare(sql).all() as object[]).map((row) => `${name} ${JSON.stringify(row)}`);
  const lines = [
    ...rows('pi', 'SELECT id, state, bakeform, maintenance, quarantine, await_off, fault FROM pis'),
    ...rows('disk', 'SELECT role, state, size_mib, pi, position, name, withheld FROM disks'),
    ...rows('snapshot', 'SELECT state, size_mib, name FROM snapshots'),
    ...rows('bakeform', 'SELECT name, state, sha256, bytes, boot_folder, notes, lint FROM bakeforms'),
    ...rows('trash', 'SELECT role, size_mib, pi, bakeform FROM trash'),
    ...rows('claim', 'SELECT resource FROM claims'),
  ];
  const disks = db.prepare("SELECT id FROM disks WHERE role = 'data' AND state = 'ready'").all() as { id: string }[];
  db.close();
  for (const { id } of disks) {
    const image = readFileSync(join(root, 'nfs', id, 'disk.img'));
    lines.push(`a disk.img of ${image.length} bytes begins with ${JSON.stringify(image.toString('latin1', 0, 8))}`);
    // The magic number of ext4, and the label beside it (Documentation/filesystems/ext4/super.rst).
    if (image.readUInt16LE(1080) === 0xef53) lines.push(`a file system ${image.toString('latin1', 1144, 1152)}`);
  }
  for (const pi of rack.serials) {
    const list = join(root, 'nfs', pi, 'piConfig/disks.json');
    if (existsSync(list)) lines.push(`a list of ${JSON.parse(readFileSync(list, 'utf8')).length} disks`);
  }
  for (const folder of ['volumes', 'golden', 'incoming', 'work', 'trash', 'snapshots']) {
    lines.push(`${readdirSync(join(root, 'pool', folder)).length} files in ${folder}`);
  }
  const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  const broken = mounts.filter(
    ({ mountPoint, superOptions }) =>
      mountPoint.startsWith(`${root}/nfs/`) &&
      superOptions.some((option) => option === 'ro' || option === 'emergency_ro'),
  );
  const halfMade = rack.serials.filter((pi) => existsSync(join(root, 'nfs', pi, 'etc/ssh/.bakery-new-keys')));
  return [
    `${broken.length} broken volumes`,
    `${halfMade.length} half-made keys`,
    ...lines,
    `powered: ${[...rack.lit].join(' ')}`,
  ].toSorted();
}
