import type { Bakeform } from '../../core/bakeform.ts';
import type { Disk, Snapshot } from '../../core/disk.ts';

/** The folders below BAKERY_ROOT in which everything should be known. */
export const LITTER_FOLDERS = [
  'nfs',
  'pool/volumes',
  'pool/golden',
  'pool/incoming',
  'pool/work',
  'pool/trash',
  'pool/snapshots',
] as const;
export type LitterFolder = (typeof LITTER_FOLDERS)[number];

/** One entry of such a folder. */
export interface Entry {
  readonly folder: LitterFolder;
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
  readonly bytes: number;
}

/** A loop device whose file lies on the pool. */
export interface PoolLoop {
  readonly name: string;
  /** The file below BAKERY_ROOT, as the kernel names it. */
  readonly file: string;
  readonly isMounted: boolean;
}

/** Something that nothing in the database accounts for. */
export interface Litter {
  /** Below BAKERY_ROOT; of a loop device its own name. */
  readonly path: string;
  readonly kind: Entry['kind'] | 'loop';
  /** Its size as `ls` shows it; of a loop device 0. */
  readonly bytes: number;
  /** Of a loop device: the file behind it. */
  readonly behind?: string;
}

/** What the database says. Read before the folders are, and again after: what is in either is known. */
export interface KnownThings {
  readonly disks: readonly Pick<Disk, 'id' | 'role' | 'state' | 'pi'>[];
  readonly bakeforms: readonly Pick<Bakeform, 'volumeId' | 'state' | 'name'>[];
  /** Ids of disks in the trash. */
  readonly trash: readonly string[];
  readonly snapshots: readonly Pick<Snapshot, 'id' | 'disk' | 'state'>[];
  /** Ids of uploads that come in pieces. */
  readonly uploads: readonly string[];
  /** As in db/claims. */
  readonly claimed: ReadonlySet<string>;
  /** Entries of `nfs` that the original Bakery left, or `all` while they are being taken over. */
  readonly legacy: ReadonlySet<string> | 'all';
}

const snapshotFile = (id: string) => `pool/snapshots/${id}.ext4`;
const half = (file: string) => `${file}.partial`;

/** Every path below BAKERY_ROOT that one reading of the database accounts for. */
function accounted({ disks, bakeforms, trash, snapshots, uploads, claimed }: KnownThings): string[] {
  const held = [...claimed].filter((thing) => thing.startsWith('disk:')).map((thing) => thing.slice('disk:'.length));
  const volume = (id: string) => `pool/volumes/${id}.ext4`;
  const making = [...disks.filter(({ state }) => state === 'making').map(({ id }) => id), ...held];
  return [
    ...disks.map(({ id, role, pi }) => `nfs/${role === 'root' && pi ? pi : id}`),
    ...disks.map(({ id }) => volume(id)),
    // What an operation holds may be on its way between these.
    ...held.flatMap((id) => [`nfs/${id}`, volume(id), `pool/trash/${id}.ext4`]),
    ...making.flatMap((id) => [half(volume(id)), `${volume(id)}.next`, `pool/work/${id}`]),
    ...snapshots.map(({ id }) => snapshotFile(id)),
    ...snapshots.filter(({ state }) => state !== 'ready').map(({ id }) => half(snapshotFile(id))),
    ...trash.map((id) => `pool/trash/${id}.ext4`),
    ...uploads.map((id) => `pool/incoming/upload-${id}`),
    ...bakeforms.map(({ volumeId }) => `pool/golden/${volumeId}.ext4`),
    ...bakeforms
      .filter(({ state, name }) => state !== 'ready' || claimed.has(`bakeform:${name}`))
      .flatMap(({ volumeId }) => [
        half(`pool/golden/${volumeId}.ext4`),
        `pool/incoming/${volumeId}.img`,
        `pool/incoming/${volumeId}.boot`,
        ...['img.unpacked', 'root.tar', 'root.tar.unpacked', 'boot.tar', 'partial', 'partial.unpacked'].map(
          (form) => `pool/incoming/${volumeId}.${form}`,
        ),
        `pool/work/golden-${volumeId}`,
      ]),
  ];
}

/** Files that operations may have behind loop devices. */
function heldFiles({ disks, bakeforms, claimed }: KnownThings): string[] {
  const volumes = disks.filter(({ id, state }) => state !== 'ready' || claimed.has(`disk:${id}`));
  const goldens = bakeforms.filter(({ name, state }) => state !== 'ready' || claimed.has(`bakeform:${name}`));
  return [
    ...volumes.map(({ id }) => `pool/volumes/${id}.ext4`),
    ...goldens.map(({ volumeId }) => `pool/golden/${volumeId}.ext4`),
  ].flatMap((file) => [file, half(file)]);
}

/**
 * What of the entries and loop devices is litter. Half-made things of running operations are not, nor what the original
 * Bakery left below `nfs`. Pure.
 */
export function findLitter(
  readings: readonly KnownThings[],
  entries: readonly Entry[],
  loops: readonly PoolLoop[],
): Litter[] {
  const known = new Set(readings.flatMap(accounted));
  const isLegacy = (name: string) => readings.some(({ legacy }) => legacy === 'all' || legacy.has(name));
  const held = new Set(readings.flatMap(heldFiles));
  const found: Litter[] = entries
    .filter(({ folder, name }) => !known.has(`${folder}/${name}`) && !(folder === 'nfs' && isLegacy(name)))
    .map(({ folder, name, kind, bytes }) => ({ path: `${folder}/${name}`, kind, bytes }));
  for (const { name, file, isMounted } of loops) {
    const plain = file.replace(/ \(deleted\)$/, '');
    // A volume is behind a loop while it is mounted; any other file of the pool only while an operation works on it.
    const isRight = held.has(plain) || (isMounted && plain.startsWith('pool/volumes/') && known.has(plain));
    if (!isRight) found.push({ path: name, kind: 'loop', bytes: 0, behind: file });
  }
  return found;
}
