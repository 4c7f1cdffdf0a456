import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { requirePiId } from '../../core/ids.ts';
import { ext4Features, readExt4Uuid } from '../../exports/volumes/ext4.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { trySh } from '../lab/sh.ts';
import { makeTinyImage } from '../lab/tiny-image.ts';
import { type Bench, chunksOf, HOSTS, MIB, openBench, run } from './volumes-lab.ts';

/** Small: an image is held in memory here, and whoever forks has all its pages to copy. */
const SIZE = { bootMiB: 9, rootMiB: 8 };
/** Where makeTinyImage puts its ext4, and how much it has. */
const [OFFSET, BYTES] = [(1 + SIZE.bootMiB) * MIB, SIZE.rootMiB * MIB];
const signal = new AbortController().signal;
const PIS = ['687680cd', '00000007'].map(requirePiId);

/** What a root's ext4 may be like, and what its golden volume must have and not have. */
const ROOTS = [
  { name: 'with metadata_csum', features: 'metadata_csum', has: ['metadata_csum', 'metadata_csum_seed'], not: [] },
  { name: 'without metadata_csum', features: '^metadata_csum', has: [], not: ['metadata_csum', 'metadata_csum_seed'] },
  {
    name: 'of an old image (no checksums, 32 bits, no flex_bg)',
    features: '^metadata_csum,^64bit,^flex_bg,uninit_bg',
    has: ['uninit_bg'],
    not: ['metadata_csum', '64bit'],
  },
];

async function takeIn({ images }: Bench, bytes: Uint8Array): Promise<void> {
  await images.receive(chunksOf(bytes), { id: 'g', signal });
  await images.makeGolden({ id: 'g', signal });
  await images.prepare({ id: 'g', signal });
  await images.tidy({ id: 'g' });
}

/** Bakes two Pis, the second with a larger root, looks at both with `see`, and has e2fsck find nothing wrong. */
async function bakeTwo({ images, volumes, pool, at }: Bench, see: (root: string) => void): Promise<void> {
  const uuids = PIS.map(() => randomUUID());
  for (const [i, id] of PIS.entries()) {
    const fsUuid = uuids[i] ?? '';
    await volumes.clone({ golden: 'g', id, fsUuid, bytes: i * 300 * MIB });
    assert.equal(await readExt4Uuid(pool.path('volumes', `${id}.ext4`)), fsUuid);
    await volumes.mount({ id, fsUuid, at: at(id) });
    await images.giveIdentity({ mountPoint: at(id), piId: id });
    see(at(id));
  }
  for (const id of PIS) {
    assert.equal(readFileSync(join(at(id), 'etc/hostname'), 'utf8'), `${id}\n`);
    await volumes.unmount({ id, at: at(id) });
    run('e2fsck', '-fn', pool.path('volumes', `${id}.ext4`));
  }
}

inOwnNamespace(import.meta.url, () => {
  const lab = mkdtempSync(join(tmpdir(), 'bakery-roots-'));
  after(() => rmSync(lab, { recursive: true, force: true }));
  const file = join(lab, 'image');

  for (const host of HOSTS) {
    test(`an image becomes two Pis on ${host.name}`, async (t) => {
      const bench = await openBench(t, { host });
      makeTinyImage(file, SIZE);
      await takeIn(bench, readFileSync(file));
      await bakeTwo(bench, (root) => assert.ok(readFileSync(join(root, 'boot/firmware/kernel8.img')).length > 0));
    });
  }

  for (const { name, features, has, not } of ROOTS) {
    test(`an ext4 ${name} becomes Pis, each under a UUID of its own, and grows`, async (t) => {
      const bench = await openBench(t, { host: HOSTS[0] });
      makeTinyImage(file, { ...SIZE, rootFeatures: features });
      await takeIn(bench, readFileSync(file));
      const found = await ext4Features(exec, bench.pool.path('golden', 'g.ext4'));
      for (const feature of has) assert.ok(found.includes(feature), feature);
      for (const feature of not) assert.ok(!found.includes(feature), feature);
      await bakeTwo(bench, () => undefined);
    });
  }

  for (const features of ['metadata_csum', '^metadata_csum']) {
    test(`what an image has only in its journal is on every Pi (${features})`, async (t) => {
      const bench = await openBench(t, { host: HOSTS[0] });
      makeTinyImage(file, { ...SIZE, rootFeatures: features });
      const [dirty, at] = [join(lab, 'dirty'), join(lab, 'mounted')];
      mkdirSync(at, { recursive: true });
      run('mount', '-o', `loop,offset=${OFFSET},sizelimit=${BYTES}`, file, at);
      try {
        // fsync(2) writes the journal, and nothing else of the metadata.
        writeFileSync(join(at, 'etc/late'), 'written last', { flush: true });
        copyFileSync(file, dirty);
      } finally {
        trySh('umount', at);
      }
      const look = (...options: string[]) => run('debugfs', ...options, `${dirty}?offset=${OFFSET}`);
      assert.match(look('-R', 'features'), /needs_recovery/);
      assert.doesNotMatch(look('-R', 'ls -p /etc'), /late/, 'it is nowhere but in the journal');

      await takeIn(bench, readFileSync(dirty));
      await bakeTwo(bench, (root) => assert.equal(readFileSync(join(root, 'etc/late'), 'utf8'), 'written last'));
    });
  }
});
