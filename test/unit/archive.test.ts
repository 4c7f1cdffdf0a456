import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createArchiveReader, manifestHash, parseTarLine } from '../../exports/images/archive.ts';
import { packingOf } from '../../exports/images/packing.ts';

test('a line of tar tells what an entry is, whatever its name', () => {
  const cases = [
    ['-rw-r--r-- 0/0            1234 2026-11-28 10:00 etc/hosts', { kind: 'file', name: 'etc/hosts', bytes: 1234 }],
    ['drwxr-xr-x 1000/1000         0 2026-11-28 10:00 ./', { kind: 'folder', name: './', bytes: 0 }],
    ['crw-rw-rw- 0/0             1,3 2026-11-28 10:00 dev/null', { kind: 'other', name: 'dev/null', bytes: 0 }],
    ['lrwxrwxrwx 0/0               0 2026-11-28 10:00 a -> b', { kind: 'other', name: 'a -> b', bytes: 0 }],
    [
      '-rw-r--r--+ 0/0              1 2026-11-28 10:00  two  blanks ',
      { kind: 'file', name: ' two  blanks ', bytes: 1 },
    ],
  ] as const;
  for (const [line, entry] of cases) assert.deepEqual(parseTarLine(line), entry);
  assert.equal(parseTarLine('tar: Removing leading `/` from member names'), undefined);
});

test('an archive is a root, an image, tars, or nothing that we know', () => {
  const read = (...names: string[]) => {
    const reader = createArchiveReader();
    for (const name of names) reader.see({ kind: name.endsWith('/') ? 'folder' : 'file', name, bytes: 1 });
    return reader.content();
  };
  assert.deepEqual(read('./', './etc/', './usr/'), { kind: 'tree' });
  assert.deepEqual(read('etc/hosts', 'bin/sh', 'image', 'stemcell.MF'), { kind: 'tree' });
  assert.deepEqual(read('./stemcell.MF', './image'), { kind: 'image', image: './image', manifest: './stemcell.MF' });
  assert.deepEqual(read('root.img', 'notes'), { kind: 'image', image: 'root.img', manifest: undefined });
  assert.deepEqual(read('os/root.tar.xz', 'os/boot.tar.xz'), {
    kind: 'tars',
    root: 'os/root.tar.xz',
    boot: 'os/boot.tar.xz',
  });
  assert.deepEqual(read('root.tar'), { kind: 'tars', root: 'root.tar', boot: undefined });
  for (const names of [[], ['a.img', 'b.img'], ['readme'], ['deep/in/a/root.img'], ['etc/hosts']]) {
    assert.equal(read(...names), undefined, names.join());
  }
});

test('a manifest says the hash of its image, in either way that there is', () => {
  const [sha1, sha256] = ['a'.repeat(40), 'B'.repeat(64)];
  assert.deepEqual(manifestHash(`name: x\nsha1: ${sha1}\n`), { kind: 'sha1', hex: sha1 });
  assert.deepEqual(manifestHash(`sha1: "sha256:${sha256}"`), { kind: 'sha256', hex: sha256.toLowerCase() });
  assert.deepEqual(manifestHash(`sha1: ${'0'.repeat(40)}`), { kind: 'sha1', hex: '0'.repeat(40) });
  for (const text of ['', 'name: x', 'sha1: 12', '[]', 'null']) assert.equal(manifestHash(text), undefined, text);
  assert.throws(() => manifestHash('{'), { code: 'archive-unknown' });
  assert.throws(() => manifestHash('a: &a [x]\nb: [*a, *a]'), { code: 'archive-unknown' });
});

test('the first bytes tell how a file is packed', () => {
  const of = (hex: string) => packingOf(Buffer.from(hex, 'hex'));
  assert.deepEqual(['fd377a585a00', '1f8b0800', '28b52ffd', '504b0304'].map(of), ['xz', 'gzip', 'zstd', 'zip']);
  for (const hex of ['', 'fd377a', '1f8b', '00', 'eb3c90']) assert.equal(of(hex), undefined);
});
