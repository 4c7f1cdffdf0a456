import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  crc32c,
  parseSuperblock,
  readSuperblock,
  superblockPlaces,
  writeUuid,
} from '../../exports/volumes/superblock.ts';
import { sh } from '../lab/sh.ts';

const OLD = '11111111-2222-4333-8444-555555555555';
const NEW = 'a0b1c2d3-e4f5-4607-8819-2a3b4c5d6e7f';

function makeExt4(
  t: TestContext,
  { features, blocks = '4096', mib = 600 }: { features: string; blocks?: string; mib?: number },
) {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-superblock-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'fs');
  writeFileSync(file, '');
  truncateSync(file, mib * 1024 ** 2);
  sh('mkfs.ext4', '-q', '-F', '-U', OLD, '-b', blocks, '-O', features, file);
  return file;
}

function superblockOf(file: string): Buffer {
  const block = Buffer.alloc(1024);
  const handle = openSync(file, 'r');
  readSync(handle, block, 0, 1024, 1024);
  closeSync(handle);
  return block;
}

const uuidSaid = (file: string, ...where: string[]) =>
  /^Filesystem UUID:\s+(\S+)$/m.exec(sh('dumpe2fs', '-h', ...where, file))?.[1];

/** Superblocks and their checksums, as the tools for it see them. */
function backups(file: string): string[] {
  return [...sh('dumpe2fs', file).matchAll(/Backup superblock at (\d+)/g)].map(([, at]) => at ?? '');
}

for (const [what, features, blocks] of [
  ['with a seed for its checksums', 'metadata_csum,metadata_csum_seed,64bit', '4096'],
  ['with small blocks', 'metadata_csum,metadata_csum_seed,64bit', '1024'],
  ['with two backups only', 'metadata_csum,metadata_csum_seed,sparse_super2', '1024'],
  ['without checksums', '^metadata_csum,^uninit_bg,^64bit', '4096'],
  ['with a copy in each group', '^metadata_csum,^uninit_bg,^sparse_super,^resize_inode', '1024'],
] as const) {
  test(`a file system ${what} gets its UUID in all its superblocks, as tune2fs would write it`, async (t) => {
    const file = makeExt4(t, { features, blocks, mib: blocks === '1024' ? 48 : 600 });
    assert.equal(await writeUuid(file, NEW), true);
    assert.equal((await readSuperblock(file))?.uuid, NEW);
    assert.equal(uuidSaid(file), NEW);
    const found = backups(file);
    assert.ok(found.length >= 2, 'it has backups');
    assert.equal(superblockPlaces(superblockOf(file))?.length, found.length + 1);
    for (const at of found) {
      assert.equal(uuidSaid(file, '-o', `superblock=${at}`, '-o', `blocksize=${blocks}`), NEW, `backup at ${at}`);
    }
    sh('e2fsck', '-f', '-n', file);
  });
}

for (const [what, features] of [
  ['whose checksums are made with its UUID', 'metadata_csum,^metadata_csum_seed'],
  ['whose groups have checksums of their own', '^metadata_csum,uninit_bg'],
  ['that is protected against a second mount', 'metadata_csum,metadata_csum_seed,mmp'],
] as const) {
  test(`a file system ${what} is left to tune2fs, as it is`, async (t) => {
    const file = makeExt4(t, { features, mib: 64 });
    const before = readFileSync(file);
    assert.equal(await writeUuid(file, NEW), false);
    assert.ok(before.equals(readFileSync(file)));
  });
}

test('a journal that is to be played back, and a copy that is none, are left to those who know more', async (t) => {
  const file = makeExt4(t, { features: 'metadata_csum,metadata_csum_seed', mib: 300 });
  const [second = ''] = backups(file);
  const image = readFileSync(file);
  const spoilt = Buffer.from(image);
  spoilt.writeUInt16LE(0, Number(second) * 4096 + 0x38);
  writeFileSync(file, spoilt);
  assert.equal(await writeUuid(file, NEW), false);
  assert.ok(spoilt.equals(readFileSync(file)));

  image.writeUInt32LE(image.readUInt32LE(1024 + 0x60) | 0x4, 1024 + 0x60);
  assert.equal(superblockPlaces(image.subarray(1024, 2048)), undefined);
});

test('whatever stands where a superblock should be is read without harm', () => {
  assert.equal(parseSuperblock(Buffer.alloc(1024)), undefined);
  assert.equal(parseSuperblock(Buffer.alloc(3)), undefined);
  const block = Buffer.alloc(1024, 0xff);
  block.writeUInt16LE(0xef53, 0x38);
  assert.equal(superblockPlaces(block), undefined);
  block.fill(0, 0x5c, 0x68);
  assert.equal(superblockPlaces(block), undefined, 'blocks of no known size');
});

test('a checksum is that of RFC 3720 B.4, which inverts it in the end', () => {
  assert.equal((crc32c(Buffer.alloc(32)) ^ 0xffffffff) >>> 0, 0x8a9136aa);
  assert.equal((crc32c(Buffer.from('123456789')) ^ 0xffffffff) >>> 0, 0xe3069283);
});
