import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { readExt4Uuid } from '../../exports/volumes/ext4.ts';
import { loopsOf } from '../../exports/volumes/loops.ts';
import { mountAt } from '../../exports/volumes/mountinfo.ts';
import { isLongRun } from '../sizes.ts';
import { type Bench, fault, type Host, MIB, openBench, run } from './volumes-lab.ts';

/** A golden volume of `mib` random bytes in one file, made by hand. */
function layGolden(bench: Bench, name: string, mib: number): void {
  const file = bench.pool.path('golden', `${name}.ext4`);
  writeFileSync(file, '');
  truncateSync(file, (Math.ceil(mib * 1.2) + 32) * MIB);
  const [tree, data] = [join(bench.root, 'tree'), join(bench.root, 'tree', 'data')];
  mkdirSync(tree);
  run('dd', 'if=/dev/urandom', `of=${data}`, 'bs=1M', `count=${mib}`, 'status=none');
  run('mkfs.ext4', '-q', '-F', '-d', tree, file);
  run('tune2fs', '-O', 'metadata_csum_seed', file);
  rmSync(tree, { recursive: true });
}

/** Once all is written: btrfs counts then. */
function usedMiB(folder: string): number {
  run('sync', '--file-system', folder);
  return Number(run('df', '-m', '--output=used', folder).split('\n')[1]);
}

