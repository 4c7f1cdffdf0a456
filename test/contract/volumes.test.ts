import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
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
import { detachOrphans, loopsOf } from '../../exports/volumes/loops.ts';
import { mountAt } from '../../exports/volumes/mountinfo.ts';
import { openPool } from '../../exports/volumes/pool.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { type Bench, fault, MIB, openBench, run, silent, temporaryRoot } from './volumes-lab.ts';

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

const usedMiB = (folder: string) => Number(run('df', '-m', '--output=used', folder).split('\n')[1]);

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

inOwnNamespace(import.meta.url, () => {
  test('a pool on a file system without reflinks is a loop-backed xfs whose blocks are all reserved', async (t) => {
    const { pool, root, reopen } = await openBench(t);
    assert.equal(pool.kind, 'loop-xfs');
    assert.equal((await mountAt(pool.folder))?.type, 'xfs');
    const { size, blocks } = statSync(join(root, 'pool.xfs'));
    assert.ok(blocks * 512 >= size, 'reserved');
    assert.doesNotMatch(run('findmnt', '-no', 'OPTIONS', pool.folder), /\bdiscard\b/, 'freed blocks stay reserved');

    const again = await reopen();
    assert.equal((await loopsOf(exec, join(root, 'pool.xfs'))).length, 1, 'the mount is adopted');
    await again.pool.close();
    await again.pool.close();
    assert.equal((await loopsOf(exec, join(root, 'pool.xfs'))).length, 0);
    // Holes, as an operator's fstrim makes them, are filled at the next start.
    run('fallocate', '--dig-holes', join(root, 'pool.xfs'));
    assert.ok(statSync(join(root, 'pool.xfs')).blocks * 512 < size, 'it has holes');
    await reopen();
    assert.equal((await mountAt(pool.folder))?.type, 'xfs');
    assert.ok(statSync(join(root, 'pool.xfs')).blocks * 512 >= size, 'reserved again');
  });

  test('a pool grows when it must, and a growth that a crash cut off is ended at the next start', async (t) => {
    const { pool, root, reopen } = await openBench(t);
    const before = await pool.free();
    await Promise.all([pool.ensureFree(600 * MIB), pool.ensureFree(600 * MIB)]);
    const grown = await pool.free();
    assert.ok(grown.availableBytes >= 600 * MIB);
    assert.ok(grown.totalBytes > before.totalBytes + 900 * MIB && grown.totalBytes < before.totalBytes + 1100 * MIB);
    await assert.rejects(pool.ensureFree(2 ** 50), fault('pool-full'));

    const file = join(root, 'pool.xfs');
    run('fallocate', '--length', String(statSync(file).size + 256 * MIB), file);
    assert.ok((await (await reopen()).pool.free()).totalBytes > grown.totalBytes + 200 * MIB, 'mounted all the while');
    await pool.close();
    run('fallocate', '--length', String(statSync(file).size + 256 * MIB), file);
    assert.ok((await (await reopen()).pool.free()).totalBytes > grown.totalBytes + 400 * MIB, 'mounted anew');
  });

  test('a half-made pool is made again, a foreign mount is refused, volumes in a plain pool are never hidden', async (t) => {
    const root = temporaryRoot(t);
    const options = { root, exec, log: silent, initialBytes: 512 * MIB };
    writeFileSync(join(root, 'pool.xfs.partial'), 'half');
    const pool = await openPool({ ...options, mode: 'auto' });
    assert.deepEqual(readdirSync(root).toSorted(), ['pool', 'pool.xfs']);
    await pool.close();
    run('mount', '-t', 'tmpfs', 'tmpfs', pool.folder);
    await assert.rejects(openPool({ ...options, mode: 'auto' }), fault('pool-foreign'));
    run('umount', pool.folder);

    const plain = temporaryRoot(t);
    const first = await openPool({ ...options, root: plain, mode: 'plain' });
    assert.equal(first.kind, 'plain');
    writeFileSync(first.path('volumes', 'a'), 'volume');
    await first.clone(first.path('volumes', 'a'), first.path('volumes', 'b'));
    const second = await openPool({ ...options, root: plain, mode: 'auto' });
    assert.equal(second.kind, 'plain');
    assert.equal(readFileSync(second.path('volumes', 'b'), 'utf8'), 'volume');
  });

  test('without xfs tools clones are copies', async (t) => {
    const root = temporaryRoot(t);
    const pool = await openPool({
      root,
      mode: 'auto',
      log: silent,
      initialBytes: 512 * MIB,
      exec: (program, args, given) => exec(program === 'mkfs.xfs' ? 'no-such-tool' : program, args, given),
    });
    assert.equal(pool.kind, 'plain');
    assert.deepEqual(readdirSync(root), ['pool']);
  });

  test('clones share the golden volume, each under its own UUID, and outlive it', async (t) => {
    const bench = await openBench(t);
    const { volumes, pool } = bench;
    await pool.ensureFree(400 * MIB);
    layGolden(bench, 'g', 300);
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
      `clone of 300 MiB: ${times.map((ms) => ms.toFixed(0)).join(', ')} ms; both cost ${usedMiB(pool.folder) - before} MiB`,
    );
    assert.ok(usedMiB(pool.folder) - before < 20);
    await volumes.removeGolden('g');
    await volumes.removeGolden('g');
    for (const [i, fsUuid] of uuids.entries()) await volumes.mount({ id: `v${i}`, fsUuid, at: bench.at(`v${i}`) });
    assert.equal(run('cmp', join(bench.at('v0'), 'data'), join(bench.at('v1'), 'data')), '');
    await assert.rejects(volumes.clone({ golden: 'g', id: 'v3', fsUuid: randomUUID() }), fault('golden-missing'));
  });

  test('a clone is grown to the size it is asked for, never shrunk, and mounts', async (t) => {
    const bench = await openBench(t);
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

  test('of two volumes that share a place the one that is meant is unmounted, wherever it is', async (t) => {
    const { pool, volumes, at } = await openBench(t);
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

  test('a crash in the middle of a clone or a disk is made good by doing it again, or by removing it', async (t) => {
    const bench = await openBench(t);
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

  for (const sizeMiB of [1, 16, 64, 1000]) {
    test(`a disk of ${sizeMiB} MiB can be filled to its last byte`, async (t) => {
      const { volumes, pool, at } = await openBench(t);
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

  test('a disk filled in the worst order still takes its last byte', async (t) => {
    const { volumes, at } = await openBench(t);
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

  test('a disk of 1 TiB is made at once and takes little room', async (t) => {
    const { volumes, pool } = await openBench(t);
    const start = performance.now();
    await volumes.createDisk({ id: 'd', fsUuid: randomUUID(), sizeMiB: 1024 ** 2 });
    const cost = statSync(pool.path('volumes', 'd.ext4')).blocks / 2048;
    t.diagnostic(`made in ${(performance.now() - start).toFixed(0)} ms, takes ${cost.toFixed(1)} MiB`);
    assert.ok(cost < 128);
  });

  test('a volume is mounted once: adopted after a restart, refused elsewhere, by a wrong UUID and over a foreign mount', async (t) => {
    const bench = await openBench(t);
    const { volumes, pool, at } = bench;
    const fsUuid = randomUUID();
    await assert.rejects(volumes.mount({ id: 'd', fsUuid, at: at('d') }), fault('volume-missing'));
    await volumes.createDisk({ id: 'd', fsUuid, sizeMiB: 1 });
    await assert.rejects(volumes.mount({ id: 'd', fsUuid: randomUUID(), at: at('d') }), fault('volume-uuid'));
    assert.equal(existsSync(at('d')), false);

    await volumes.mount({ id: 'd', fsUuid, at: at('d') });
    const options = run('findmnt', '-no', 'OPTIONS', at('d'));
    for (const option of ['nodev', 'nosuid', 'noexec']) assert.match(options, new RegExp(`\\b${option}\\b`));
    const source = (await mountAt(at('d')))?.source ?? '';
    // ext4 drops the option where the device cannot discard; a limit written to sysfs stays with the device for good.
    const limit = readFileSync(`/sys/block/${source.slice('/dev/'.length)}/queue/discard_max_bytes`, 'utf8').trim();
    assert.equal(/\bdiscard\b/.test(options), limit !== '0');
    if (limit === '0') t.diagnostic(`${source} cannot discard on this machine`);
    const again = await bench.reopen();
    await again.volumes.mount({ id: 'd', fsUuid, at: at('d') });
    assert.equal((await mountAt(at('d')))?.source, source);
    assert.equal((await loopsOf(exec, pool.path('volumes', 'd.ext4'))).length, 1);
    assert.equal((await again.volumes.mountPoints()).has(at('d')), true);

    await assert.rejects(volumes.mount({ id: 'd', fsUuid, at: at('elsewhere') }), fault('volume-busy'));
    await assert.rejects(volumes.discard({ id: 'd' }), fault('volume-busy'));
    await assert.rejects(volumes.remove({ id: 'd' }), fault('volume-busy'));
    assert.equal((await mountAt(at('d')))?.source, source, 'refusals change nothing');

    await volumes.unmount({ id: 'd', at: at('d') });
    await volumes.unmount({ id: 'd', at: at('d') });
    await volumes.unmount({ id: 'never', at: at('never') });
    assert.equal(existsSync(at('d')), false);
    assert.deepEqual(await loopsOf(exec, pool.path('volumes', 'd.ext4')), []);

    mkdirSync(at('d'), { mode: 0 });
    assert.equal(statSync(at('d')).mode & 0o777, 0);
    run('mount', '-t', 'tmpfs', 'tmpfs', at('d'));
    await assert.rejects(volumes.mount({ id: 'd', fsUuid, at: at('d') }), fault('mount-foreign'));
    await assert.rejects(volumes.unmount({ id: 'd', at: at('d') }), fault('mount-foreign'));
    assert.equal((await mountAt(at('d')))?.type, 'tmpfs', 'what is not ours is never unmounted');
  });

  test('a volume that cannot be mounted leaves no mount point behind, but keeps one that was there', async (t) => {
    const { volumes, pool, root } = await openBench(t);
    const disk = { id: randomUUID(), fsUuid: randomUUID(), at: join(root, 'nfs', 'disk') };
    await volumes.createDisk({ ...disk, sizeMiB: 4 });
    const handle = await open(pool.path('volumes', `${disk.id}.ext4`), 'r+');
    // s_feature_incompat, at byte 96 of the superblock: what no kernel knows.
    await handle.write(Buffer.alloc(4, 0xff), 0, 4, 1024 + 96);
    await handle.close();
    await assert.rejects(volumes.mount(disk));
    assert.equal(existsSync(disk.at), false);
    mkdirSync(disk.at, { recursive: true });
    await assert.rejects(volumes.mount(disk));
    assert.ok(existsSync(disk.at));
  });

  test('a busy volume is waited for; what lies below a mount point is kept', async (t) => {
    const { volumes, at } = await openBench(t);
    const fsUuid = randomUUID();
    await volumes.createDisk({ id: 'd', fsUuid, sizeMiB: 1 });
    mkdirSync(at('d'), { recursive: true });
    writeFileSync(join(at('d'), 'below'), 'written before it was mounted');
    await volumes.mount({ id: 'd', fsUuid, at: at('d') });
    const handle = await open(join(at('d'), 'disk.img'), 'r');
    const closing = setTimeout(() => void handle.close(), 500);
    t.after(() => clearTimeout(closing));
    await volumes.unmount({ id: 'd', at: at('d') });
    assert.equal(readFileSync(join(at('d'), 'below'), 'utf8'), 'written before it was mounted');
  });

  test('a mount in another namespace keeps a volume busy', async (t) => {
    const { volumes, at } = await openBench(t);
    const fsUuid = randomUUID();
    await volumes.createDisk({ id: 'd', fsUuid, sizeMiB: 1 });
    await volumes.mount({ id: 'd', fsUuid, at: at('d') });
    const other = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'echo up; read line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.after(() => other.kill());
    await new Promise((resolve) => other.stdout.once('data', resolve));
    await assert.rejects(volumes.unmount({ id: 'd', at: at('d') }), fault('volume-busy'));
    const ended = new Promise((resolve) => other.once('close', resolve));
    other.stdin.end('\n');
    await ended;
    await volumes.unmount({ id: 'd', at: at('d') });
    await volumes.discard({ id: 'd' });
  });

  test('loops that no mount uses are detached, those in use and those of others are not', async (t) => {
    const { volumes, pool, at, root } = await openBench(t);
    const fsUuid = randomUUID();
    await volumes.createDisk({ id: 'd', fsUuid, sizeMiB: 1 });
    await volumes.createDisk({ id: 'e', fsUuid: randomUUID(), sizeMiB: 1 });
    await volumes.mount({ id: 'd', fsUuid, at: at('d') });
    run('losetup', '--find', pool.path('volumes', 'e.ext4'));
    const foreign = join(root, 'foreign');
    writeFileSync(foreign, Buffer.alloc(MIB));
    run('losetup', '--find', foreign);
    assert.deepEqual(await detachOrphans(exec, pool.folder), [pool.path('volumes', 'e.ext4')]);
    assert.deepEqual(await detachOrphans(exec, pool.folder), []);
    assert.equal((await loopsOf(exec, pool.path('volumes', 'd.ext4'))).length, 1);
    assert.equal((await loopsOf(exec, foreign)).length, 1);

    // One that a crash left before mount(8) is no reason to refuse.
    await volumes.unmount({ id: 'd', at: at('d') });
    run('losetup', '--find', pool.path('volumes', 'd.ext4'));
    await volumes.mount({ id: 'd', fsUuid, at: at('d') });
    assert.equal((await loopsOf(exec, pool.path('volumes', 'd.ext4'))).length, 1);
  });

  test('what is discarded goes to the trash, can be taken back out, and is deleted from there for good', async (t) => {
    const { volumes, pool } = await openBench(t);
    await volumes.createDisk({ id: 'd', fsUuid: randomUUID(), sizeMiB: 1 });
    for (let twice = 0; twice < 2; twice++) await volumes.discard({ id: 'd' });
    await volumes.discard({ id: 'never' });
    assert.deepEqual(readdirSync(pool.path('volumes', '')), []);
    assert.deepEqual(readdirSync(pool.path('trash', '')), ['d.ext4']);
    for (let twice = 0; twice < 2; twice++) await volumes.recover({ id: 'd' });
    assert.deepEqual(readdirSync(pool.path('volumes', '')), ['d.ext4']);
    await assert.rejects(volumes.recover({ id: 'never' }), { code: 'volume-missing' });
    await volumes.discard({ id: 'd' });
    writeFileSync(pool.path('trash', 'notes.txt'), 'of a person');
    for (let twice = 0; twice < 2; twice++) await volumes.purge({ id: 'd' });
    assert.deepEqual(readdirSync(pool.path('trash', '')), ['notes.txt']);
  });
});
