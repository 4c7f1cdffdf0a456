import {
  type BakeformName,
  type DiskId,
  type PiId,
  parseBakeformName,
  parseDiskId,
  parsePiId,
} from '../../core/ids.ts';
import type { PiState } from '../../core/pi.ts';
import type { LegacyRow } from '../../db/legacy.ts';
import type { LegacyFolder } from '../../exports/legacy/folders.ts';

/** What there is of the original, and what is known already. */
export interface ImportFacts {
  readonly rows: readonly LegacyRow[];
  /** The entries of `nfs/`, without those of Bakery's own disks. */
  readonly folders: readonly LegacyFolder[];
  /** The files of `bakeforms/`. */
  readonly images: readonly string[];
  /** The folders of `boot/`, by bakeform. */
  readonly boots: ReadonlySet<string>;
  /** Items that were taken over: never again, also when they have been destroyed since. */
  readonly done: ReadonlySet<string>;
  readonly pis: ReadonlyMap<PiId, PiState>;
  readonly disks: ReadonlySet<DiskId>;
  readonly bakeforms: ReadonlySet<BakeformName>;
  /** Ids of the volumes on the pool. */
  readonly volumes: ReadonlySet<string>;
}

/** A disk to be taken over. */
export interface PlannedDisk {
  readonly id: DiskId;
  readonly folder: string;
  readonly role: 'root' | 'data';
  readonly position: number | undefined;
  readonly sizeMiB: number;
  readonly notes: readonly string[];
}

/** A Pi to be taken over baked. */
export interface PlannedPi {
  readonly id: PiId;
  readonly bakeform: BakeformName | undefined;
  /** It has boot files in the original's `boot/<bakeform>`. */
  readonly boot: BakeformName | undefined;
  /** In attach order, the root first. */
  readonly disks: readonly PlannedDisk[];
  readonly notes: readonly string[];
}

/** One line for a person. */
export interface Remark {
  readonly item: string;
  readonly text: string;
}

/** What is to be done, in this order; `problems` is what cannot be done, `notes` what there was nothing to do about. */
export interface ImportPlan {
  /** Pis that enter the fridge. */
  readonly fridge: readonly (Remark & { readonly id: PiId })[];
  /** Pis in use that cannot be given away before they are taken over, or a person has decided. */
  readonly quarantine: readonly PiId[];
  readonly bakeforms: readonly { readonly name: BakeformName; readonly file: string }[];
  readonly pis: readonly PlannedPi[];
  /** Disks that belong to no Pi. */
  readonly loose: readonly PlannedDisk[];
  readonly problems: readonly Remark[];
  readonly notes: readonly Remark[];
}

const MIB = 1024 ** 2;
/** A row of an honest original has some hundred characters. */
const MAX_DISK_IDS = 64 * 1024;

interface Entry {
  readonly id: PiId;
  readonly status: 1 | 2 | 3;
  readonly bakeform: string;
  /** As in the row; undefined for what is no disk id. */
  readonly disks: readonly (DiskId | undefined)[];
}

/** Any value in a few printable characters. */
function shown(value: unknown): string {
  const text = value instanceof Uint8Array ? `${value.length} bytes` : String(value);
  return JSON.stringify(text.slice(0, 60)).replaceAll(/[^ -~]/g, '?');
}

function readRow(row: LegacyRow): Entry | Remark {
  const id = typeof row.id === 'string' ? parsePiId(row.id) : undefined;
  if (!id) return { item: `row:${shown(row.id)}`, text: `${shown(row.id)} is not the id of a Pi` };
  const item = `pi:${id}`;
  if (row.status !== 1 && row.status !== 2 && row.status !== 3) {
    return { item, text: `its status ${shown(row.status)} is none of 1, 2 and 3` };
  }
  const text = row.diskIds ?? '';
  if (typeof text !== 'string' || text.length > MAX_DISK_IDS) return { item, text: 'its list of disks cannot be read' };
  const disks = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => parseDiskId(part));
  return { id, status: row.status, bakeform: typeof row.bakeform === 'string' ? row.bakeform : '', disks };
}

