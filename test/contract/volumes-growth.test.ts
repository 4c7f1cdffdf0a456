import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Exec, exec } from '../../core/host/exec.ts';
import { createVolumes, type Volumes } from '../../exports/volumes/volumes.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { type Bench, fault, HOSTS, MIB, openBench, putByPis, run, silent } from './volumes-lab.ts';

/** A server that may not grow what is mounted, also on a machine that lets its root. */
const incapable: Exec = (program, args, options) =>
  program === 'resize2fs'
    ? exec('setpriv', ['--bounding-set=-sys_resource', program, ...args], options)
    : exec(program, args, options);

async function mountedDisk({ pool, at }: Bench, sizeMiB: number) {
  const volumes = createVolumes({ pool, exec: incapable, log: silent });
  const disk = { id: 'd', fsUuid: randomUUID(), at: at('d') };
  await volumes.createDisk({ ...disk, sizeMiB });
  await volumes.mount(disk);
  const [image, file] = [join(disk.at, 'disk.img'), pool.path('volumes', 'd.ext4')];
  writeFileSync(image, 'as it was', { flag: 'r+' });
  const begins = () => readFileSync(image, 'latin1').slice(0, 9);
  return { volumes, disk, image, file, begins };
}

const sourceOf = (at: string) => run('findmnt', '--noheadings', '--output', 'SOURCE', at).trim();

/** Unmounts it: e2fsck finds nothing. */
async function assertClean(volumes: Volumes, disk: { id: string; at: string }, file: string): Promise<void> {
  await volumes.unmount(disk);
  run('e2fsck', '-f', '-n', file);
}

async function fill(image: string, sizeMiB: number): Promise<void> {
  run('dd', 'if=/dev/zero', `of=${image}`, 'bs=1M', `count=${sizeMiB}`, 'conv=notrunc,fsync', 'status=none');
}

inOwnNamespace(import.meta.url, () => {
  for (const host of [HOSTS[0], HOSTS[4]]) {
    test(`a mounted disk that has the room grows at once, and takes its new last byte (${host.name})`, async (t) => {
      const bench = await openBench(t, { host });
      const { volumes, disk, image, file, begins } = await mountedDisk(bench, 4);
      const mounted = sourceOf(disk.at);
      for (const sizeMiB of [24, 24, 8]) {
        await volumes.extend({ ...disk, sizeMiB });
        await volumes.lengthen({ ...disk, sizeMiB });
        assert.equal(statSync(image).size, 24 * MIB, 'and is never made smaller');
      }
      assert.equal(begins(), 'as it was');
      assert.equal(sourceOf(disk.at), mounted);
      await bench.pool.ensureFree(32 * MIB);
      await fill(image, 24);
      await assertClean(volumes, disk, file);
    });
  }

  test('a growth of a mounted disk that the kernel refuses has changed nothing that anybody sees, and works beside it afterwards', async (t) => {
    const bench = await openBench(t, { host: HOSTS[0] });
    const { volumes, disk, image, file, begins } = await mountedDisk(bench, 4);
    const room = run('stat', '--file-system', '--format=%b', disk.at);
    for (let tries = 0; tries < 2; tries++) {
      await assert.rejects(volumes.extend({ ...disk, sizeMiB: 300 }), (error) => {
        assert.match(`${(error as { detail?: string }).detail}`, /Permission denied to resize/);
        return fault('growth-needs-interruption')(error);
      });
    }
    assert.equal(statSync(image).size, 4 * MIB);
    assert.equal(begins(), 'as it was');
    assert.equal(run('stat', '--file-system', '--format=%b', disk.at), room);
    await assertClean(volumes, disk, file);
    await volumes.stage({ id: 'd', growTo: 300 });
    await volumes.replace({ id: 'd' });
    await volumes.mount(disk);
    assert.equal(statSync(image).size, 300 * MIB);
    assert.equal(begins(), 'as it was');
    await bench.pool.ensureFree(300 * MIB);
    await fill(image, 300);
  });

  test('a growth of a mounted disk that is killed before the kernel grows it leaves one that mounts, and grows', async (t) => {
    const bench = await openBench(t, { host: HOSTS[4] });
    const { volumes, disk, image, file } = await mountedDisk(bench, 4);
    // What `extend` does, one after the other.
    const parts = [() => truncateSync(file, 120 * MIB), () => run('losetup', '--set-capacity', sourceOf(disk.at))];
    for (const [i] of parts.entries()) {
      for (const part of parts.slice(0, i + 1)) part();
      await assertClean(volumes, disk, file);
      await volumes.mount(disk);
      await volumes.extend({ ...disk, sizeMiB: 8 });
      await volumes.lengthen({ ...disk, sizeMiB: 8 });
      assert.equal(statSync(image).size, 8 * MIB);
    }
    await assertClean(volumes, disk, file);
  });

  test('what a Pi has put in the place of disk.img is not made longer, nor keeps a growth from its end that has begun', async (t) => {
    const bench = await openBench(t, { host: HOSTS[4] });
    const { volumes, disk, image } = await mountedDisk(bench, 4);
    const victim = join(bench.root, 'victim');
    writeFileSync(victim, 'mine');
    for (const [put, code] of putByPis(image, victim)) {
      rmSync(image);
      put();
      await assert.rejects(volumes.extend({ ...disk, sizeMiB: 8 }), fault(code));
      await volumes.lengthen({ ...disk, sizeMiB: 8 });
      if (code === 'path-refused') assert.equal(readFileSync(victim, 'utf8'), 'mine');
    }
  });

  test('a disk that is not mounted does not grow in use, and nothing else is taken for it', async (t) => {
    const bench = await openBench(t, { host: HOSTS[4] });
    const { volumes, disk } = await mountedDisk(bench, 4);
    await volumes.unmount(disk);
    await assert.rejects(volumes.extend({ ...disk, sizeMiB: 8 }), fault('growth-needs-interruption'));
    await assert.rejects(volumes.lengthen({ ...disk, sizeMiB: 8 }), fault('volume-missing'));
    await volumes.createDisk({ id: 'other', fsUuid: randomUUID(), sizeMiB: 4 });
    const other = { id: 'other', at: disk.at };
    await volumes.mount(disk);
    await assert.rejects(volumes.extend({ ...other, sizeMiB: 8 }), fault('mount-foreign'));
    await assert.rejects(volumes.lengthen({ ...other, sizeMiB: 8 }), fault('mount-foreign'));
    assert.equal(statSync(join(disk.at, 'disk.img')).size, 4 * MIB);
  });
});
