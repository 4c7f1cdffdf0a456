import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bar, median, passes, table } from '../bench/bars.ts';
import { tasksFor, withFigures } from '../bench/part.ts';
import { type Sample, sampleLine, samplesOf, serversTable } from '../bench/servers-table.ts';
import { reaches, timesTable } from '../bench/storage-bars.ts';
import { sizesOf, TREE } from '../bench/storage-world.ts';

const bar: Bar = { task: '1 MB', unit: 'MB/s', factor: 5, against: ['tftpd-hpa', 'dnsmasq', 'atftpd'] };
const figures = { bakery: [10, 30, 20], 'tftpd-hpa': [4, 4], dnsmasq: [1, 90, 3], atftpd: [2] };

test('a bar is about medians, and is reached against each', () => {
  assert.deepEqual([median([3, 1, 2]), median([4, 1]), median([])], [2, 2.5, Number.NaN]);
  assert.equal(passes(bar, figures), true);
  assert.equal(passes(bar, { ...figures, atftpd: [4.1] }), false);
  assert.equal(passes({ ...bar, against: ['dnsmasq'] }, { ...figures, atftpd: [4.1] }), true);
  assert.equal(passes(bar, { ...figures, bakery: [] }), false, 'not measured');
});

test('the table tells median, best, bar and whether it is reached', () => {
  const [, , line, other] = table([
    { bar, figures },
    {
      bar: { ...bar, unit: 'requests/s', factor: 9, against: ['atftpd'] },
      figures: { ...figures, bakery: [17, 17.4] },
    },
  ]).split('\n');
  assert.equal(line, '| 1 MB | MB/s | 20.00 (30.00) | 4.00 (4.00) | 3.00 (90.00) | 2.00 (2.00) | ≥ 5 × each | pass |');
  assert.equal(other, '| 1 MB | requests/s | 17 (17) | 4 (4) | 3 (90) | 2 (2) | ≥ 9 × atftpd | FAIL |');
});

test('a bar of times is a limit, or how many times as fast as another, or both', () => {
  const peer = { name: 'rsync', times: [5_000, 5_000, 5_000] };
  const bake = { task: 'bake', ours: [90, 200, 80], peer, most: 100, factor: 50 };
  assert.equal(reaches(bake), true);
  assert.equal(reaches({ ...bake, ours: [101] }), false);
  assert.equal(reaches({ ...bake, peer: { name: 'rsync', times: [4_400, 4_400, 4_400] } }), false);
  assert.equal(reaches({ task: 'x', ours: [], most: 100 }), false, 'not measured');
  assert.equal(reaches({ task: 'x', ours: [1], factor: 2 }), false, 'not measured beside another');
  const many = { task: '20 bakes', ours: [300], peer: { name: 'one', times: [100] }, factor: 1 / 3 };
  assert.equal(reaches(many), true);
  const slower = { task: 'copy', ours: [100, 400, 300], peer: { name: 'cp', times: [110, 380, 330] }, factor: 1 };
  assert.equal(reaches(slower), true, 'as it was in the same round');
  const [, , first, second] = timesTable([bake, { ...many, ours: [301] }]).split('\n');
  assert.equal(first, '| bake | 90 (80) | rsync: 5000 (5000) | 56 | ≤ 100 ms, ≥ 50 × rsync | pass |');
  assert.equal(second, '| 20 bakes | 301 (301) | one: 100 (100) | 0.33 | ≤ 3 × one | FAIL |');
});

test('words pick tasks, and the figures of one part leave those of the others', () => {
  const part = { name: 'storage', tasks: ['bake 669 MB', 'unbake'] };
  assert.deepEqual([...tasksFor(part, [])], part.tasks);
  assert.deepEqual([...tasksFor(part, ['storage'])], part.tasks);
  assert.deepEqual([...tasksFor(part, ['storage', 'bake', '669'])], ['bake 669 MB']);
  assert.deepEqual([...tasksFor(part, ['tftp'])], []);
  const docs =
    'a\n<!-- x: written by npm run bench -->\nold\n<!-- x: end -->\nb\n<!-- y: written by npm run bench -->\n<!-- y: end -->\n';
  const written = withFigures(withFigures(docs, 'x', 'new'), 'y', 'first');
  assert.equal(written, docs.replace('old', 'new').replace('-->\n<!-- y: end', '-->\nfirst\n<!-- y: end'));
  assert.throws(() => withFigures(docs, 'z', ''));
});

test('the tree that is baked has as many files and bytes as are said', () => {
  const sizes = sizesOf(TREE);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  assert.equal(sizes.length, TREE.files);
  assert.ok(bytes <= TREE.bytes && bytes > TREE.bytes * 0.99, String(bytes));
  assert.ok(Math.max(...sizes) < 8 * 1024 ** 2);
});

test('samples of two servers come over a console, and a row says how many times as good the second is', () => {
  const of = (row: string, unit: Sample['unit'], server: Sample['server'], ...values: readonly number[]): Sample[] =>
    values.map((value) => ({ row, unit, server, value }));
  const samples = [
    ...of('add', 'ms', 'ganesha', 30, 20, 40),
    ...of('read', 'MB/s', 'ganesha', 8, 4),
    ...of('add', 'ms', 'nfsd', 60),
    ...of('read', 'MB/s', 'nfsd', 24),
    ...of('memory', 'MB', 'nfsd', 46),
  ];
  const console = `[ 1.0] boot\n${samples.map(sampleLine).join('noise\n')}LAB exit 0\n`;
  assert.deepEqual(samplesOf(console), samples);
  assert.throws(() => samplesOf('LAB sample {"row":"add","unit":"ms","server":"samba","value":1}\n'));
  assert.throws(() => samplesOf('LAB sample {"row":"add"\n'));
  assert.deepEqual(serversTable(samples).split('\n').slice(2), [
    '| add | ms | 30 (20) | 60 (60) | 0.50 |',
    '| read | MB/s | 6.0 (8.0) | 24 (24) | 4.00 |',
    '| memory | MB |  | 46 (46) |  |',
  ]);
});
