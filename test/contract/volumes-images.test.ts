import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BakeryError } from '../../core/errors.ts';
import { withMounted } from '../../core/host/beneath.ts';
import { type Exec, exec } from '../../core/host/exec.ts';
import { requirePiId } from '../../core/ids.ts';
import { receiveImage } from '../../exports/images/receive.ts';
import { ext4Features } from '../../exports/volumes/ext4.ts';
import { mountAt } from '../../exports/volumes/mountinfo.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeTinyImage, TINY } from '../lab/tiny-image.ts';
import { type Bench, chunksOf, fault, MIB, openBench, run } from './volumes-lab.ts';

/** Small: an image is held in memory here, and whoever forks has all its pages to copy. */
const SIZE = { bootMiB: 9, rootMiB: 8 };
/** Where makeTinyImage puts its two partitions. */
const [FAT, EXT4] = [1 * MIB, (1 + SIZE.bootMiB) * MIB];
const signal = new AbortController().signal;

/** A stock image with a bit of everything that prepare looks at. */
const STOCK = {
  ...TINY.rootFiles,
  'etc/systemd/system/multi-user.target.wants/rpi-resize.service': 'unit',
  'etc/systemd/system/multi-user.target.wants/ssh.service': 'unit',
  'etc/systemd/system/swap.target.wants/dphys-swapfile.service': 'unit',
  'etc/rc3.d/S01resize2fs_once': 'script',
  'etc/rpi/swap.conf': '[Main]\n#Mechanism=auto\n',
  'etc/NetworkManager/NetworkManager.conf': '[main]\n',
  'etc/dhcpcd.conf': 'persistent\n',
  'etc/shadow': 'root:*:1::::::\npi:!:1::::::\n',
  'var/lib/dbus/machine-id': '0123456789abcdef0123456789abcdef\n',
  'boot/firmware/meta-data': 'dsmode: local\ninstance_id: rpios-image\n',
  'var/lib/systemd/random-seed': 'everybody has this seed',
  'var/lib/NetworkManager/secret_key': 'everybody has this key',
};

/** Changes the root of an image as only somebody hostile would: debugfs(8) commands. */
function debugfs(image: string, ...commands: string[]): void {
  for (const command of commands) run('debugfs', '-w', '-R', command, `${image}?offset=${EXT4}`);
}

/** Forges the folder entries of the image's FAT; `edit` says whether it changed this one (Microsoft FAT specification, 6 and 7). */
function forgeFat(bytes: Buffer, edit: (entry: Buffer) => boolean): void {
  let changed = 0;
  for (let at = FAT; at < FAT + MIB; at += 32) if (edit(bytes.subarray(at, at + 32))) changed++;
  assert.ok(changed > 0, 'the forgery hit something');
}

async function take(bench: Bench, id: string, bytes: Uint8Array): Promise<void> {
  await bench.images.receive(chunksOf(bytes), { id, signal });
  await bench.images.unpack({ id, signal });
  await bench.images.makeGolden({ id, signal });
}

/** What the operation's undo does, and that nothing is left then. */
async function undo(bench: Bench, id: string): Promise<void> {
  await bench.images.tidy({ id });
  await bench.images.tidy({ id });
  await bench.volumes.removeGolden(id);
  for (const folder of ['incoming', 'golden', 'work'] as const) {
    assert.deepEqual(readdirSync(bench.pool.path(folder, '')), [], folder);
  }
}

