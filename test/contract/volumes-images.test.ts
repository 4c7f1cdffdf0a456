import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { exec } from '../../core/host/exec.ts';
import { requirePiId } from '../../core/ids.ts';
import { receiveImage } from '../../exports/images/receive.ts';
import { ext4Features } from '../../exports/volumes/ext4.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeTinyImage, TINY } from '../lab/tiny-image.ts';
import { EXT4, FAT, imageFolder, SIZE, signal, take, undo } from './images-lab.ts';
import { chunksOf, fault, MIB, openBench, run } from './volumes-lab.ts';

inOwnNamespace(import.meta.url, () => {
  const { lab, image } = imageFolder();

  test('a stock image becomes Pis: received, golden, prepared, cloned, each with its own identity, discarded', async (t) => {
    const bench = await openBench(t, { rootMiB: 256 });
    const { images, volumes, pool } = bench;
    const bytes = image();
    const received = await images.receive(chunksOf(bytes), { id: 'g', signal });
    assert.deepEqual(received, { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    const start = performance.now();
    await images.makeGolden({ id: 'g', signal });
    t.diagnostic(`golden volume of ${bytes.length / MIB} MiB made in ${(performance.now() - start).toFixed(0)} ms`);
    await images.makeGolden({ id: 'g', signal });
    const golden = pool.path('golden', 'g.ext4');
    assert.equal(statSync(golden).size, 256 * MIB);
    assert.ok((await ext4Features(exec, golden)).includes('metadata_csum_seed'));

    const { bootFolder, notes } = await images.prepare({ id: 'g', signal });
    await images.prepare({ id: 'g', signal });
    assert.equal(bootFolder, 'boot/firmware');
    const told = notes.join('\n');
    for (const word of [
      'rpi-resize',
      'dphys-swapfile',
      'resize2fs_once',
      'NetworkManager',
      'dhcpcd',
      'nobody can log in',
    ]) {
      assert.match(told, new RegExp(word));
    }
    await images.tidy({ id: 'g' });
    assert.deepEqual(readdirSync(pool.path('incoming', '')), []);
    assert.equal(
      readFileSync(join(bench.root, 'boot/bootcode.bin'), 'utf8'),
      TINY.bootFiles['bootcode.bin']?.toString(),
    );

    const pis = ['687680cd', '00000007'].map(requirePiId);
    const keys = new Set<string>();
    for (const piId of pis) {
      const [root, fsUuid] = [bench.at(piId), randomUUID()];
      const text = (path: string) => readFileSync(join(root, path), 'utf8');
      const begin = performance.now();
      await volumes.clone({ golden: 'g', id: piId, fsUuid });
      await volumes.mount({ id: piId, fsUuid, at: root });
      await images.giveIdentity({ mountPoint: root, piId });
      t.diagnostic(`clone, mount and identity: ${(performance.now() - begin).toFixed(0)} ms`);
      await images.giveIdentity({ mountPoint: root, piId });
      for (const [name, content] of Object.entries(TINY.bootFiles)) {
        assert.ok(readFileSync(join(root, 'boot/firmware', name)).equals(Buffer.from(content)), name);
      }
      assert.equal(text('etc/hostname'), `${piId}\n`);
      assert.equal(text('etc/hosts'), `127.0.0.1\tlocalhost\n127.0.1.1\t${piId}\n`);
      assert.match(text('etc/machine-id'), /^[0-9a-f]{32}\n$/);
      assert.equal(existsSync(join(root, 'var/lib/dbus/machine-id')), false);
      assert.doesNotMatch(text('etc/fstab'), /PARTUUID/);
      assert.match(text('etc/fstab'), /^\/boot\/firmware \/boot\/firmware none bind 0 0$/m);
      assert.deepEqual(readdirSync(join(root, 'etc/systemd/system/multi-user.target.wants')), ['ssh.service']);
      assert.equal(text('etc/rpi/swap.conf.d/90-bakery-netboot.conf'), '[Main]\nMechanism=zram\n');
      assert.match(text('etc/dhcpcd.conf'), /^persistent\n(?:.*\n)*nolink$/m);
      for (const type of ['ed25519', 'ecdsa']) {
        assert.equal(statSync(join(root, `etc/ssh/ssh_host_${type}_key`)).mode & 0o777, 0o600);
        assert.match(text(`etc/ssh/ssh_host_${type}_key`), /BEGIN OPENSSH PRIVATE KEY/);
        keys.add(text(`etc/ssh/ssh_host_${type}_key.pub`));
      }
      keys.add(text('etc/machine-id'));
      const instance = /^dsmode: local\ninstance-id: (bakery-[0-9a-f]{32})\nlocal-hostname: (\w+)\n$/.exec(
        text('boot/firmware/meta-data'),
      );
      assert.equal(instance?.[2], piId);
      keys.add(instance?.[1] ?? '');
      for (const secret of ['var/lib/systemd/random-seed', 'var/lib/NetworkManager/secret_key'])
        assert.equal(existsSync(join(root, secret)), false, secret);
      assert.ok(statSync(join(root, 'piConfig')).isDirectory());
    }
    assert.equal(keys.size, 8, 'no two Pis share any');

    for (const piId of pis) {
      await volumes.unmount({ id: piId, at: bench.at(piId) });
      run('e2fsck', '-fn', pool.path('volumes', `${piId}.ext4`));
      await volumes.discard({ id: piId });
    }
    await undo(bench, 'g');
    assert.deepEqual(readdirSync(join(bench.root, 'nfs')), []);
  });

  test('an image with a GPT becomes a bakeform as one with an MBR does', async (t) => {
    const bench = await openBench(t);
    const file = join(lab, 'with-gpt');
    // Its second table is at the end.
    writeFileSync(file, Buffer.concat([image(), Buffer.alloc(MIB)]));
    const sector = (bytes: number) => bytes / 512;
    const end = statSync(file).size - MIB;
    const lines = [
      'label: gpt',
      `start=${sector(FAT)}, size=${sector(EXT4 - FAT)}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B`,
      `start=${sector(EXT4)}, size=${sector(end - EXT4)}, type=B921B045-1DF0-41C3-AF44-4C6F280D3FAE`,
    ];
    await exec('sfdisk', ['--quiet', '--no-tell-kernel', '--wipe', 'never', '--wipe-partitions', 'never', file], {
      input: `${lines.join('\n')}\n`,
    });
    await take(bench, 'g', readFileSync(file));
    await bench.images.prepare({ id: 'g', signal });
    await undo(bench, 'g');
  });

  test('a boot partition without any folder is as good as one with', async (t) => {
    const bench = await openBench(t);
    const file = join(lab, 'image');
    makeTinyImage(file, { ...SIZE, bootFiles: { 'cmdline.txt': 'console=tty1\n' } });
    await take(bench, 'g', readFileSync(file));
    assert.deepEqual(readdirSync(bench.pool.path('incoming', 'g.boot')), ['cmdline.txt']);
    await undo(bench, 'g');
  });

  test('a root that is smaller than its image still gets room for the boot files', async (t) => {
    const bench = await openBench(t, { rootMiB: 1 });
    await take(bench, 'g', image());
    assert.ok(statSync(bench.pool.path('golden', 'g.ext4')).size >= (SIZE.rootMiB + SIZE.bootMiB) * MIB);
    await undo(bench, 'g');
  });

  test('a golden volume that a crash left half made and mounted is made again', async (t) => {
    const bench = await openBench(t);
    const bytes = image();
    await bench.images.receive(chunksOf(bytes), { id: 'g', signal });
    const partial = bench.pool.path('golden', 'g.ext4.partial');
    writeFileSync(partial, bytes.subarray(EXT4));
    mkdirSync(bench.pool.path('work', 'golden-g'));
    run('mount', '-o', 'loop', partial, bench.pool.path('work', 'golden-g'));
    await bench.images.makeGolden({ id: 'g', signal });
    assert.deepEqual(readdirSync(bench.pool.path('golden', '')), ['g.ext4']);
    await undo(bench, 'g');
  });

  test('a golden volume in the making is given up when it is cancelled', async (t) => {
    const bench = await openBench(t);
    await bench.images.receive(chunksOf(image()), { id: 'g', signal });
    await assert.rejects(bench.images.makeGolden({ id: 'g', signal: AbortSignal.abort() }));
    await undo(bench, 'g');
  });

  test('an upload that is empty, cut off, cancelled or too large leaves no file', async (t) => {
    const bench = await openBench(t);
    const receive = (body: AsyncIterable<Uint8Array>, stop = signal) =>
      bench.images.receive(body, { id: 'u', signal: stop });
    await assert.rejects(receive(chunksOf(Buffer.alloc(0))), fault('image-empty'));
    const cut = async function* () {
      yield Buffer.alloc(1000);
      throw new Error('socket hang up');
    };
    await assert.rejects(receive(cut()), fault('upload-cut-off'));
    const stalled = async function* () {
      yield Buffer.alloc(1000);
      await new Promise(() => undefined);
    };
    const stop = new AbortController();
    const waiting = receive(stalled(), stop.signal);
    stop.abort(new BakeryError('conflict', 'cancelled-by-test', 'no more'));
    await assert.rejects(waiting, fault('cancelled-by-test'));
    const narrow = {
      ...bench.pool,
      async ensureFree(bytes: number) {
        if (bytes > 64 * MIB + 64 * 1024) throw new BakeryError('no-space', 'pool-full', 'full');
      },
    };
    const file = bench.pool.path('incoming', 'u.img');
    const large = chunksOf(Buffer.alloc(MIB), 128 * 1024);
    await assert.rejects(receiveImage(large, { file, pool: narrow, signal }), fault('pool-full'));
    assert.deepEqual(readdirSync(bench.pool.path('incoming', '')), []);
  });
});
