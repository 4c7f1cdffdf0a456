import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { readExt4Uuid } from '../../exports/volumes/ext4.ts';
import { createVolumes } from '../../exports/volumes/volumes.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { type Bench, fault, HOSTS, MIB, openBench, putByPis, run, silent } from './volumes-lab.ts';

/** A mounted disk of `sizeMiB`. */
async function mountedDisk({ volumes, at }: Pick<Bench, 'volumes' | 'at'>, id: string, sizeMiB: number) {
  const fsUuid = randomUUID();
  await volumes.createDisk({ id, fsUuid, sizeMiB });
  await volumes.mount({ id, fsUuid, at: at(id) });
  const from = { kind: 'disk' as const, id, at: at(id), inUse: true };
  return { fsUuid, image: join(at(id), 'disk.img'), from };
}

/** Two counters at both ends of a disk, the first always written before the second, for as long as it is told. */
function startWriter(image: string, sizeMiB: number) {
  const script = `
    const fs = require('node:fs');
    const fd = fs.openSync(process.argv[1], 'r+');
    const block = Buffer.alloc(4096);
    for (let n = 1n; ; n++) {
      block.writeBigUInt64LE(n);
      fs.writeSync(fd, block, 0, 4096, 0);
      fs.writeSync(fd, block, 0, 4096, ${(sizeMiB - 1) * MIB});
      if (n === 100n) console.log('writing');
    }`;
  const child = spawn(process.execPath, ['-e', script, image], { stdio: ['ignore', 'pipe', 'inherit'] });
  const writing = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  const ended = new Promise((resolve) => child.once('close', resolve));
  return {
    writing,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function counters(image: string, sizeMiB: number): [bigint, bigint] {
  const bytes = readFileSync(image);
  return [bytes.readBigUInt64LE(0), bytes.readBigUInt64LE((sizeMiB - 1) * MIB)];
}

async function fill(image: string, sizeMiB: number, fromMiB = 0): Promise<void> {
  const handle = await open(image, 'r+');
  const block = Buffer.alloc(MIB, 'y');
  for (let at = fromMiB; at < sizeMiB; at++)
    assert.equal((await handle.write(block, 0, MIB, at * MIB)).bytesWritten, MIB);
  await handle.sync();
  await handle.close();
}

/** On one without reflinks the pool is the same as on ext4. */
const KINDS = HOSTS.filter(({ type }) => type !== 'xfs-old');

inOwnNamespace(import.meta.url, () => {
  for (const host of KINDS) {
    if (host.kind !== 'plain') {
      test(`a snapshot under a running writer is of one moment, shares its blocks, and leaves nothing frozen (${host.name})`, async (t) => {
        const bench = await openBench(t, { host });
        const { volumes, pool, at } = bench;
        const { image, from } = await mountedDisk(bench, 'd', 64);
        const writer = startWriter(image, 64);
        const written: bigint[] = [];
        try {
          await writer.writing;
          for (const id of ['s1', 's2', 's3']) {
            written.push(counters(image, 64)[1]);
            await volumes.snapshot({ id, from });
          }
          await volumes.snapshot({ id: 's1', from });
          const [before] = counters(image, 64);
          while (counters(image, 64)[0] === before) await new Promise((resolve) => setTimeout(resolve, 5));
        } finally {
          await writer.stop();
        }
        assert.deepEqual(readdirSync(pool.path('snapshots', '')).toSorted(), ['s1.ext4', 's2.ext4', 's3.ext4']);
        for (const [i, id] of ['s1', 's2', 's3'].entries()) {
          const fsUuid = randomUUID();
          await volumes.copyDisk({ id: `of-${id}`, from: { kind: 'snapshot', id }, fsUuid });
          await volumes.mount({ id: `of-${id}`, fsUuid, at: at(`of-${id}`) });
          const [first, second] = counters(join(at(`of-${id}`), 'disk.img'), 64);
          assert.ok(first === second || first === second + 1n, `${first} and ${second} are of one moment`);
          const before = written[i] ?? 0n;
          assert.ok(
            before >= 100n && second >= before,
            `what was written before it is in it: ${second}, not ${before}`,
          );
        }
        assert.equal(
          (await exec('fsfreeze', ['--unfreeze', at('d')], { okCodes: [0, 1] })).code,
          1,
          'nothing is frozen',
        );
      });
    }

    test(`a full disk that is grown keeps its bytes and can be filled to its new last byte; nothing happens before it is replaced (${host.name})`, async (t) => {
      const bench = await openBench(t, { host });
      const { volumes, pool, at } = bench;
      const { fsUuid, image } = await mountedDisk(bench, 'd', 16);
      await fill(image, 16);
      await assert.rejects(volumes.stage({ id: 'd', growTo: 300 }), fault('volume-busy'));
      await volumes.unmount({ id: 'd', at: at('d') });
      const before = run('sha256sum', pool.path('volumes', 'd.ext4'));
      await volumes.stage({ id: 'd', growTo: 300 });
      await volumes.unstage({ id: 'd' });
      await volumes.unstage({ id: 'd' });
      writeFileSync(pool.path('volumes', 'd.ext4.partial'), 'half');
      await volumes.stage({ id: 'd', growTo: 300 });
      await volumes.stage({ id: 'd', growTo: 300 });
      assert.equal(run('sha256sum', pool.path('volumes', 'd.ext4')), before);
      await volumes.replace({ id: 'd' });
      await volumes.replace({ id: 'd' });
      assert.deepEqual(readdirSync(pool.path('volumes', '')), ['d.ext4']);
      assert.deepEqual(readdirSync(pool.path('work', '')), []);
      assert.equal(await readExt4Uuid(pool.path('volumes', 'd.ext4')), fsUuid);
      await volumes.mount({ id: 'd', fsUuid, at: at('d') });
      assert.equal(statSync(image).size, 300 * MIB);
      await pool.ensureFree(300 * MIB);
      await fill(image, 300, 16);
      assert.equal(
        readFileSync(image)
          .subarray(0, 16 * MIB)
          .equals(Buffer.alloc(16 * MIB, 'y')),
        true,
      );
    });

    test(`a disk is put back to a snapshot under its UUID, and grown to the size that it has (${host.name})`, async (t) => {
      const bench = await openBench(t, { host });
      const { volumes, at } = bench;
      const { fsUuid, image, from } = await mountedDisk(bench, 'd', 4);
      writeFileSync(image, 'as it was', { flag: 'r+' });
      await volumes.snapshot({ id: 's', from: { ...from, inUse: host.kind !== 'plain' } });
      writeFileSync(image, 'as it is!', { flag: 'r+' });
      await volumes.unmount({ id: 'd', at: at('d') });
      await volumes.stage({ id: 'd', from: { kind: 'snapshot', id: 's' }, growTo: 8 });
      await volumes.replace({ id: 'd' });
      await volumes.mount({ id: 'd', fsUuid, at: at('d') });
      assert.equal(statSync(image).size, 8 * MIB);
      assert.equal(readFileSync(image, 'latin1').slice(0, 9), 'as it was');
    });
  }

  test('a snapshot whose copy hangs, or whose process is killed, is thawed all the same and is none', async (t) => {
    const bench = await openBench(t, { host: HOSTS[0] });
    const { pool, at } = bench;
    const { image, from } = await mountedDisk(bench, 'd', 16);
    const bin = join(bench.root, 'bin');
    run('mkdir', bin);
    const slow = (script: string) => {
      writeFileSync(join(bin, 'cp'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return createVolumes({
        pool,
        log: silent,
        exec: (program, args, given) =>
          program === 'sh'
            ? exec('env', [`PATH=${bin}:/usr/sbin:/usr/bin:/sbin:/bin`, 'sh', ...args], given)
            : exec(program, args, given),
      });
    };
    // Longer than anything may be frozen; it ends when the test says so.
    const hanging = slow(`touch ${bin}/frozen; while [ ! -e ${bin}/go ]; do sleep 0.05; done; /bin/cp "$@"`);
    const taken = assert.rejects(hanging.snapshot({ id: 's', from }), fault('snapshot-too-slow'));
    // A snapshot that is taken in some other way ends the wait too.
    let isOver = false;
    taken
      .catch(() => undefined)
      .finally(() => {
        isOver = true;
      });
    while (!existsSync(join(bin, 'frozen')) && !isOver) await new Promise((resolve) => setTimeout(resolve, 5));
    // It returns only when somebody thaws, and nobody but the watchdog is there to do it.
    await fill(image, 1);
    writeFileSync(join(bin, 'go'), '');
    await taken;
    await hanging.removeSnapshot({ id: 's' });

    rmSync(join(bin, 'frozen'));
    const killed = slow(`touch ${bin}/frozen; kill -9 $PPID`);
    await assert.rejects(killed.snapshot({ id: 's', from }), fault('tool-failed'));
    await fill(image, 1);
    await killed.removeSnapshot({ id: 's' });
    assert.deepEqual(readdirSync(pool.path('snapshots', '')), []);
    assert.equal((await exec('fsfreeze', ['--unfreeze', at('d')], { okCodes: [0, 1] })).code, 1, 'nothing is frozen');
    await bench.volumes.snapshot({ id: 's', from });
  });

  test('a Pi that has put a link, a FIFO or nothing in the place of disk.img cannot have another file grown', async (t) => {
    const bench = await openBench(t, { host: HOSTS[0] });
    const { volumes, pool, at } = bench;
    const victim = join(bench.root, 'victim');
    writeFileSync(victim, 'mine');
    const { fsUuid, image } = await mountedDisk(bench, 'd', 4);
    for (const [put, code] of putByPis(image, victim)) {
      rmSync(image);
      put();
      await volumes.unmount({ id: 'd', at: at('d') });
      await assert.rejects(volumes.stage({ id: 'd', growTo: 8 }), fault(code));
      await volumes.unstage({ id: 'd' });
      await volumes.mount({ id: 'd', fsUuid, at: at('d') });
      if (code === 'path-refused') continue;
      assert.equal(readFileSync(victim, 'utf8'), 'mine');
    }
    assert.deepEqual(readdirSync(pool.path('volumes', '')), ['d.ext4']);
  });

  test('where the pool cannot share blocks, only a disk that nobody writes on is copied', async (t) => {
    const bench = await openBench(t, { host: HOSTS[4] });
    const { volumes } = bench;
    const { image, from } = await mountedDisk(bench, 'd', 4);
    await assert.rejects(volumes.snapshot({ id: 's', from }), fault('snapshot-needs-reflink'));
    await volumes.removeSnapshot({ id: 's' });
    writeFileSync(image, 'bytes', { flag: 'r+' });
    await volumes.snapshot({ id: 's', from: { ...from, inUse: false } });
    const fsUuid = randomUUID();
    await volumes.copyDisk({ id: 'c', from: { kind: 'snapshot', id: 's' }, fsUuid, growTo: 8 });
    await volumes.mount({ id: 'c', fsUuid, at: bench.at('c') });
    const copy = readFileSync(join(bench.at('c'), 'disk.img'));
    assert.equal(copy.length, 8 * MIB);
    assert.equal(copy.toString('latin1', 0, 5), 'bytes');
  });
});
