import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { inOwnNamespace } from '../lab/namespace.ts';
import { requireTools } from '../lab/sh.ts';
import { makeTinyImage } from '../lab/tiny-image.ts';
import { type Bench, chunksOf, fault, MIB, openBench } from './volumes-lab.ts';

const signal = new AbortController().signal;

function xz(bytes: Uint8Array, ...args: readonly string[]): Buffer {
  const { status, stdout } = spawnSync('xz', ['--stdout', ...args], { input: bytes, maxBuffer: 1024 * MIB });
  assert.equal(status, 0);
  return stdout;
}

/** Files in a zip, by Info-ZIP. */
function zip(files: Readonly<Record<string, Uint8Array>>, ...args: readonly string[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-zip-'));
  try {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    const { status, stderr } = spawnSync('zip', ['-q', ...args, 'all.zip', ...Object.keys(files)], { cwd: folder });
    assert.equal(status, 0, stderr.toString());
    return readFileSync(join(folder, 'all.zip'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As a download that is zipped on the way: its sizes and its CRC-32 come after the bytes, for ZIP64. */
function zipStreamed(bytes: Uint8Array): Buffer {
  const { status, stdout } = spawnSync('zip', ['-q', '-', '-'], { input: bytes, maxBuffer: 1024 * MIB });
  assert.equal(status, 0);
  return stdout;
}

/** What each packs, in one piece and as others do it. */
const PACKINGS = {
  xz: [(bytes: Uint8Array) => xz(bytes, '-1'), (bytes: Uint8Array) => xz(bytes, '--threads=2', '--block-size=1MiB')],
  gzip: [
    (bytes: Uint8Array) => gzipSync(bytes),
    // Members, as pigz and bgzip write them.
    (bytes: Uint8Array) => Buffer.concat([gzipSync(bytes.subarray(0, 777)), gzipSync(bytes.subarray(777))]),
  ],
  zstd: [
    (bytes: Uint8Array) => zstdCompressSync(bytes),
    (bytes: Uint8Array) =>
      Buffer.concat([zstdCompressSync(bytes.subarray(0, 777)), zstdCompressSync(bytes.subarray(777))]),
  ],
  zip: [
    (bytes: Uint8Array) => zip({ 'raspios.img': bytes }),
    zipStreamed,
    (bytes: Uint8Array) =>
      zip({ 'README.txt': Buffer.from('flash it'), 'RASPIOS.IMG': bytes, 'sum.sha256': bytes.subarray(0, 9) }),
    (bytes: Uint8Array) => zip({ 'raspios.img': bytes }, '-0'),
    (bytes: Uint8Array) => zip({ 'raspios.img': bytes }, '--force-zip64'),
  ],
} as const;
type Packable = keyof typeof PACKINGS;
const EACH = Object.keys(PACKINGS) as Packable[];
const packed = (how: Packable, bytes: Uint8Array) => PACKINGS[how][0](bytes);

inOwnNamespace(import.meta.url, () => {
  const lab = mkdtempSync(join(tmpdir(), 'bakery-packed-'));
  let bench: Bench;
  let image: Buffer;
  const ends: (() => unknown)[] = [];

  before(async () => {
    requireTools('xz', 'zstd', 'zip');
    bench = await openBench({ after: (end) => void ends.push(end as () => unknown) });
    makeTinyImage(join(lab, 'tiny.img'), { rootMiB: 8, bootMiB: 9 });
    image = readFileSync(join(lab, 'tiny.img'));
  });
  after(async () => {
    for (const end of ends) await end();
    rmSync(lab, { recursive: true, force: true });
  });

  const incoming = () => readdirSync(bench.pool.path('incoming', ''));
  const file = () => bench.pool.path('incoming', 'g.img');
  async function receive(bytes: Uint8Array): Promise<void> {
    await bench.images.receive(chunksOf(bytes, MIB), { id: 'g', signal });
  }
  async function refused(bytes: Uint8Array, code: string): Promise<void> {
    await receive(bytes);
    await assert.rejects(bench.images.unpack({ id: 'g', signal }), fault(code));
    assert.deepEqual(incoming(), ['g.img'], 'what was half unpacked is gone');
    await bench.images.tidy({ id: 'g' });
    assert.deepEqual(incoming(), []);
  }

  for (const how of EACH) {
    test(`an image in ${how} is unpacked bit for bit, with its holes, and becomes a bakeform`, async () => {
      for (const pack of PACKINGS[how]) {
        const bytes = pack(image);
        await receive(bytes);
        const told: number[] = [];
        // What is read of a zip is not in one piece: told is what comes out of it.
        const all = how === 'zip' ? image.length : bytes.length;
        const onBytes = (done: number, total: number) => {
          assert.equal(total, all);
          told.push(done);
        };
        assert.deepEqual(await bench.images.unpack({ id: 'g', signal, onBytes }), { content: 'image', layers: [how] });
        assert.equal(told.at(-1), all);
        assert.ok(readFileSync(file()).equals(image));
        const { blocks, size } = statSync(file());
        assert.ok(blocks * 512 < size / 2, `${blocks * 512} bytes are taken of ${size}`);
        assert.deepEqual(
          await bench.images.unpack({ id: 'g', signal }),
          { content: 'image', layers: [] },
          'again: it is not packed any more',
        );
      }
      await bench.images.makeGolden({ id: 'g', signal });
      await bench.images.prepare({ id: 'g', signal });
      await bench.images.tidy({ id: 'g' });
      await bench.volumes.removeGolden('g');
    });

    test(`what is damaged, cut off or not ${how} after its first bytes is refused, and leaves nothing`, async () => {
      const whole = packed(how, image);
      const damaged = Buffer.from(whole);
      const half = Math.floor(whole.length / 2);
      damaged.fill(0x55, half, half + 64);
      await refused(damaged, 'image-unpack-failed');
      await refused(whole.subarray(0, whole.length - 5), 'image-unpack-failed');
      await refused(whole.subarray(0, 12), 'image-unpack-failed');
      await refused(Buffer.concat([whole.subarray(0, 6), Buffer.alloc(5_000, 'noise ')]), 'image-unpack-failed');
    });

    test(`a bomb in ${how} is given up at the limit, and takes no room before`, async () => {
      const zeros = packed(how, Buffer.alloc(100 * MIB));
      const before = (await bench.pool.read()).pool.available;
      await refused(zeros, 'image-too-large');
      await receive(packed(how, Buffer.alloc(80 * MIB)));
      await bench.images.unpack({ id: 'g', signal });
      assert.ok(statSync(file()).blocks * 512 < MIB);
      assert.ok(before - (await bench.pool.read()).pool.available < 16 * MIB);
      await bench.images.tidy({ id: 'g' });
      // Twice packed, a bomb is a thousandth of its size.
      await refused(packed(how, packed(how, Buffer.alloc(100 * MIB))), 'image-packed');
    });

    test(`unpacking ${how} ends when it is cancelled`, async () => {
      await receive(packed(how, image));
      const cancel = new AbortController();
      const onBytes = () => cancel.abort(new Error('not wanted any more'));
      await assert.rejects(bench.images.unpack({ id: 'g', signal: cancel.signal, onBytes }), /not wanted any more/);
      assert.deepEqual(incoming(), ['g.img']);
      await bench.images.tidy({ id: 'g' });
    });
  }

  test('a zip without an image, with two, or with one that cannot be read is refused', async () => {
    await refused(zip({ 'a.img': image, 'b.img': image }), 'archive-unknown');
    await refused(zip({ 'a.txt': Buffer.from('a'), 'b.txt': Buffer.from('b') }), 'archive-unknown');
    await refused(zip({ 'a.img': image }, '--password', 'secret'), 'image-unpack-failed');
    await refused(zip({ 'a.img': image }, '--compression-method', 'bzip2'), 'image-unpack-failed');
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`${n}.txt`, Buffer.from('x')]));
    await refused(zip({ 'a.img': image, ...many }), 'archive-unknown');
  });

  test('an image in a zip that has another CRC-32 than the zip says is refused', async () => {
    const stored = zip({ 'a.img': image }, '-0');
    const at = stored.indexOf(image.subarray(image.length - 512, image.length - 256)) + 4;
    stored.writeUInt8(stored.readUInt8(at) ^ 1, at);
    await refused(stored, 'image-unpack-failed');
  });

  test('an image in xz that asks for more memory than there is for it is refused', async () => {
    const greedy = xz(image, '--lzma2=dict=512MiB');
    await refused(greedy, 'image-unpack-failed');
  });

  test('an image that is not packed stays as it is', async () => {
    await receive(image);
    assert.deepEqual(await bench.images.unpack({ id: 'g', signal }), { content: 'image', layers: [] });
    assert.ok(readFileSync(file()).equals(image));
    await bench.images.tidy({ id: 'g' });
  });
});
