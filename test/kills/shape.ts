import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Rack } from '../lab/rack.ts';

/**
 * The whole world in lines that two runs of the same story share: rows without their minted ids and times, files of the pool by
 * number, which Pis are powered. What belongs to what is `checkWorld`'s business.
 */
export function shapeOf(rack: Pick<Rack, 'world' | 'lit'>): string[] {
  const { root } = rack.world;
  const db = new Database(join(root, 'bakery.db'), { readonly: true, timeout: 5_000 });
  const rows = (name: string, sql: string) =>
    (db.prepare(sql).all() as object[]).map((row) => `${name} ${JSON.stringify(row)}`);
  const lines = [
    ...rows('pi', 'SELECT id, state, bakeform, maintenance, quarantine, await_off, fault FROM pis'),
    ...rows('disk', 'SELECT role, state, size_mib, pi, position FROM disks'),
    ...rows('bakeform', 'SELECT name, state, sha256, bytes, boot_folder, notes FROM bakeforms'),
    ...rows('trash', 'SELECT role, size_mib, pi, bakeform FROM trash'),
    ...rows('claim', 'SELECT resource FROM claims'),
  ];
  db.close();
  for (const folder of ['volumes', 'golden', 'incoming', 'work', 'trash']) {
    lines.push(`${readdirSync(join(root, 'pool', folder)).length} files in ${folder}`);
  }
  return [...lines, `powered: ${[...rack.lit].join(' ')}`].toSorted();
}
