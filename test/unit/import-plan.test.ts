import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BakeformName, DiskId, PiId } from '../../core/ids.ts';
import type { LegacyFolder, LegacyFolderKind } from '../../exports/legacy/folders.ts';
import { rootVolumeSize } from '../../exports/legacy/takeover.ts';
import { type ImportFacts, planImport } from '../../server/import/plan.ts';
import { importReport } from '../../server/import/report.ts';

const MIB = 1024 ** 2;
/** A disk id that can be read: `id('a1')`. */
const id = (name: string) => `${name.padEnd(8, '0')}-0000-4000-8000-000000000000` as DiskId;
const [A, B, C, D] = [id('a'), id('b'), id('c'), id('d')];
const pi = (n: number) => `0000000${n}` as PiId;

const folder = (name: string, kind: LegacyFolderKind, more: Partial<LegacyFolder> = {}): LegacyFolder => ({
  name,
  kind,
  imageBytes: kind === 'image' ? 5 * MIB : 0,
  extras: [],
  ...more,
});
const row = (n: number, status: unknown, diskIds: unknown, bakeform: unknown = 'debian') => ({
  id: pi(n),
  status,
  bakeform,
  diskIds,
});
function plan(facts: Partial<ImportFacts>) {
  return planImport({
    rows: [],
    folders: [],
    images: ['debian.img'],
    boots: new Set(['debian']),
    done: new Set(),
    pis: new Map(),
    disks: new Set(),
    bakeforms: new Set(),
    volumes: new Set(),
    ...facts,
  });
}
const texts = (remarks: readonly { item: string; text: string }[]) =>
  remarks.map(({ item, text }) => `${item} ${text}`);

test('a baked Pi keeps its bakeform, its boot files, and its disks in the order of its row', () => {
  const { pis, fridge, quarantine, problems, loose } = plan({
    rows: [row(1, 2, `${C},${B},${A}`), row(2, 1, '')],
    folders: [
      folder(A, 'image'),
      folder(B, 'image', { imageBytes: 5 * MIB + 1 }),
      folder(C, 'tree'),
      folder(D, 'image'),
    ],
  });
  assert.deepEqual(
    pis.map((found) => [found.id, found.bakeform, found.boot, found.notes.length]),
    [[pi(1), 'debian', 'debian', 0]],
  );
  assert.deepEqual(
    pis[0]?.disks.map(({ id: disk, role, position, sizeMiB }) => [disk, role, position, sizeMiB]),
    [
      [C, 'root', 0, 0],
      [B, 'data', 1, 6],
      [A, 'data', 2, 5],
    ],
  );
  assert.deepEqual(
    fridge.map((found) => found.id),
    [pi(2)],
  );
  assert.deepEqual(quarantine, [pi(1)], 'from before its disks are copied');
  assert.deepEqual(
    loose.map(({ id: disk, position }) => [disk, position]),
    [[D, undefined]],
  );
  assert.deepEqual(problems, []);
});

test('a Pi in preparation is baked when it has its root, and in the fridge when it has none', () => {
  const { pis, fridge, quarantine } = plan({
    rows: [row(1, 3, A), row(2, 3, ''), row(3, 3, B), row(4, 3, C)],
    folders: [folder(A, 'tree'), folder(C, 'empty')],
  });
  assert.deepEqual(
    pis.map((found) => found.id),
    [pi(1)],
  );
  assert.match(pis[0]?.notes.join() ?? '', /being prepared/);
  assert.deepEqual(texts(fridge), [
    `pi:${pi(2)} in the fridge: it was being prepared, and it has no root in its list`,
    `pi:${pi(3)} in the fridge: it was being prepared, and its root ${B} has no folder`,
    `pi:${pi(4)} in the fridge: it was being prepared, and its root ${C} has an empty folder`,
  ]);
  assert.deepEqual(quarantine, [pi(1)]);
});

