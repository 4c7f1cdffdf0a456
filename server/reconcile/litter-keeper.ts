import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import { listBakeforms } from '../../db/bakeforms.ts';
import { listClaimed } from '../../db/claims.ts';
import { listDisks } from '../../db/disks.ts';
import { addFeedEvent } from '../../db/events.ts';
import { importState, listImports, readLegacyInventory } from '../../db/legacy.ts';
import type { Db } from '../../db/open.ts';
import { listSnapshots } from '../../db/snapshots.ts';
import { addTold, listTold, removeTold } from '../../db/told.ts';
import { listTrash } from '../../db/trash.ts';
import { listUploads } from '../../db/uploads.ts';
import type { Loop } from '../../exports/volumes/loops.ts';
import type { Mount } from '../../exports/volumes/mountinfo.ts';
import { type Entry, findLitter, type KnownThings, LITTER_FOLDERS, type Litter, type PoolLoop } from './litter.ts';

const KIND = 'litter.found';
/** So many are listed and told at most: somebody may unpack an archive in the wrong place. */
export const MOST = 1_000;

/** Looks for what nothing in the database accounts for. It deletes nothing, ever. */
export interface LitterKeeper {
  /** All there is now. */
  list(): Promise<{ litter: readonly Litter[]; more: boolean }>;
  /** Tells what is new, once. @returns how much of it there is. */
  tell(): Promise<number>;
}

async function readKnown(db: Db): Promise<KnownThings> {
  const isOpen = (await importState(db)) === 'open' && (await readLegacyInventory(db)) !== undefined;
  const imports = isOpen ? [] : await listImports(db);
  const named = imports.flatMap(({ item, source }) => [
    item.slice(item.indexOf(':') + 1),
    source?.split('/').at(-1) ?? '',
  ]);
  return {
    disks: await listDisks(db),
    bakeforms: await listBakeforms(db),
    trash: (await listTrash(db)).map(({ id }) => id),
    snapshots: await listSnapshots(db),
    uploads: (await listUploads(db)).map(({ id }) => id),
    claimed: await listClaimed(db),
    legacy: isOpen ? 'all' : new Set(named),
  };
}

async function readEntries(root: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const folder of LITTER_FOLDERS) {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const kind = entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other';
      entries.push({ folder, name: entry.name, kind, bytes: 0 });
    }
  }
  return entries;
}

/** With its size; undefined when it is gone meanwhile. */
async function sized(root: string, litter: Litter): Promise<Litter | undefined> {
  if (litter.kind !== 'file') return litter;
  try {
    return { ...litter, bytes: (await lstat(join(root, litter.path))).size };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Builds it for the server of `root`. */
export function createLitterKeeper(ports: {
  db: Db;
  root: string;
  loops: () => Promise<readonly Loop[]>;
  mounts: () => Promise<readonly Mount[]>;
  clock: Clock;
  log: Log;
}): LitterKeeper {
  const { db, root, clock, log } = ports;

  async function poolLoops(): Promise<PoolLoop[]> {
    const loops = (await ports.loops()).filter(({ file }) => file.startsWith(`${root}/pool/`));
    const mounted = new Set((await ports.mounts()).map(({ source }) => source));
    return loops.map(({ name, file }) => ({
      name,
      file: file.slice(root.length + 1),
      isMounted: mounted.has(name),
    }));
  }

  async function list() {
    // An operation may begin, or end, between the one and the other: what is known before or after is not litter.
    const before = await readKnown(db);
    const [entries, loops] = [await readEntries(root), await poolLoops()];
    const found = findLitter([before, await readKnown(db)], entries, loops);
    const looked = await Promise.all(found.slice(0, MOST).map((litter) => sized(root, litter)));
    return { litter: looked.filter((litter) => litter !== undefined), more: found.length > MOST };
  }

  /** A loop device is there for a moment before its volume is mounted: only one that stays is told. */
  let loopsBefore = new Set<string>();

  return {
    list,
    async tell() {
      const { litter: all, more } = await list();
      const litter = all.filter(({ kind, path }) => kind !== 'loop' || loopsBefore.has(path));
      loopsBefore = new Set(all.filter(({ kind }) => kind === 'loop').map(({ path }) => path));
      const told = await listTold(db, KIND);
      const fresh = litter.filter(({ path }) => !told.has(path)).slice(0, Math.max(0, MOST - told.size));
      const there = new Set(litter.map(({ path }) => path));
      const gone = more ? [] : [...told].filter((path) => !there.has(path));
      if (fresh.length > 0)
        log.warn({ found: fresh.map(({ path }) => path).slice(0, 20), count: fresh.length }, 'found litter');
      await db.transaction().execute(async (trx) => {
        for (const thing of fresh) {
          await addTold(trx, KIND, thing.path);
          await addFeedEvent(trx, { type: KIND, data: thing }, clock.now());
        }
        for (const path of gone) await removeTold(trx, KIND, path);
      });
      return litter.length;
    },
  };
}
