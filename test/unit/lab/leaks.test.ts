import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaksIn } from '../../lab/leaks.ts';

const problem = (detail: string, status = 500) => ({
  status,
  contentType: 'application/problem+json',
  body: JSON.stringify({
    type: '/docs/problems.md#x',
    title: 'X',
    status,
    detail,
    code: 'x',
    error: 'x',
    instance: 'id',
  }),
});
const success = (value: unknown) => ({ status: 200, contentType: 'application/json', body: JSON.stringify(value) });
const kinds = (answer: Parameters<typeof leaksIn>[0]) =>
  leaksIn(answer, '/srv/bakery').map((leak) => leak.replace(/ in .*/s, ''));

const LEAKS: Readonly<Record<string, readonly string[]>> = {
  'a stack': [
    'TypeError: x\n    at read (x)',
    'failed at async run (file:x)',
    'thrown by server/main.ts:12',
    'in node:internal/modules',
  ],
  'a path': [
    'cannot read /srv/bakery/pool',
    'there is no file /etc/passwd',
    '/usr/sbin/mkfs.ext4 failed',
    "open '/x'",
    'on nfs:/exports',
  ],
  SQL: [
    'select * from disks where id = ?',
    'UPDATE disks SET state',
    'SQLITE_FULL',
    'UNIQUE constraint failed: disks.id',
    'no such table: disks',
  ],
  'output of a program': [
    'mkfs.ext4 failed (exit 1)',
    'ended with exit code 32',
    'mount: cannot find it',
    'umount: pool: no such thing',
    'stderr was empty',
  ],
  'an error of the system': ['ENOENT: gone', 'got EROFS, and stopped', 'errno 28'],
};
for (const [kind, details] of Object.entries(LEAKS)) {
  test(`${kind} in a problem is a leak`, () => {
    for (const detail of details) assert.ok(kinds(problem(detail)).includes(kind), detail);
  });
}

test('an error that is no problem document is a leak', () => {
  assert.deepEqual(kinds({ status: 500, contentType: 'text/plain', body: 'oh' }), [
    'an error that is no problem document: oh',
  ]);
});

test('in what is told of success the server’s own paths are leaks, but for the location that clients mount', () => {
  assert.deepEqual(kinds(success({ disks: { a: { location: '/srv/bakery/nfs/a' } } })), []);
  assert.deepEqual(kinds(success({ path: '/srv/bakery/pool' })), ['a path']);
  assert.deepEqual(kinds(success({ loops: ['/dev/loop3'] })), ['a path']);
  assert.deepEqual(kinds(success({ operations: [{ error: { message: 'x (exit 3)' } }] })), ['output of a program']);
});

test('what a person may read is no leak', () => {
  for (const detail of [
    'there is no such call; see /docs',
    'a file name is one path component of letters, digits and ._+=@,-',
    'mkfs.ext4 failed',
    'bakeformName: Invalid input: expected string, received number',
    'body/size: Too small: expected number to be >=1',
    'Pi 687680cd is fridge, not baked',
    'the pool has no room for that: 3 GiB/4 GiB',
  ])
    assert.deepEqual(kinds(problem(detail)), [], detail);
  for (const note of ['fstab: removed "/dev/mmcblk0p1 /boot vfat"', 'removed the card’s partitions from /etc/fstab'])
    assert.deepEqual(kinds(success({ notes: [note] })), []);
  assert.deepEqual(kinds(success({ litter: [{ path: '/dev/loop3' }] })), []);
  assert.deepEqual(kinds(success({ path: '/api/v1/disks', url: 'https://ci.example/run/1' })), []);
});
