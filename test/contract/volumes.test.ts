import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exec } from '../../core/host/exec.ts';
import { mountExt4 } from '../../exports/volumes/loop-mount.ts';
import { loopsOf } from '../../exports/volumes/loops.ts';
import { mountAt } from '../../exports/volumes/mountinfo.ts';
import { openPool } from '../../exports/volumes/pool.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { mountsSuite } from './mounts-suite.ts';
import { fault, HOSTS, MIB, onHost, openBench, run, silent } from './volumes-lab.ts';
import { volumesSuite } from './volumes-suite.ts';

inOwnNamespace(import.meta.url, () => {
  test('a pool on a file system without reflinks is a loop-backed xfs whose blocks are all reserved', async (t) => {
    const { pool, root, reopen } = await openBench(t, { host: HOSTS[0] });
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
    const { pool, root, reopen } = await openBench(t, { host: HOSTS[0] });
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
    const root = onHost(t, HOSTS[0]);
    const options = { root, exec, log: silent, initialBytes: 512 * MIB };
    writeFileSync(join(root, 'pool.xfs.partial'), 'half');
    const pool = await openPool({ ...options, mode: 'auto' });
    assert.deepEqual(readdirSync(root).toSorted(), ['pool', 'pool.xfs']);
    await pool.close();
    run('mount', '-t', 'tmpfs', 'tmpfs', pool.folder);
    await assert.rejects(openPool({ ...options, mode: 'auto' }), fault('pool-foreign'));
    run('umount', pool.folder);

    const plain = onHost(t, HOSTS[0]);
    const first = await openPool({ ...options, root: plain, mode: 'plain' });
    assert.equal(first.kind, 'plain');
    writeFileSync(first.path('volumes', 'a'), 'volume');
    await first.clone(first.path('volumes', 'a'), first.path('volumes', 'b'));
    const second = await openPool({ ...options, root: plain, mode: 'auto' });
    assert.equal(second.kind, 'plain');
    assert.equal(readFileSync(second.path('volumes', 'b'), 'utf8'), 'volume');
  });

  test('volumes that are mounted at once get a loop device each, and one that cannot be mounted keeps none', async (t) => {
    const root = onHost(t, HOSTS[0]);
    const place = (i: number) => ({ file: join(root, `${i}.img`), at: join(root, `at${i}`) });
    const places = Array.from({ length: 24 }, (_, i) => place(i));
    for (const { file, at } of places) {
      writeFileSync(file, '');
      truncateSync(file, 4 * MIB);
      run('mkfs.ext4', '-q', '-F', file);
      mkdirSync(at);
    }
    await Promise.all(places.map(({ file, at }) => mountExt4(exec, file, at)));
    const devices = await Promise.all(places.map(async ({ at }) => (await mountAt(at))?.source));
    assert.equal(new Set(devices).size, places.length);
    for (const { at } of places) run('umount', at);

    const [{ file, at } = place(0)] = places;
    for (const arch of [process.arch, 'of which no number is known']) {
      await assert.rejects(mountExt4(exec, file, join(root, 'nowhere'), arch), fault('tool-failed'));
      // The kernel lets go of the file a moment after the program has ended.
      for (let tries = 0; tries < 100 && (await loopsOf(exec, file)).length > 0; tries++) await sleep(20);
      assert.deepEqual(await loopsOf(exec, file), []);
      await mountExt4(exec, file, at, arch);
      const options = run('findmnt', '-no', 'OPTIONS', at).trim().split(',');
      for (const one of ['nosuid', 'nodev', 'noexec', 'discard', 'errors=remount-ro'])
        assert.ok(options.includes(one), one);
      run('umount', at);
    }
  });

  test('without xfs tools clones are copies', async (t) => {
    const root = onHost(t, HOSTS[0]);
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

  volumesSuite(HOSTS[0]);
  mountsSuite(HOSTS[0]);
});