test('a Pi in use whose root cannot be taken over is in quarantine, never free, and its disks wait with it', () => {
  const roots: [diskIds: string, why: RegExp, facts?: Partial<ImportFacts>][] = [
    ['', /no root in its list/],
    [`../../etc,${D}`, /no valid id/],
    [`${A},${D}`, /has no folder/],
    [`${B},${D}`, /has an empty folder/, { folders: [folder(B, 'empty'), folder(D, 'image')] }],
    [`${C},${D}`, /is a data disk, not a root/, { folders: [folder(C, 'image'), folder(D, 'image')] }],
    [
      `${A},${D}`,
      /cannot be read: it is not a folder/,
      { folders: [folder(A, 'unfit', { why: 'it is not a folder' })] },
    ],
    [`${A},${D}`, /move that away first/, { folders: [folder(A, 'tree')], volumes: new Set([A]) }],
    [`${A},${D}`, /known to Bakery/, { folders: [], disks: new Set([A]) }],
  ];
  for (const [diskIds, why, facts] of roots) {
    const result = plan({ rows: [row(1, 2, diskIds)], folders: [folder(D, 'image')], ...facts });
    assert.match(texts(result.problems).join('\n'), why);
    assert.deepEqual([result.quarantine, result.fridge, result.pis], [[pi(1)], [], []], diskIds);
    if (diskIds !== '') assert.deepEqual(result.loose, [], 'its data disk waits with it');
  }
});

test('a root that two Pis have is taken over for neither; a data disk that two have becomes nobody’s', () => {
  const shared = plan({ rows: [row(1, 2, A), row(2, 2, A)], folders: [folder(A, 'tree')] });
  assert.deepEqual([shared.quarantine, shared.pis, shared.loose], [[pi(1), pi(2)], [], []]);
  assert.equal(shared.problems.length, 2);

  const facts = { folders: [folder(A, 'tree'), folder(B, 'tree'), folder(C, 'image'), folder(D, 'image')] };
  const { pis, loose, problems } = plan({ ...facts, rows: [row(1, 2, `${A},${C},${D}`), row(2, 2, `${B},${C}`)] });
  assert.deepEqual(
    pis.map(({ disks }) => disks.map(({ id: disk, position }) => `${position} ${disk}`)),
    [[`0 ${A}`, `2 ${D}`], [`0 ${B}`]],
    'places do not move up',
  );
  for (const { notes } of pis) assert.match(notes.join(), new RegExp(`disk ${C} is in the list of another Pi too`));
  assert.deepEqual(
    loose.map((disk) => disk.id),
    [C],
  );
  assert.deepEqual(problems, []);

  // Also when one of the two cannot be taken over; a Pi in the fridge has no disks.
  const one = plan({
    ...facts,
    rows: [row(1, 2, `${A},${C}`), row(2, 2, `${id('e')},${C}`), row(3, 1, `${A},${C},${D}`)],
  });
  assert.deepEqual([one.pis.map((found) => found.disks.length), one.loose.map((disk) => disk.id)], [[1], [C, D]]);
});

test('of a list with gaps, doubles and nonsense each part is told', () => {
  const { pis, problems } = plan({
    rows: [row(1, 2, `${A},${B},nonsense,${B}, ${C} ,,${D},${id('e')},${A}`)],
    folders: [
      folder(A, 'tree'),
      folder(B, 'image'),
      folder(C, 'unfit', { why: 'its disk.img is not a plain file' }),
      folder(D, 'tree'),
    ],
  });
  assert.deepEqual(
    pis[0]?.disks.map((disk) => disk.id),
    [A, B],
  );
  assert.deepEqual(pis[0]?.notes, [
    'place 2 of its list is no disk id and stays empty',
    `disk ${B} is in its list twice; the first place counts`,
    `its disk ${C} cannot be read: its disk.img is not a plain file and is left out`,
    `its disk ${D} is a root, not a data disk and is left out`,
    `its disk ${id('e')} has no folder and is left out`,
    `disk ${A} is in its list twice; the first place counts`,
  ]);
  assert.deepEqual(texts(problems), [
    `disk:${C} the disk cannot be read: its disk.img is not a plain file`,
    `disk:${D} the disk is a root, not a data disk`,
  ]);
});

test('rows of any type and content are told, and none of them stops the others', () => {
  const bad = [
    null,
    7,
    new Uint8Array(3),
    '',
    "'; drop table x; --",
    'g0000001',
    `${pi(1)}0`,
    'x'.repeat(100_000),
    '\n\u001b[31m',
  ];
  const result = plan({
    rows: [
      ...bad.map((value) => ({ id: value, status: 2, bakeform: null, diskIds: null })),
      row(1, 7, ''),
      row(2, '2', ''),
      row(3, null, ''),
      row(4, 2, 12),
      row(5, 2, ','.repeat(70_000)),
      { ...row(6, 1, ''), id: 'ABCDEF01' },
      { ...row(6, 2, ''), id: 'abcdef01' },
    ],
  });
  assert.equal(result.problems.length, bad.length + 6);
  assert.deepEqual(result.quarantine, [1, 2, 3, 4, 5].map(pi), 'a Pi is kept from being given away');
  assert.deepEqual(
    result.fridge.map((found) => found.id),
    ['abcdef01'],
  );
  for (const text of texts(result.problems)) assert.match(text, /^[ -~]{1,200}$/);
});