/** Writes a file full to its last byte, with what does not compress or merge. */
async function fill(file: string, bytes: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const block = Buffer.alloc(MIB, 'x');
    for (let at = 0; at < bytes; at += block.length) {
      block.writeDoubleLE(at, 0);
      assert.equal(
        (await handle.write(block, 0, Math.min(MIB, bytes - at), at)).bytesWritten,
        Math.min(MIB, bytes - at),
      );
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What every pool does with volumes, whatever file system it is on. */
export function volumesSuite(host: Host): void {
  test(`clones share the golden volume, each under its own UUID, and outlive it (${host.name})`, async (t) => {
    const bench = await openBench(t, { host });
    const { volumes, pool } = bench;
    layGolden(bench, 'g', 100);
    const before = usedMiB(pool.folder);
    const uuids = [randomUUID(), randomUUID()];
    const times: number[] = [];
    for (const [i, fsUuid] of uuids.entries()) {
      const start = performance.now();
      await volumes.clone({ golden: 'g', id: `v${i}`, fsUuid });
      times.push(performance.now() - start);
      assert.equal(await readExt4Uuid(pool.path('volumes', `v${i}.ext4`)), fsUuid);
      await volumes.clone({ golden: 'g', id: `v${i}`, fsUuid });
    }
    t.diagnostic(
      `clone of 100 MiB: ${times.map((ms) => ms.toFixed(0)).join(', ')} ms; both cost ${usedMiB(pool.folder) - before} MiB`,
    );
    const cost = usedMiB(pool.folder) - before;
    assert.ok(host.kind === 'plain' ? cost >= 200 && cost < 220 : cost < 20, `${cost} MiB`);
    await volumes.removeGolden('g');
    await volumes.removeGolden('g');
    for (const [i, fsUuid] of uuids.entries()) await volumes.mount({ id: `v${i}`, fsUuid, at: bench.at(`v${i}`) });
    assert.equal(run('cmp', join(bench.at('v0'), 'data'), join(bench.at('v1'), 'data')), '');
    await assert.rejects(volumes.clone({ golden: 'g', id: 'v3', fsUuid: randomUUID() }), fault('golden-missing'));
  });

  test(`a clone is grown to the size it is asked for, never shrunk, and mounts (${host.name})`, async (t) => {
    const bench = await openBench(t, { host });
    const { pool, volumes, at } = bench;
    layGolden(bench, 'g', 4);
    const least = await volumes.goldenBytes('g');
    assert.equal(least, statSync(pool.path('golden', 'g.ext4')).size);
    await assert.rejects(volumes.goldenBytes('none'), fault('golden-missing'));
    for (const [id, bytes] of [
      ['grown', 300 * MIB],
      ['kept', 10 * MIB],
    ] as const) {
      const fsUuid = randomUUID();
      for (let times = 0; times < 2; times++) await volumes.clone({ golden: 'g', id, fsUuid, bytes });
      const file = pool.path('volumes', `${id}.ext4`);
      assert.equal(statSync(file).size, Math.max(bytes, least));
      run('e2fsck', '-f', '-n', file);
      await volumes.mount({ id, fsUuid, at: at(id) });
      const [, size] = run('df', '--output=size', '-B1M', at(id)).split('\n');
      assert.ok(id === 'kept' ? Number(size) < 60 : Number(size) > 250, `${id}: ${size} MiB`);
      await volumes.unmount({ id, at: at(id) });
    }
  });

  test(`of two volumes that share a place the one that is meant is unmounted, wherever it is (${host.name})`, async (t) => {
    const { pool, volumes, at } = await openBench(t, { host });
    const uuids = { old: randomUUID(), new: randomUUID() };
    const places = [at('aside'), at('place')];
    for (const id of ['old', 'new'] as const) await volumes.createDisk({ id, fsUuid: uuids[id], sizeMiB: 1 });
    await volumes.mount({ id: 'old', fsUuid: uuids.old, at: at('place') });
    await volumes.unmountFrom({ id: 'new', places });
    assert.notEqual(await mountAt(at('place')), undefined, 'the other stays');
    await volumes.mount({ id: 'new', fsUuid: uuids.new, at: at('aside') });
    for (let times = 0; times < 2; times++) await volumes.unmountFrom({ id: 'new', places });
    assert.equal(existsSync(at('aside')), false);
    assert.notEqual(await mountAt(at('place')), undefined, 'the other stays');
    await volumes.unmountFrom({ id: 'old', places });
    assert.equal(existsSync(at('place')), false);
    for (const id of ['old', 'new']) assert.deepEqual(await loopsOf(exec, pool.path('volumes', `${id}.ext4`)), []);
    await volumes.mount({ id: 'new', fsUuid: uuids.new, at: at('elsewhere') });
    await assert.rejects(volumes.unmountFrom({ id: 'new', places }), fault('volume-busy'));
  });

  test(`whoever looks at an unused loop device for a moment keeps nobody from its file; a mount does (${host.name})`, async (t) => {
    const bench = await openBench(t, { host });
    const { pool, volumes, at } = bench;
    layGolden(bench, 'g', 4);
    const golden = pool.path('golden', 'g.ext4');
    const loop = run('losetup', '--find', '--show', golden).trim();
    const looksAt = openSync(loop, 'r');
    run('losetup', '--detach', loop);
    const letsGo = setTimeout(() => closeSync(looksAt), 200);
    t.after(() => clearTimeout(letsGo));
    const clone = (id: string) => volumes.clone({ golden: 'g', id, fsUuid: randomUUID() });
    await clone('a');
    assert.deepEqual(await loopsOf(exec, golden), []);
    mkdirSync(at('x'), { recursive: true });
    run('mount', '-o', 'loop', golden, at('x'));
    await assert.rejects(clone('b'), fault('volume-busy'));
    run('umount', at('x'));
  });

  test(`a crash in the middle of a clone or a disk is made good by doing it again, or by removing it (${host.name})`, async (t) => {
    const bench = await openBench(t, { host });
    const { volumes, pool } = bench;
    layGolden(bench, 'g', 4);
    const fsUuid = randomUUID();
    writeFileSync(pool.path('volumes', 'v.ext4.partial'), 'half a clone');
    await volumes.clone({ golden: 'g', id: 'v', fsUuid });
    assert.deepEqual(readdirSync(pool.path('volumes', '')), ['v.ext4']);

    // As a crash leaves it: the partial is mounted at its working place.
    const partial = pool.path('volumes', 'd.ext4.partial');
    writeFileSync(partial, '');
    truncateSync(partial, 16 * MIB);
    run('mkfs.ext4', '-q', partial);
    mkdirSync(pool.path('work', 'd'));
    run('mount', '-o', 'loop', partial, pool.path('work', 'd'));
    await volumes.createDisk({ id: 'd', fsUuid, sizeMiB: 16 });
    assert.deepEqual(readdirSync(pool.path('work', '')), []);
    writeFileSync(partial, 'half');
    for (const id of ['d', 'v', 'never']) {
      await volumes.remove({ id });
      await volumes.remove({ id });
    }
    assert.deepEqual(readdirSync(pool.path('volumes', '')), []);
  });

  for (const sizeMiB of isLongRun ? [1, 16, 64, 1000] : [1, 64]) {
    test(`a disk of ${sizeMiB} MiB can be filled to its last byte (${host.name})`, async (t) => {
      const { volumes, pool, at } = await openBench(t, { host });
      const fsUuid = randomUUID();
      const start = performance.now();
      await volumes.createDisk({ id: 'd', fsUuid, sizeMiB });
      const took = performance.now() - start;
      await volumes.createDisk({ id: 'd', fsUuid, sizeMiB });
      const cost = statSync(pool.path('volumes', 'd.ext4')).blocks / 2048;
      t.diagnostic(`made in ${took.toFixed(0)} ms, takes ${cost.toFixed(1)} MiB of the pool`);
      await volumes.mount({ id: 'd', fsUuid, at: at('d') });
      assert.deepEqual(
        readdirSync(at('d')).filter((name) => name !== 'lost+found'),
        ['disk.img'],
      );
      const image = join(at('d'), 'disk.img');
      assert.equal(statSync(image).size, sizeMiB * MIB);
      await pool.ensureFree(sizeMiB * MIB);
      await fill(image, sizeMiB * MIB);
      await volumes.unmount({ id: 'd', at: at('d') });
      run('e2fsck', '-fn', pool.path('volumes', 'd.ext4'));
    });
  }

  test(`a disk filled in the worst order still takes its last byte (${host.name})`, async (t) => {
    const { volumes, at } = await openBench(t, { host });
    const fsUuid = randomUUID();
    await volumes.createDisk({ id: 'd', fsUuid, sizeMiB: 32 });
    await volumes.mount({ id: 'd', fsUuid, at: at('d') });
    const handle = await open(join(at('d'), 'disk.img'), 'r+');
    const block = Buffer.alloc(4096, 1);
    // Even blocks, made durable, then odd ones from the end: extents cannot merge as they come.
    for (let i = 0; i < 8192; i += 2) await handle.write(block, 0, 4096, i * 4096);
    await handle.sync();
    for (let i = 8191; i > 0; i -= 2) await handle.write(block, 0, 4096, i * 4096);
    await handle.sync();
    await handle.close();
    await volumes.unmount({ id: 'd', at: at('d') });
  });

  test(`a disk of 1 TiB is made at once and takes little room (${host.name})`, async (t) => {
    const { volumes, pool } = await openBench(t, { host });
    const start = performance.now();
    await volumes.createDisk({ id: 'd', fsUuid: randomUUID(), sizeMiB: 1024 ** 2 });
    const cost = statSync(pool.path('volumes', 'd.ext4')).blocks / 2048;
    t.diagnostic(`made in ${(performance.now() - start).toFixed(0)} ms, takes ${cost.toFixed(1)} MiB`);
    assert.ok(cost < 32);
  });
}
