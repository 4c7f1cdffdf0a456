import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BakeformName, DiskId, PiId, SnapshotId } from '../../core/ids.ts';
import {
  type Entry,
  findLitter,
  type KnownThings,
  LITTER_FOLDERS,
  type LitterFolder,
} from '../../server/reconcile/litter.ts';

const PI = '5564247d' as PiId;
const [ROOT, DATA, NEW, GONE, TRASHED] = ['root', 'data', 'new', 'gone', 'trashed'] as DiskId[] as [
  DiskId,
  DiskId,
  DiskId,
  DiskId,
  DiskId,
];
const nothing: KnownThings = {
  disks: [],
  bakeforms: [],
  trash: [],
  snapshots: [],
  uploads: [],
  claimed: new Set(),
  legacy: new Set(),
};
const known: KnownThings = {
  disks: [
    { id: ROOT, role: 'root', state: 'ready', pi: PI },
    { id: DATA, role: 'data', state: 'ready', pi: undefined },
    { id: NEW, role: 'data', state: 'making', pi: undefined },
  ],
  bakeforms: [
    { name: 'form' as BakeformName, volumeId: 'whole', state: 'ready' },
    { name: 'coming' as BakeformName, volumeId: 'half', state: 'making' },
  ],
  trash: [TRASHED],
  snapshots: [
    { id: 'kept' as SnapshotId, disk: DATA, state: 'ready' },
    { id: 'taken' as SnapshotId, disk: DATA, state: 'making' },
  ],
  uploads: ['pieces'],
  claimed: new Set([`disk:${NEW}`, `disk:${GONE}`, 'bakeform:coming']),
  legacy: new Set(['0c3f']),
};
const entry = (path: string): Entry => {
  const folder = LITTER_FOLDERS.find((name) => path.startsWith(`${name}/`)) as LitterFolder;
  return { folder, name: path.slice(folder.length + 1), kind: 'file', bytes: 1 };
};
const paths = (readings: KnownThings[], ...entries: string[]) =>
  findLitter(readings, entries.map(entry), []).map(({ path }) => path);

test('what the database accounts for is no litter, nor what operations have half made, nor what the original left', () => {
  const fine = [
    `nfs/${PI}`,
    `nfs/${DATA}`,
    `nfs/${NEW}`,
    'nfs/0c3f',
    `pool/volumes/${ROOT}.ext4`,
    `pool/volumes/${NEW}.ext4`,
    `pool/volumes/${NEW}.ext4.partial`,
    `pool/work/${NEW}`,
    `pool/volumes/${GONE}.ext4`,
    `pool/trash/${GONE}.ext4`,
    `pool/volumes/${GONE}.ext4.next`,
    'pool/snapshots/kept.ext4',
    'pool/snapshots/taken.ext4.partial',
    `pool/trash/${TRASHED}.ext4`,
    'pool/golden/whole.ext4',
    'pool/golden/half.ext4.partial',
    'pool/incoming/half.img',
    'pool/incoming/half.boot',
    'pool/incoming/half.img.unpacked',
    'pool/incoming/half.root.tar',
    'pool/incoming/half.boot.tar',
    'pool/incoming/half.partial',
    'pool/incoming/upload-pieces',
    'pool/work/golden-half',
  ];
  assert.deepEqual(paths([known], ...fine), []);
});

test('anything else is, also what looks like ours', () => {
  const litter = [
    'nfs/notes.txt',
    `nfs/${ROOT}`,
    `nfs/${TRASHED}`,
    `pool/volumes/${TRASHED}.ext4`,
    `pool/volumes/${DATA}.ext4.partial`,
    `pool/volumes/${DATA}.ext4.bak`,
    `pool/trash/${DATA}.ext4`,
    `pool/volumes/${DATA}.ext4.next`,
    'pool/snapshots/kept.ext4.partial',
    'pool/snapshots/gone.ext4',
    'pool/trash/0c3f',
    'pool/golden/other.ext4',
    'pool/incoming/whole.img',
    'pool/work/golden-whole',
  ];
  assert.deepEqual(paths([known], ...litter), litter);
});

test('what is known before or after the folders were read is no litter', () => {
  const file = `pool/volumes/${DATA}.ext4`;
  assert.deepEqual(paths([known, nothing], file), []);
  assert.deepEqual(paths([nothing, known], file), []);
  assert.deepEqual(paths([nothing, nothing], file), [file]);
});

test('while an original is being taken over nothing below nfs is litter', () => {
  assert.deepEqual(paths([{ ...nothing, legacy: 'all' }], 'nfs/x', 'pool/work/x'), ['pool/work/x']);
});

test('a loop device on the pool is litter unless a mounted volume or an operation needs it', () => {
  const loop = (file: string, isMounted: boolean) =>
    findLitter([known], [], [{ name: '/dev/loop9', file, isMounted }]).length;
  assert.equal(loop(`pool/volumes/${DATA}.ext4`, true), 0);
  assert.equal(loop(`pool/volumes/${DATA}.ext4 (deleted)`, true), 0);
  assert.equal(loop(`pool/volumes/${DATA}.ext4`, false), 1);
  assert.equal(loop(`pool/volumes/${NEW}.ext4.partial`, false), 0);
  assert.equal(loop(`pool/volumes/unknown.ext4`, true), 1);
  assert.equal(loop('pool/golden/whole.ext4', true), 1);
  assert.equal(loop('pool/golden/half.ext4.partial', true), 0);
  assert.equal(loop('pool/anything.img', false), 1);
});
