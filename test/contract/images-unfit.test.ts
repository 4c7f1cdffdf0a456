import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeTinyImage, TINY } from '../lab/tiny-image.ts';
import { EXT4, FAT, imageFolder, SIZE, take, undo } from './images-lab.ts';
import { fault, MIB, openBench, run } from './volumes-lab.ts';

/** Forges the folder entries of the image's FAT; `edit` says whether it changed this one (Microsoft FAT specification, 6 and 7). */
function forgeFat(bytes: Buffer, edit: (entry: Buffer) => boolean): void {
  let changed = 0;
  for (let at = FAT; at < FAT + MIB; at += 32) if (edit(bytes.subarray(at, at + 32))) changed++;
  assert.ok(changed > 0, 'the forgery hit something');
}

inOwnNamespace(import.meta.url, () => {
  const { lab, image } = imageFolder();

  test('every unfit image is refused with the code that says why, and leaves nothing', async (t) => {
    const bench = await openBench(t);
    const good = image();
    const changed = (edit: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(good);
      edit(bytes);
      return bytes;
    };
    const magic = (hex: string) => Buffer.concat([Buffer.from(hex, 'hex'), randomBytes(4096)]);
    const gpt = join(lab, 'gpt');
    writeFileSync(gpt, Buffer.alloc(4 * MIB));
    await exec('sfdisk', ['--quiet', '--no-tell-kernel', gpt], { input: 'label: gpt\n,2M\n' });
    const cases: [string, string, Uint8Array][] = [
      ['noise', 'image-not-an-image', Buffer.alloc(MIB, 'noise ')],
      ['one byte', 'image-not-an-image', Buffer.from('x')],
      ['xz', 'image-unpack-failed', magic('fd377a585a00')],
      ['gzip', 'image-unpack-failed', magic('1f8b0800')],
      ['zstd', 'image-unpack-failed', magic('28b52ffd')],
      ['zip', 'image-unpack-failed', magic('504b0304')],
      ['GPT', 'image-partitions', readFileSync(gpt)],
      ['no root', 'image-partitions', changed((bytes) => bytes.fill(0, 446 + 16, 446 + 32))],
      ['cut', 'image-truncated', good.subarray(0, good.length - MIB)],
      ['only its start', 'image-truncated', good.subarray(0, 2 * MIB)],
      ['no ext4', 'image-root-not-ext4', changed((bytes) => bytes.fill(0, EXT4, EXT4 + 4096))],
      ['no FAT', 'image-boot-unreadable', changed((bytes) => bytes.fill(0, FAT, FAT + MIB))],
      ['empty FAT', 'image-boot-unreadable', changed((bytes) => bytes.fill(0xff, FAT, FAT + MIB))],
    ];
    for (const [name, code, bytes] of cases) {
      await t.test(`${name}: ${code}`, async () => {
        await assert.rejects(take(bench, 'bad', bytes), fault(code));
        await undo(bench, 'bad');
      });
    }
  });

  test('a FAT whose files claim more than the partition holds is not unpacked', async (t) => {
    const bench = await openBench(t);
    const bytes = image();
    forgeFat(
      bytes,
      (entry) => entry.toString('latin1', 0, 11) === 'FIXUP   DAT' && entry.writeUInt32LE(0x7fffffff, 28) > 0,
    );
    await assert.rejects(take(bench, 'bomb', bytes), fault('image-boot-unreadable'));
    await undo(bench, 'bomb');
  });

  test('a FAT with a folder that contains itself is not unpacked', async (t) => {
    const bench = await openBench(t);
    const bytes = image();
    let cluster = 0;
    forgeFat(bytes, (entry) => {
      if (entry.toString('latin1', 0, 11) === 'OVERLAYS   ') cluster = entry.readUInt16LE(26);
      return cluster > 0;
    });
    // The folder's own cluster lies anywhere in the FAT: its file with the long name becomes the folder.
    for (let at = FAT; at < EXT4; at += 32) {
      if (bytes.toString('latin1', at, at + 11) !== 'OVERLA~1DTB') continue;
      bytes.writeUInt8(0x10, at + 11);
      bytes.writeUInt16LE(cluster, at + 26);
      bytes.writeUInt32LE(0, at + 28);
    }
    await assert.rejects(take(bench, 'loop', bytes), fault('image-boot-unreadable'));
    await undo(bench, 'loop');
  });

  test('a FAT with names like ../ writes nothing outside of its own folder', async (t) => {
    const bench = await openBench(t);
    const file = join(lab, 'image');
    const hostile = ['..%..%bakery-evil-1.txt', '%tmp%bakery-evil-2.txt', 'overlays%..%..%..%..%etc%bakery-evil-3'];
    makeTinyImage(file, {
      ...SIZE,
      bootFiles: { ...TINY.bootFiles, ...Object.fromEntries(hostile.map((name) => [name, 'evil'])) },
    });
    const bytes = readFileSync(file);
    forgeFat(bytes, (entry) => {
      if (entry[11] !== 0x0f) return false;
      // The 13 UTF-16 characters of a long name's entry.
      const places = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30].filter((at) => entry.readUInt16LE(at) === 0x25);
      for (const at of places) entry.writeUInt16LE(0x2f, at);
      return places.length > 0;
    });
    await take(bench, 'g', bytes);
    const inside = run('find', bench.root, '-name', '*bakery-evil*').split('\n').filter(Boolean);
    // Not below: other tests come and go in /tmp.
    const outside = ['/tmp', '/etc'].flatMap((place) => readdirSync(place).map((name) => join(place, name)));
    const found = [...inside, ...outside.filter((path) => path.includes('bakery-evil'))];
    // mtools writes each / of a name as \.
    const folder = bench.pool.path('incoming', 'g.boot');
    assert.deepEqual(
      [...new Set(found)].map((path) => path.slice(0, path.lastIndexOf('/'))),
      [folder, folder, folder],
    );
    await undo(bench, 'g');
  });
});