/** Decides what is taken over, in which order, and says of everything else why not. */
export function planImport(facts: ImportFacts): ImportPlan {
  const problems: Remark[] = [];
  const notes: Remark[] = [];
  const fridge: (Remark & { id: PiId })[] = [];
  const quarantine: PiId[] = [];
  const pis: PlannedPi[] = [];
  const folders = new Map<DiskId, LegacyFolder>();
  for (const folder of facts.folders) {
    const id = parseDiskId(folder.name);
    if (id && !folders.has(id)) folders.set(id, folder);
    else if (folder.kind !== 'empty' && !parsePiId(folder.name)) {
      notes.push({ item: `folder:${shown(folder.name)}`, text: 'its name is no disk id; it is left alone' });
    }
  }

  const entries: Entry[] = [];
  for (const row of facts.rows) {
    const entry = readRow(row);
    if (!('status' in entry)) {
      problems.push(entry);
      const id = typeof row.id === 'string' ? parsePiId(row.id) : undefined;
      if (id) quarantine.push(id);
    } else if (entries.some((other) => other.id === entry.id)) {
      problems.push({
        item: `row:${shown(row.id)}`,
        text: `there is another row for Pi ${entry.id}; this one is left out`,
      });
    } else entries.push(entry);
  }

  const holders = new Map<DiskId, Set<PiId>>();
  for (const { id: pi, status, disks } of entries) {
    if (status === 1) continue;
    for (const disk of disks) if (disk) holders.set(disk, (holders.get(disk) ?? new Set()).add(pi));
  }
  const isShared = (disk: DiskId) => (holders.get(disk)?.size ?? 0) > 1;
  const isImage = (disk: DiskId) => folders.get(disk)?.kind === 'image';
  /** Disks that go with a Pi, now or once its problem is solved. */
  const spokenFor = new Set<DiskId>();

  /** What keeps a disk's folder from being taken over as `role`; undefined when nothing does. */
  function obstacle(disk: DiskId, role: 'root' | 'data'): string | undefined {
    if (facts.disks.has(disk) || facts.done.has(`disk:${disk}`)) return 'is known to Bakery already';
    if (facts.volumes.has(disk))
      return 'has a volume on the pool that the database does not know; move that away first';
    const folder = folders.get(disk);
    if (!folder) return 'has no folder';
    if (folder.kind === 'empty') return 'has an empty folder';
    if (folder.kind === 'unfit') return `cannot be read: ${folder.why}`;
    if (folder.kind === 'tree' && role === 'data') return 'is a root, not a data disk';
    if (folder.kind === 'image' && role === 'root') return 'is a data disk, not a root';
    return undefined;
  }

  function planned(id: DiskId, role: 'root' | 'data', position: number | undefined): PlannedDisk {
    const folder = folders.get(id);
    const extras = folder?.extras ?? [];
    return {
      id,
      folder: folder?.name ?? id,
      role,
      position,
      sizeMiB: role === 'root' ? 0 : Math.ceil((folder?.imageBytes ?? 0) / MIB),
      notes:
        extras.length === 0 ? [] : [`not taken over from the folder of disk ${id}: ${extras.map(shown).join(', ')}`],
    };
  }

  /** The data disks of a Pi that can be taken over, in order; says of the others why they cannot. */
  function dataDisks(entry: Entry, told: string[]): PlannedDisk[] {
    const seen = new Set<DiskId | undefined>([entry.disks[0]]);
    const found: PlannedDisk[] = [];
    for (const [position, disk] of entry.disks.entries()) {
      if (position === 0) continue;
      if (disk === undefined) {
        told.push(`place ${position} of its list is no disk id and stays empty`);
        continue;
      }
      if (seen.has(disk)) {
        told.push(`disk ${disk} is in its list twice; the first place counts`);
        continue;
      }
      seen.add(disk);
      if (isShared(disk)) {
        told.push(
          `disk ${disk} is in the list of another Pi too: it is attached to neither, attach it to the right one`,
        );
        continue;
      }
      const why = obstacle(disk, 'data');
      if (why === undefined) {
        spokenFor.add(disk);
        found.push(planned(disk, 'data', position));
        continue;
      }
      told.push(`its disk ${disk} ${why} and is left out`);
      const folder = folders.get(disk);
      if (folder && folder.kind !== 'empty' && !facts.done.has(`disk:${disk}`)) {
        spokenFor.add(disk);
        problems.push({ item: `disk:${disk}`, text: `the disk ${why}` });
      }
    }
    return found;
  }

  function rootObstacle(entry: Entry): string | undefined {
    const root = entry.disks[0];
    if (entry.disks.length === 0) return 'it has no root in its list';
    if (!root) return 'the first of its disks, its root, has no valid id';
    if (isShared(root)) return `its root ${root} is in the list of another Pi too`;
    const why = obstacle(root, 'root');
    return why && `its root ${root} ${why}`;
  }

  for (const entry of entries) {
    const item = `pi:${entry.id}`;
    if (facts.done.has(item)) continue;
    const state = facts.pis.get(entry.id) ?? 'fridge';
    if (state !== 'fridge') {
      for (const disk of entry.disks) if (disk && entry.status !== 1) spokenFor.add(disk);
      problems.push({ item, text: `the Pi is ${state} at Bakery already` });
      continue;
    }
    if (entry.status === 1) {
      fridge.push({ id: entry.id, item, text: 'in the fridge' });
      continue;
    }
    const why = rootObstacle(entry);
    const root = entry.disks[0];
    const isGone = !root || !folders.has(root) || folders.get(root)?.kind === 'empty';
    if (why && entry.status === 3 && isGone) {
      fridge.push({ id: entry.id, item, text: `in the fridge: it was being prepared, and ${why}` });
      continue;
    }
    quarantine.push(entry.id);
    if (why || !root) {
      // A data disk that another Pi lists too is nobody's, whatever becomes of this one.
      for (const disk of entry.disks) if (disk && !(isShared(disk) && isImage(disk))) spokenFor.add(disk);
      problems.push({ item, text: `${why}; the Pi is in quarantine and its disks wait with it` });
      continue;
    }
    spokenFor.add(root);
    const told: string[] = [];
    if (entry.status === 3) told.push('it was being prepared, and has its root');
    const name = parseBakeformName(entry.bakeform);
    const hasForm = name !== undefined && (facts.bakeforms.has(name) || facts.images.includes(`${name}.img`));
    if (!hasForm) told.push(`its bakeform ${shown(entry.bakeform)} is not there`);
    const boot = name && facts.boots.has(name) ? name : undefined;
    if (!boot) told.push('there is no folder with its boot files: it cannot boot before they are in its root');
    const disks = [planned(root, 'root', 0), ...dataDisks(entry, told)];
    pis.push({
      id: entry.id,
      bakeform: hasForm ? name : undefined,
      boot,
      disks,
      notes: [...told, ...disks.flatMap((disk) => disk.notes)],
    });
  }

  const loose: PlannedDisk[] = [];
  for (const [id, folder] of folders) {
    if (spokenFor.has(id) || facts.disks.has(id) || facts.done.has(`disk:${id}`)) continue;
    const item = `disk:${id}`;
    if (folder.kind === 'empty') notes.push({ item, text: 'its folder is empty: there is nothing to take over' });
    else if (folder.kind === 'tree') {
      problems.push({ item, text: 'it is the root of no Pi that is in use; its folder is left as it is' });
    } else {
      const why = obstacle(id, 'data');
      if (why) problems.push({ item, text: `the disk ${why}` });
      else loose.push(planned(id, 'data', undefined));
    }
  }

  const bakeforms: { name: BakeformName; file: string }[] = [];
  for (const file of facts.images) {
    const text = file.replace(/\.img$/, '');
    const name = parseBakeformName(text);
    if (!name)
      problems.push({ item: `bakeform:${shown(text)}`, text: 'that name cannot be a bakeform; rename the file' });
    else if (!facts.done.has(`bakeform:${name}`)) bakeforms.push({ name, file });
  }
  return { fridge, quarantine, bakeforms, pis, loose, problems, notes };
}
