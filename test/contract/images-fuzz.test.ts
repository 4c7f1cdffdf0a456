import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { brotliCompressSync, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { exec } from '../../core/host/exec.ts';
import { listLoops } from '../../exports/volumes/loops.ts';
import { type Spoilt, spoilImage, type WholeImage } from '../lab/hostile-image.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { seededChance } from '../lab/seed.ts';
import { sh } from '../lab/sh.ts';
import { makeTinyImage, TINY } from '../lab/tiny-image.ts';
import { size } from '../sizes.ts';
import { listing, refusal } from './fuzz.ts';
import { type Bench, chunksOf, MIB, openBench, run } from './volumes-lab.ts';

const signal = new AbortController().signal;
const [BOOT_MIB, ROOT_MIB] = [9, 12];
const EXT4 = (1 + BOOT_MIB) * MIB;

/** What everything that runs below us, or is mounted or looped for this pool, looks like. */
async function traces(bench: Bench): Promise<string[]> {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const loops = (await listLoops(exec)).map(({ file }) => file);
  const children = sh('ps', '-o', 'comm=', '--ppid', String(process.pid)).split('\n');
  return [
    ...mounts.map((line) => line.split(' ')[4] ?? '').filter((at) => at.startsWith(`${bench.root}/`)),
    ...loops.filter((file) => file.startsWith(`${bench.root}/`)),
    ...children.filter((name) => name !== '' && name !== 'ps'),
  ];
}

inOwnNamespace(import.meta.url, () => {
  const lab = mkdtempSync(join(tmpdir(), 'bakery-fuzz-'));
  const outside = join(lab, 'outside');
  let whole: readonly WholeImage[] = [];
  let bench: Bench;
  const ends: (() => unknown)[] = [];
  before(async () => {
    bench = await openBench({ after: (end) => void ends.push(end as () => unknown) });
    mkdirSync(outside);
    for (const name of ['fstab', 'hostname', 'x']) writeFileSync(join(outside, name), 'untouched');
    const file = join(lab, 'image');
    const bootFiles = { ...TINY.bootFiles, 'kernel8.img': Buffer.alloc(100_000, 'kernel') };
    makeTinyImage(file, { bootMiB: BOOT_MIB, rootMiB: ROOT_MIB, bootFiles });
    const image = () => ({ bytes: readFileSync(file), fat: MIB, ext4: EXT4 });
    const checked = image();
    // Without checksums more of what is spoilt is believed.
    run('tune2fs', '-O', '^metadata_csum', `${file}?offset=${EXT4}`);
    whole = [checked, image()];
  });
  after(async () => {
    for (const end of ends) await end();
    rmSync(lab, { recursive: true, force: true });
  });

  /** Takes an image in as an upload does, and takes everything back as its undo does. @returns the code of the refusal. */
  async function takeIn(bytes: Uint8Array, what: string): Promise<string | undefined> {
    const { images, volumes, pool } = bench;
    const { code } = await refusal(async () => {
      await images.receive(chunksOf(bytes, MIB), { id: 'g', signal });
      await images.unpack({ id: 'g', signal });
      await images.makeGolden({ id: 'g', signal });
      await images.prepare({ id: 'g', signal });
    }, what);
    await images.tidy({ id: 'g' });
    await volumes.removeGolden('g');
    for (const folder of ['incoming', 'golden', 'work'] as const) {
      assert.deepEqual(readdirSync(pool.path(folder, '')), [], `${what}: ${folder}`);
    }
    return code;
  }

  for (const [part, count] of [
    ['table', size('hostileTables')],
    ['fat', size('hostileFats')],
    ['ext4', size('hostileFileSystems')],
  ] as readonly [Spoilt, number][]) {
    test(`${count} images whose ${part} is spoilt are taken, or refused with a documented code, and leave nothing`, {
      timeout: count * 60_000,
    }, async (t) => {
      const untouched = listing(outside);
      const quiet = await traces(bench);
      const chance = seededChance(`spoilt ${part}`);
      const scratch = Buffer.alloc(whole[0]?.bytes.length ?? 0);
      const codes = new Map<string, number>();
      for (let n = 0; n < count; n++) {
        const code =
          (await takeIn(spoilImage(chance.pick(whole), part, { scratch, chance }), `${part} ${n}`)) ?? 'taken';
        codes.set(code, (codes.get(code) ?? 0) + 1);
        assert.deepEqual(await traces(bench), quiet, `${part} ${n}: ${code}`);
      }
      t.diagnostic([...codes].map(([code, times]) => `${code}: ${times}`).join(', '));
      assert.deepEqual(listing(outside), untouched);
      // The one that comes after all that is taken.
      assert.equal(await takeIn(whole[0]?.bytes ?? Buffer.alloc(0), 'the whole one'), undefined);
    });
  }

  test('packed images are taken for what they hold, and bombs take no room', async () => {
    const bomb = Buffer.alloc(64 * MIB);
    const image = whole[0]?.bytes ?? Buffer.alloc(0);
    const packed: [string, Uint8Array, string | undefined][] = [
      ['an image in gzip', gzipSync(image), undefined],
      ['a bomb in gzip', gzipSync(bomb), 'image-not-an-image'],
      ['a bomb in zstd', zstdCompressSync(bomb), 'image-not-an-image'],
      ['a bomb in gzip in gzip', gzipSync(gzipSync(bomb)), 'image-packed'],
      // It has no mark to know it by.
      ['a bomb in brotli', brotliCompressSync(bomb, { params: { 1: 1 } }), 'image-not-an-image'],
      ['a bomb in deflate', deflateRawSync(bomb), 'image-not-an-image'],
    ];
    for (const [what, bytes, code] of packed) {
      const before = (await bench.pool.read()).pool.available;
      assert.equal(await takeIn(bytes, what), code, what);
      const used = before - (await bench.pool.read()).pool.available;
      // What an image took is given back by xfs when it comes to it.
      if (code !== undefined) assert.ok(used < bomb.length / 8, `${what}: ${used}`);
    }
  });
});
