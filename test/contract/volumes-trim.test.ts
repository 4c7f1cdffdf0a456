import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { parseIpv4 } from '../../core/ids.ts';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { requireTools, sh } from '../lab/sh.ts';
import { type Bench, fault, HOSTS, MIB, openBench, run, silent } from './volumes-lab.ts';

const always = async () => true;

/** A mounted disk with room for 64 MiB more. */
async function mountedDisk({ volumes, pool, at }: Bench) {
  const disk = { id: 'd', fsUuid: randomUUID(), at: at('d') };
  await volumes.createDisk({ ...disk, sizeMiB: 64 });
  await volumes.mount(disk);
  const file = pool.path('volumes', 'd.ext4');
  return {
    at: at('d'),
    trim: () => volumes.trim({ ...disk, mayGoOn: always }),
    /** MiB that the volume has of the pool, and that the pool has left, once all is written. */
    async counted(): Promise<{ has: number; left: number }> {
      for (const folder of [at('d'), pool.folder]) run('sync', '--file-system', folder);
      const { bavail, bsize } = statfsSync(pool.folder);
      return { has: statSync(file).blocks / 2048, left: (bavail * bsize) / MIB };
    },
  };
}

/** Writes 40 MiB, makes them durable, and deletes them. */
function writeAndDelete(at: string): void {
  writeFileSync(join(at, 'big'), randomBytes(40 * MIB), { flush: true });
  rmSync(join(at, 'big'));
}

inOwnNamespace(import.meta.url, () => {
  // On one without reflinks the pool is the same as on ext4.
  for (const host of HOSTS.filter(({ type }) => type !== 'xfs-old')) {
    test(`what is deleted on a volume comes back to the pool, by itself or by a trim (${host.name})`, async (t) => {
      const bench = await openBench(t, { host });
      const { at, trim, counted } = await mountedDisk(bench);
      writeFileSync(join(at, 'kept'), 'kept');
      const before = await counted();
      writeAndDelete(at);
      const byItself = await counted();
      assert.ok(byItself.has < before.has + 8, `${byItself.has} MiB, ${before.has} before`);

      run('mount', '-o', 'remount,nodiscard', at);
      writeAndDelete(at);
      const lost = await counted();
      assert.ok(lost.has > before.has + 38 && lost.left < before.left - 30, 'it does not come back by itself');
      const bytes = await trim();
      assert.ok(bytes > 38 * MIB, `${bytes} bytes came back`);
      const after = await counted();
      assert.ok(after.has < before.has + 8 && after.left > lost.left + 30, `${after.left} MiB, ${lost.left} before`);
      assert.equal(readFileSync(join(at, 'kept'), 'utf8'), 'kept');
      assert.equal(await trim(), 0, 'there is no more');
    });
  }

  test('a volume that is not mounted, or that somebody wants, is not trimmed; what is not ours is refused', async (t) => {
    const bench = await openBench(t, { host: HOSTS[0] });
    const { volumes } = bench;
    const { at } = await mountedDisk(bench);
    run('mount', '-o', 'remount,nodiscard', at);
    writeAndDelete(at);
    run('sync', '--file-system', at);
    assert.equal(await volumes.trim({ id: 'd', at, mayGoOn: async () => false }), 0);
    await volumes.unmount({ id: 'd', at });
    assert.equal(await volumes.trim({ id: 'd', at, mayGoOn: always }), 0);
    run('mkdir', at);
    run('mount', '-t', 'tmpfs', 'tmpfs', at);
    await assert.rejects(volumes.trim({ id: 'd', at, mayGoOn: always }), fault('mount-foreign'));
  });

  test('a volume that is served is trimmed while a Pi reads and writes on it', async (t) => {
    requireTools('ganesha.nfsd', 'nfs-cat', 'nfs-cp');
    const stops: (() => Promise<void>)[] = [];
    // Before the bench goes: it holds the volume.
    t.after(async () => {
      for (const stop of stops) await stop();
    });
    const bench = await openBench(t, { host: HOSTS[2] });
    const { at, trim } = await mountedDisk(bench);
    const backend = ganeshaBackend({ root: bench.root, log: silent });
    stops.push(() => backend.stop());
    await backend.start();
    const address = parseIpv4('127.0.0.1') ?? assert.fail();
    await backend.add({ id: 1, path: at, client: { kind: 'address', address }, access: 'rw' });
    const url = (name: string) => `nfs://127.0.0.1${join(at, name)}?version=3`;
    const bytes = randomBytes(30 * MIB);
    const local = join(bench.root, 'local');
    writeFileSync(local, bytes);
    sh('nfs-cp', local, url('first'));
    run('mount', '-o', 'remount,nodiscard', at);
    writeFileSync(join(at, 'gone'), randomBytes(20 * MIB), { flush: true });
    rmSync(join(at, 'gone'));

    const writing = exec('nfs-cp', [local, url('second')]);
    const reading = exec('nfs-cp', [url('first'), join(bench.root, 'read')]);
    let over = false;
    const both = Promise.all([writing, reading]).finally(() => {
      over = true;
    });
    let trims = 0;
    for (; !over || trims === 0; trims++) await trim();
    await both;
    t.diagnostic(`${trims} trims meanwhile`);
    assert.ok(readFileSync(join(bench.root, 'read')).equals(bytes));
    assert.ok(readFileSync(join(at, 'second')).equals(bytes));
    assert.equal((await backend.list()).length, 1);
  });
});
