import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isBehind, listLoops, parseLoops, sharingLists, sizedLoops } from '../../exports/volumes/loops.ts';
import { lastMountAt, parseMountinfo } from '../../exports/volumes/mountinfo.ts';
import { choosePoolKind } from '../../exports/volumes/pool-kind.ts';

test('mountinfo: optional fields, octal blanks and order are read as the kernel writes them', () => {
  const text = [
    '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue',
    '63 43 7:0 / /data/nfs/two\\040words\\134x rw,relatime - ext4 /dev/loop0 rw',
    '64 63 7:1 / /data/nfs/two\\040words\\134x rw shared:4 master:2 propagate_from:7 - ext4 /dev/loop1 rw,emergency_ro',
    'half a line',
    '',
  ].join('\n');
  assert.deepEqual(parseMountinfo(text), [
    { device: '98:0', mountPoint: '/mnt2', type: 'ext3', source: '/dev/root', superOptions: ['rw', 'errors=continue'] },
    { device: '7:0', mountPoint: '/data/nfs/two words\\x', type: 'ext4', source: '/dev/loop0', superOptions: ['rw'] },
    {
      device: '7:1',
      mountPoint: '/data/nfs/two words\\x',
      type: 'ext4',
      source: '/dev/loop1',
      superOptions: ['rw', 'emergency_ro'],
    },
  ]);
});

test('mountinfo: of several mounts at one place the last is found, and no other place that looks like it', () => {
  const line = (device: string, root: string, at: string) => `36 35 ${device} ${root} ${at} rw - ext4 /dev/x rw`;
  const lines = [
    line('7:0', '/', '/nfs/a'),
    line('7:1', '/', '/nfs/a'),
    line('7:2', '/nfs/a', '/nfs/b'),
    line('7:3', '/', '/nfs/ab'),
    line('7:4', '/', '/nfs/two\\040words\\134x'),
  ];
  for (const text of [lines.join('\n'), `${lines.join('\n')}\n`]) {
    const deviceAt = (at: string) => lastMountAt(text, at)?.device;
    assert.deepEqual(['/nfs/a', '/nfs/b', '/nfs/two words\\x', '/nfs'].map(deviceAt), ['7:1', '7:2', '7:4', undefined]);
  }
});

test('mountinfo: any text gives a list, never a throw', () => {
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseMountinfo(text))));
});

test('only loop devices that have a file are looked at', () => {
  const lines = [
    'major minor  #blocks  name',
    '',
    '   7        0    1555456 loop0',
    '   7     1000          8 loop1000',
    ' 254        0  268435456 vda',
    ' 253        0       1024 loopback',
    '',
  ];
  assert.deepEqual(sizedLoops(lines.join('\n')), ['loop0', 'loop1000']);
  assert.deepEqual(sizedLoops(''), []);
});

test('a pool that was made stays what it is, whatever the mode says later', () => {
  for (const mode of ['auto', 'plain'] as const) {
    for (const bit of [false, true]) {
      const xfs = { mode, hasXfs: true, canReflink: bit, hasVolumes: bit };
      assert.equal(choosePoolKind(xfs), 'loop-xfs');
    }
    assert.equal(choosePoolKind({ mode, hasXfs: false, canReflink: true, hasVolumes: true }), 'reflink');
    // An xfs mounted over them would hide these volumes.
    assert.equal(choosePoolKind({ mode, hasXfs: false, canReflink: false, hasVolumes: true }), 'plain');
  }
});

test('a new pool shares blocks where it can, unless told not to make an xfs', () => {
  const bare = { hasXfs: false, canReflink: false, hasVolumes: false };
  assert.equal(choosePoolKind({ ...bare, mode: 'auto' }), 'loop-xfs');
  assert.equal(choosePoolKind({ ...bare, mode: 'plain' }), 'plain');
  assert.equal(choosePoolKind({ ...bare, canReflink: true, mode: 'plain' }), 'reflink');
});

test('loops: one that somebody is just taking down hides no other, and is told by its file', () => {
  const text = JSON.stringify({
    loopdevices: [
      { name: '/dev/loop0', 'back-ino': 12, 'back-maj:min': '  7:3', 'back-file': '/data/pool/volumes/a.ext4' },
      { name: '/dev/loop1', 'back-ino': null, 'back-maj:min': null, 'back-file': '/data/pool/volumes/b.ext4' },
      { name: '/dev/loop2', 'back-ino': null, 'back-maj:min': null, 'back-file': null },
    ],
  });
  const loops = parseLoops(text);
  assert.deepEqual(
    loops.map(({ name, inode, device }) => [name, inode, device]),
    [
      ['/dev/loop0', 12, '7:3'],
      ['/dev/loop1', undefined, undefined],
      ['/dev/loop2', undefined, undefined],
    ],
  );
  const behind = (inode: number, name: string) =>
    loops.filter((loop) => isBehind(loop, { inode, device: '7:3', name })).map(({ name }) => name);
  assert.deepEqual(behind(12, '/data/pool/trash/a.ext4'), ['/dev/loop0'], 'its name has changed');
  assert.deepEqual(behind(13, '/data/pool/volumes/b.ext4'), ['/dev/loop1']);
  assert.deepEqual(behind(13, '/data/pool/volumes/a.ext4'), []);
  assert.deepEqual(parseLoops(''), []);
});

test('who asks for the loop devices while they are listed shares a list that is begun after that; other programs run for each', async () => {
  const begun: PromiseWithResolvers<void>[] = [];
  const others: string[] = [];
  const exec = sharingLists(async (program, args) => {
    if (args.includes('--list')) {
      const one = Promise.withResolvers<void>();
      const n = begun.push(one);
      await one.promise;
      return { code: 0, stdout: `{"loopdevices": [{"name": "/dev/loop${n}"}]}`.replace('"}', NOTHING), stderr: '' };
    }
    others.push(program);
    return { code: 0, stdout: '', stderr: '' };
  });
  const NOTHING = '", "back-ino": null, "back-maj:min": null, "back-file": null}';
  const names = async () => (await listLoops(exec)).map(({ name }) => name);
  const first = names();
  const [second, third] = [names(), names()];
  await exec('losetup', ['--detach', '/dev/loop7']);
  await exec('true', []);
  assert.deepEqual(others, ['losetup', 'true']);
  assert.equal(begun.length, 1, 'the list that is being made is of before they asked');
  begun[0]?.reject(new Error('it failed'));
  await assert.rejects(first, /it failed/);
  await new Promise(setImmediate);
  assert.equal(begun.length, 2);
  begun[1]?.resolve();
  assert.deepEqual([await second, await third], [['/dev/loop2'], ['/dev/loop2']]);
  const later = names();
  begun[2]?.resolve();
  assert.deepEqual(await later, ['/dev/loop3']);
});