inOwnNamespace(import.meta.url, () => {
  const lab = mkdtempSync(join(tmpdir(), 'bakery-stock-'));
  after(() => rmSync(lab, { recursive: true, force: true }));
  /** An image's bytes, changed by `forge` while it is a file. */
  function image(rootFiles: typeof TINY.rootFiles = STOCK, forge: (file: string) => void = () => undefined): Buffer {
    const file = join(lab, 'image');
    makeTinyImage(file, { ...SIZE, rootFiles });
    forge(file);
    return readFileSync(file);
  }

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

  test('every unfit image is refused with the code that says why, and leaves nothing', async (t) => {
    const bench = await openBench(t);
    const good = image();
    const changed = (edit: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(good);
      edit(bytes);
      return bytes;
    };
    const magic = (hex: string) => Buffer.concat([Buffer.from(hex, 'hex'), randomBytes(4096)]);
    const gpt = join(lab, 'gpt');
    writeFileSync(gpt, Buffer.alloc(4 * MIB));
    await exec('sfdisk', ['--quiet', '--no-tell-kernel', gpt], { input: 'label: gpt\n,2M\n' });
    const cases: [string, string, Uint8Array][] = [
      ['noise', 'image-not-an-image', Buffer.alloc(MIB, 'noise ')],
      ['one byte', 'image-not-an-image', Buffer.from('x')],
      ['xz', 'image-unpack-failed', magic('fd377a585a00')],
      ['gzip', 'image-unpack-failed', magic('1f8b0800')],
      ['zstd', 'image-unpack-failed', magic('28b52ffd')],
      ['zip', 'image-unpack-failed', magic('504b0304')],
      ['GPT', 'image-partitions', readFileSync(gpt)],
      ['no root', 'image-partitions', changed((bytes) => bytes.fill(0, 446 + 16, 446 + 32))],
      ['cut', 'image-truncated', good.subarray(0, good.length - MIB)],
      ['only its start', 'image-truncated', good.subarray(0, 2 * MIB)],
      ['no ext4', 'image-root-not-ext4', changed((bytes) => bytes.fill(0, EXT4, EXT4 + 4096))],
      ['no FAT', 'image-boot-unreadable', changed((bytes) => bytes.fill(0, FAT, FAT + MIB))],
      ['empty FAT', 'image-boot-unreadable', changed((bytes) => bytes.fill(0xff, FAT, FAT + MIB))],
    ];
    for (const [name, code, bytes] of cases) {
      await t.test(`${name}: ${code}`, async () => {
        await assert.rejects(take(bench, 'bad', bytes), fault(code));
        await undo(bench, 'bad');
      });
    }
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

  test('a FAT whose files claim more than the partition holds is not unpacked', async (t) => {
    const bench = await openBench(t);
    const bytes = image();
    forgeFat(
      bytes,
      (entry) => entry.toString('latin1', 0, 11) === 'FIXUP   DAT' && entry.writeUInt32LE(0x7fffffff, 28) > 0,
    );
    await assert.rejects(take(bench, 'bomb', bytes), fault('image-boot-unreadable'));
    await undo(bench, 'bomb');
  });

  test('a FAT with a folder that contains itself is not unpacked', async (t) => {
    const bench = await openBench(t);
    const bytes = image();
    let cluster = 0;
    forgeFat(bytes, (entry) => {
      if (entry.toString('latin1', 0, 11) === 'OVERLAYS   ') cluster = entry.readUInt16LE(26);
      return cluster > 0;
    });
    // The folder's own cluster lies anywhere in the FAT: its file with the long name becomes the folder.
    for (let at = FAT; at < EXT4; at += 32) {
      if (bytes.toString('latin1', at, at + 11) !== 'OVERLA~1DTB') continue;
      bytes.writeUInt8(0x10, at + 11);
      bytes.writeUInt16LE(cluster, at + 26);
      bytes.writeUInt32LE(0, at + 28);
    }
    await assert.rejects(take(bench, 'loop', bytes), fault('image-boot-unreadable'));
    await undo(bench, 'loop');
  });

  test('a FAT with names like ../ writes nothing outside of its own folder', async (t) => {
    const bench = await openBench(t);
    const file = join(lab, 'image');
    const hostile = ['..%..%bakery-evil-1.txt', '%tmp%bakery-evil-2.txt', 'overlays%..%..%..%..%etc%bakery-evil-3'];
    makeTinyImage(file, {
      ...SIZE,
      bootFiles: { ...TINY.bootFiles, ...Object.fromEntries(hostile.map((name) => [name, 'evil'])) },
    });
    const bytes = readFileSync(file);
    forgeFat(bytes, (entry) => {
      if (entry[11] !== 0x0f) return false;
      // The 13 UTF-16 characters of a long name's entry.
      const places = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30].filter((at) => entry.readUInt16LE(at) === 0x25);
      for (const at of places) entry.writeUInt16LE(0x2f, at);
      return places.length > 0;
    });
    await take(bench, 'g', bytes);
    const found = run('find', bench.root, '/tmp', '/etc', '-name', '*bakery-evil*').split('\n').filter(Boolean);
    // mtools writes each / of a name as \.
    const folder = bench.pool.path('incoming', 'g.boot');
    assert.deepEqual(
      [...new Set(found)].map((path) => path.slice(0, path.lastIndexOf('/'))),
      [folder, folder, folder],
    );
    await undo(bench, 'g');
  });

  test('links in an image lead nowhere outside of it', async (t) => {
    const bench = await openBench(t);
    const outside = join(lab, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'fstab'), 'untouched');
    const before = () => readdirSync(outside).map((name) => `${name} ${readFileSync(join(outside, name), 'utf8')}`);

    const folders: [string, string[], string][] = [
      ['fstab is a link', ['rm /etc/fstab', `symlink /etc/fstab ${outside}/fstab`], 'path-refused'],
      [
        'etc/rc3.d and the units are links',
        ['rm /etc/rc3.d/S01resize2fs_once', 'rmdir /etc/rc3.d', `symlink /etc/rc3.d ${outside}`],
        '',
      ],
      [
        'boot is a link',
        ['.keep', 'meta-data']
          .map((name) => `rm /boot/firmware/${name}`)
          .concat('rmdir /boot/firmware', 'rmdir /boot', `symlink /boot ${outside}`),
        'path-refused',
      ],
    ];
    for (const [name, commands, code] of folders) {
      await t.test(name, async () => {
        const bytes = image(STOCK, (file) => debugfs(file, ...commands));
        const whole = async () => {
          await take(bench, 'g', bytes);
          await bench.images.prepare({ id: 'g', signal });
        };
        if (code) await assert.rejects(whole(), fault(code));
        else await whole();
        assert.deepEqual(before(), ['fstab untouched']);
        await undo(bench, 'g');
      });
    }

    for (const [how, code, spoil] of [
      ['is written on', 'filesystem-broken', 'after'],
      ['is read', 'root-unfit', 'before'],
    ] as const) {
      await t.test(`a file system that the kernel finds broken only when it ${how} is refused`, async () => {
        const breaking: Exec = async (program, args, options) => {
          const [file = '', at = ''] = args.slice(-2);
          if (program === 'mount' && spoil === 'before')
            run('debugfs', '-w', '-R', 'set_inode_field /etc extra_isize 65535', file);
          const result = await exec(program, args, options);
          if (program === 'mount' && spoil === 'after') {
            const device = (await mountAt(at))?.source.slice('/dev/'.length);
            writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, 'for a test\n');
          }
          return result;
        };
        const images = bench.imagesBy(breaking);
        const take = async () => {
          await images.receive(chunksOf(image(STOCK)), { id: 'g', signal });
          await images.makeGolden({ id: 'g', signal });
          await images.prepare({ id: 'g', signal });
        };
        await assert.rejects(take, fault(code));
        await undo(bench, 'g');
        assert.deepEqual(readdirSync(bench.pool.path('work', '')), []);
      });
    }

    await t.test(
      'a root that is not mounted any more gets nothing, and one that is worked on stays mounted',
      async () => {
        const [at, piId] = [bench.at('00000009'), requirePiId('00000009')];
        const fsUuid = randomUUID();
        await take(bench, 'g', image(STOCK));
        await bench.volumes.clone({ golden: 'g', id: 'v', fsUuid });
        await bench.volumes.mount({ id: 'v', fsUuid, at });
        await withMounted(at, async (root) => {
          await assert.rejects(bench.volumes.unmount({ id: 'v', at }), { code: 'volume-busy' });
          assert.equal(run('ls', root), run('ls', at));
        });
        await bench.volumes.unmount({ id: 'v', at });
        const acts = [
          () => bench.images.giveIdentity({ mountPoint: at, piId }),
          () =>
            bench.images.furnish({
              mountPoint: at,
              authorizedKeys: [],
              user: { name: 'baker', passwordHash: undefined },
            }),
          () => bench.images.carryPiConfig({ from: at, to: at }),
        ];
        for (const act of acts) await assert.rejects(act, { code: 'volume-missing' });
        mkdirSync(join(at, 'etc/ssh'), { recursive: true });
        for (const act of acts) await assert.rejects(act, { code: 'volume-missing' });
        assert.deepEqual(readdirSync(join(at, 'etc')), ['ssh']);
        rmSync(at, { recursive: true });
        await bench.volumes.remove({ id: 'v' });
        await undo(bench, 'g');
      },
    );

    await t.test('identity replaces links and never follows them', async () => {
      const links = ['etc/hostname', 'etc/machine-id', 'etc/ssh/ssh_host_ed25519_key'];
      const commands = links.flatMap((path) => [`rm /${path}`, `symlink /${path} ${outside}/fstab`]);
      await take(
        bench,
        'g',
        image(STOCK, (file) => debugfs(file, ...commands, `symlink /piConfig ${outside}`)),
      );
      const [fsUuid, at, piId] = [randomUUID(), bench.at('687680cd'), requirePiId('687680cd')];
      await bench.volumes.clone({ golden: 'g', id: 'v', fsUuid });
      await bench.volumes.mount({ id: 'v', fsUuid, at });
      await bench.images.giveIdentity({ mountPoint: at, piId });
      assert.deepEqual(before(), ['fstab untouched']);
      assert.equal(readFileSync(join(at, 'etc/hostname'), 'utf8'), `${piId}\n`);
      await bench.volumes.unmount({ id: 'v', at });
      await bench.volumes.remove({ id: 'v' });
      await undo(bench, 'g');
    });
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
