import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRevision, parseRevision } from '../../../core/revision.ts';
import { LabRefusal, MOST_PIS, parseLabArguments } from '../../lab/running/arguments.ts';
import { labBoards } from '../../lab/running/boards.ts';
import { nfsRootOf } from '../../lab/running/nfs-root.ts';
import { labelOf, labIsUp } from '../../lab/running/words.ts';

test('a lab has four Pis at port 8080 and keeps nothing, unless it is asked otherwise', () => {
  assert.deepEqual(parseLabArguments([]), { pis: 4, httpPort: 8080, isEmulated: false });
  assert.deepEqual(parseLabArguments(['7', '--http-port', '0', '--keep', '/x']), {
    pis: 7,
    httpPort: 0,
    isEmulated: false,
    keep: '/x',
  });
  assert.deepEqual(parseLabArguments(['1', '--qemu']), { pis: 1, httpPort: 8080, isEmulated: true });
  for (const help of ['--help', '-h']) assert.equal(parseLabArguments(['3', help]), 'help');
});

const REFUSED: [readonly string[], RegExp][] = [
  [['0'], /how many Pis is a number from 1 to 40, not 0/],
  [[String(MOST_PIS + 1)], /how many Pis/],
  [['four'], /not four/],
  [['2', '3'], /no use for 3/],
  [['--http-port', '70000'], /--http-port is a number from 0 to 65535/],
  [['--keep='], /--keep needs a folder/],
  [['--root', '/x'], /^Unknown option '--root'\n\nusage:/],
  [['--http-port'], /^Option '--http-port <value>' argument missing\n\nusage:/],
  [['-3'], /^Unknown option '-3'/],
];
for (const [argv, words] of REFUSED) {
  test(`a lab is refused in plain words: ${argv.join(' ')}`, () => {
    assert.throws(
      () => parseLabArguments(argv),
      (error) => error instanceof LabRefusal && words.test(error.message),
    );
  });
}

test('no two Pis of a lab share anything, however many they are, and every model is among the first four', () => {
  const boards = labBoards(MOST_PIS, '10.99.0');
  for (const fact of ['name', 'serial', 'mac', 'address'] as const) {
    assert.equal(new Set(boards.map((board) => board[fact])).size, MOST_PIS, fact);
  }
  assert.equal(new Set(boards.slice(0, 4).map(({ model }) => model)).size, 4);
  // What the wire has itself (network.ts): the server, the site, a stranger.
  for (const { address } of boards) assert.doesNotMatch(address, /\.(?:1|2|66)$/);
});

test('a Pi of a lab is the model that its revision code says, and its MAC ends as its serial where boards do so', () => {
  for (const { title, revision, serial, mac, model } of labBoards(4, '10.99.0')) {
    const code = parseRevision(revision);
    assert.equal(code === undefined ? undefined : decodeRevision(code)?.model, title);
    if (model.startsWith('3')) assert.equal(mac.replaceAll(':', '').slice(6), serial.slice(2));
  }
});

test('a virtual Pi finds its root where a kernel does', () => {
  const root = { server: '10.99.0.1', path: '/run/bakery/nfs/1ab00001', nfsPort: 2049, mountPort: 20_048 };
  const line = 'console=tty1 root=/dev/nfs nfsroot=10.99.0.1:/run/bakery/nfs/1ab00001,vers=3 rw ip=dhcp';
  assert.deepEqual(nfsRootOf(line), root);
  assert.deepEqual(nfsRootOf(line.replace('vers=3', 'vers=3,port=3049,mountport=30048')), {
    ...root,
    nfsPort: 3049,
    mountPort: 30_048,
  });
  for (const none of ['', 'root=/dev/mmcblk0p2', 'nfsroot=/path/alone']) assert.equal(nfsRootOf(none), undefined);
});

test('what a person reads has the pages, the token and the three calls, and says that nothing is real', () => {
  const lab = { base: 'http://127.0.0.1:1', token: 'lab-t', boards: labBoards(2, '10.99.0'), power: 'a switch' };
  const lines = labIsUp({ ...lab, isWhole: true, isEmulated: false });
  assert.match(lines[0] ?? '', /nothing real/);
  assert.match(labelOf({ isWhole: true }), /^lab: .*nothing here is real/);
  for (const words of ['docs   http://127.0.0.1:1/docs', 'token  lab-t', '/boots?limit=1', '"piId":"1ab00001"']) {
    assert.ok(
      lines.some((line) => line.includes(words)),
      words,
    );
  }
  const emulated = labIsUp({ ...lab, isWhole: true, isEmulated: true }).join('\n');
  assert.match(emulated, /"bakeformName":"pi3"/);
  assert.match(emulated, /1ab00001\/console/);
  assert.equal(lines.at(-1), 'bakery lab ready http://127.0.0.1:1/api/v1');
});

test('a lab without root says what it has not, and tells nobody to bake', () => {
  const lab = { base: 'http://127.0.0.1:1', token: 'lab-t', boards: labBoards(2, '127.0.0'), power: 'a switch' };
  const text = labIsUp({ ...lab, isWhole: false, isEmulated: false }).join('\n');
  assert.match(text, /no DHCP and no NFS, and nothing can be baked/);
  assert.doesNotMatch(text, /bakeformName/);
  assert.match(labelOf({ isWhole: false }), /^lab without root: .*no DHCP, no NFS, no bakes/);
});
