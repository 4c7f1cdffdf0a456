import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Exec, exec } from '../../core/host/exec.ts';
import { mountExt4 } from '../../exports/volumes/ext4.ts';
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

  test('a loop device that somebody frees before it is mounted, for the file it had before, is not missed', async (t) => {
    const { volumes, root, at } = await openBench(t, { host: HOSTS[0] });
    const id = 'd';
    const fsUuid = randomUUID();
    await volumes.createDisk({ id, fsUuid, sizeMiB: 1 });
    // A losetup behind whose back its first device is freed at once.
    const shims = join(root, 'shims');
    const taken = join(shims, 'taken');
    mkdirSync(shims);
    const real = run('sh', '-c', 'command -v losetup').trim();
    const shim = `#!/bin/sh\n[ "$1" = --find ] && [ ! -e ${taken} ] || exec ${real} "$@"\nloop=$(${real} "$@")\n${real} --detach "$loop" && echo "$loop" | tee ${taken}\n`;
    writeFileSync(join(shims, 'losetup'), shim, { mode: 0o755 });
    const thief: Exec = (program, args, options) =>
      exec(program, args, program === 'sh' ? { ...options, env: { PATH: `${shims}:${process.env.PATH}` } } : options);
    mkdirSync(at(id), { recursive: true });
    await mountExt4(thief, join(root, 'pool', 'volumes', `${id}.ext4`), at(id));
    assert.ok(existsSync(taken));
    assert.equal((await mountAt(at(id)))?.type, 'ext4');
    await volumes.unmount({ id, at: at(id) });
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