test('folders and files that are nobody’s are told and left alone', () => {
  const result = plan({
    folders: [
      folder(A, 'tree'),
      folder(B, 'empty'),
      folder(C, 'image', { extras: ['notes.txt', '\n'] }),
      folder('lost+found', 'unfit'),
      folder('0badcafe', 'unfit'),
    ],
    images: ['debian.img', 'two words.img', '.img', '.hidden.img'],
  });
  assert.deepEqual(texts(result.problems), [
    `disk:${A} it is the root of no Pi that is in use; its folder is left as it is`,
    ...['two words', '', '.hidden'].map((name) => `bakeform:"${name}" that name cannot be a bakeform; rename the file`),
  ]);
  assert.deepEqual(texts(result.notes), [
    'folder:"lost+found" its name is no disk id; it is left alone',
    `disk:${B} its folder is empty: there is nothing to take over`,
  ]);
  assert.deepEqual(result.bakeforms, [{ name: 'debian', file: 'debian.img' }]);
  assert.match(
    result.loose[0]?.notes[0] ?? '',
    /not taken over from the folder .*"notes.txt", "\?n"|"notes.txt", "\\n"/,
  );
});

test('what was taken over is never taken over again, whatever became of it', () => {
  const facts = {
    rows: [row(1, 2, `${A},${B}`), row(2, 1, '')],
    folders: [folder(A, 'tree'), folder(B, 'image'), folder(C, 'image')],
  };
  const done = ['bakeform:debian', `pi:${pi(1)}`, `pi:${pi(2)}`, `disk:${A}`, `disk:${B}`, `disk:${C}`];
  const { problems, ...rest } = plan({ ...facts, done: new Set(done) });
  assert.deepEqual(Object.values(rest).flat(), []);
  assert.deepEqual(problems, []);
});

test('a Pi that Bakery has baked meanwhile is not touched, nor are its old disks', () => {
  const { problems, pis, loose, quarantine } = plan({
    rows: [row(1, 2, `${A},${B}`)],
    folders: [folder(A, 'tree'), folder(B, 'image')],
    pis: new Map([[pi(1), 'baked']]),
  });
  assert.deepEqual(texts(problems), [`pi:${pi(1)} the Pi is baked at Bakery already`]);
  assert.deepEqual([pis, loose, quarantine], [[], [], []]);
});

test('a Pi whose bakeform or boot files are gone is taken over without, and told', () => {
  const gone = plan({ rows: [row(1, 2, A, '../x')], folders: [folder(A, 'tree')] }).pis[0];
  assert.deepEqual([gone?.bakeform, gone?.boot, gone?.notes.length], [undefined, undefined, 2]);
  const known = plan({
    rows: [row(1, 2, A)],
    folders: [folder(A, 'tree')],
    images: [],
    bakeforms: new Set(['debian' as BakeformName]),
  }).pis[0];
  assert.deepEqual([known?.bakeform, known?.boot, known?.notes.length], ['debian', 'debian', 0]);
});

test('a root volume is as large as the setting says, or as its tree needs, with inodes for all of it', () => {
  assert.deepEqual(rootVolumeSize({ bytes: 100 * MIB, inodes: 10 }, 8192 * MIB), {
    bytes: 8192 * MIB,
    inodes: 524_288,
  });
  const { bytes, inodes } = rootVolumeSize({ bytes: 9000 * MIB, inodes: 2_000_000 }, 8192 * MIB);
  assert.ok(bytes > 9000 * MIB + inodes * 256 && inodes >= 3_000_000);
  assert.equal(bytes % MIB, 0);
});

test('the report tells what was not taken over first', () => {
  const record = (item: string, outcome: 'done' | 'note' | 'problem') => ({ item, outcome, text: 'so', at: 1 });
  const report = importReport([
    record('disk:x', 'note'),
    record('pi:1', 'done'),
    record('bakeform:d', 'done'),
    record('row:"y"', 'problem'),
  ]);
  const lines = report.split('\n').filter((line) => line.startsWith('  '));
  assert.deepEqual(lines, ['  row "y": so', '  disk x: so', '  bakeform d: so', '  pi 1: so']);
});
