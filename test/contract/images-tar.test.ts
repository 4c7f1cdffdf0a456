import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeOddRoot } from '../lab/odd-root.ts';
import { makeTinyImage, TINY } from '../lab/tiny-image.ts';
import { type Bench, chunksOf, fault, MIB, openBench, run } from './volumes-lab.ts';

const signal = new AbortController().signal;
function lay(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

/** All that there is to know of a folder, as a tar has it; two that are equal make the same bytes. */
function portrait(folder: string, ...leaveOut: readonly string[]): string {
  const args = [
    ...['--create', '--sort=name', '--format=posix', '--pax-option=exthdr.name=x,delete=atime,delete=ctime'],
    ...['--numeric-owner', '--acls', '--xattrs', '--xattrs-include=*', ...leaveOut.map((one) => `--exclude=${one}`)],
    ...['--directory', folder, '.'],
  ];
  const { status, stdout, stderr } = spawnSync('tar', args, { maxBuffer: 512 * MIB });
  assert.equal(status, 0, String(stderr));
  const list = spawnSync(
    'tar',
    ['--list', '-vv', '--full-time', '--numeric-owner', '--acls', '--xattrs', '--xattrs-include=*'],
    { input: stdout },
  );
  return `${list.stdout}${createHash('sha256').update(stdout).digest('hex')}`;
}

function tarOf(folder: string, ...more: readonly string[]): Buffer {
  const keep = [
    '--create',
    '--format=posix',
    '--numeric-owner',
    '--acls',
    '--xattrs',
    '--xattrs-include=*',
    '--sparse',
  ];
  const { status, stdout, stderr } = spawnSync('tar', [...keep, ...more, '--directory', folder, '.'], {
    maxBuffer: 512 * MIB,
  });
  assert.equal(status, 0, String(stderr));
  return stdout;
}

inOwnNamespace(import.meta.url, () => {
  const lab = mkdtempSync(join(tmpdir(), 'bakery-tars-'));
  /** A root with all that a file can be, on an ext4 of its own. */
  const tree = join(lab, 'tree');
  let bench: Bench;
  const ends: (() => unknown)[] = [];

  before(async () => {
    bench = await openBench({ after: (end) => void ends.push(end as () => unknown) });
    const file = makeOddRoot(lab);
    mkdirSync(tree);
    run('mount', '-o', 'loop', file, tree);
    ends.push(() => run('umount', tree));
  });
  after(async () => {
    for (const end of ends) await end();
    rmSync(lab, { recursive: true, force: true });
  });

  async function take(bytes: Uint8Array) {
    await bench.images.receive(chunksOf(bytes, MIB), { id: 'g', signal });
    const unpacked = await bench.images.unpack({ id: 'g', signal });
    await bench.images.makeGolden({ id: 'g', signal });
    return unpacked;
  }
  async function undo(): Promise<void> {
    await bench.images.tidy({ id: 'g' });
    await bench.volumes.removeGolden('g');
    for (const folder of ['incoming', 'golden', 'work'] as const) {
      assert.deepEqual(readdirSync(bench.pool.path(folder, '')), [], folder);
    }
  }
  /** Has a look at a clone. */
  async function looked<T>(look: (at: string) => T): Promise<T> {
    const [fsUuid, at] = [randomUUID(), bench.at('00000009')];
    await bench.volumes.clone({ golden: 'g', id: 'v', fsUuid });
    await bench.volumes.mount({ id: 'v', fsUuid, at });
    const seen = look(at);
    await bench.volumes.unmount({ id: 'v', at });
    await bench.volumes.remove({ id: 'v' });
    return seen;
  }

  test('a root in a tar keeps owners, modes, attributes, ACLs, capabilities, hard links, holes and devices', async () => {
    const wanted = portrait(tree, './lost+found');
    for (const bytes of [tarOf(tree, '--exclude=./lost+found'), gzipSync(tarOf(tree, '--exclude=./lost+found'))]) {
      const { content } = await take(bytes);
      assert.equal(content, 'tree');
      await looked((at) => {
        const stat = (name: string) => lstatSync(join(at, 'home/pi', name));
        assert.ok(stat('null').isCharacterDevice() && stat('null').rdev === 0x103 && stat('pipe').isFIFO());
        assert.deepEqual([stat('notes').ino, stat('notes').nlink, stat('notes').uid], [stat('the same').ino, 2, 1000]);
        assert.ok(lstatSync(join(at, 'var/log/lastlog')).blocks < 100);
        assert.equal(portrait(at, './lost+found'), wanted);
      });
      await bench.images.prepare({ id: 'g', signal });
      await undo();
    }
  });

  test('root.tar and boot.tar in one archive, as Raspberry Pi publishes them, become a bakeform with boot files', async () => {
    const [both, boot] = [join(lab, 'both'), join(lab, 'boot')];
    lay(boot, TINY.bootFiles);
    lay(both, {
      'os/root.tar.gz': gzipSync(tarOf(tree, '--exclude=./lost+found')),
      'os/boot.tar': tarOf(boot),
      'os/os.json': '{}',
    });
    assert.deepEqual(await take(tarOf(both)), { content: 'tree', layers: ['tar'] });
    await looked((at) => {
      for (const [name, content] of Object.entries(TINY.bootFiles)) {
        assert.ok(readFileSync(join(at, 'boot/firmware', name)).equals(Buffer.from(content)), name);
      }
    });
    const { bootFolder } = await bench.images.prepare({ id: 'g', signal });
    assert.equal(bootFolder, 'boot/firmware');
    await undo();
  });

  test('links among the boot files are left out, and nothing is looked at through them', async () => {
    const [both, boot] = [join(lab, 'both'), join(lab, 'linked')];
    lay(boot, { ...TINY.bootFiles, 'overlays/a.dtbo': 'overlay' });
    for (const [name, to] of Object.entries({ again: '.', elsewhere: tree, 'config.old': 'config.txt' })) {
      symlinkSync(to, join(boot, name));
    }
    lay(both, { 'os/root.tar.gz': gzipSync(tarOf(tree, '--exclude=./lost+found')), 'os/boot.tar': tarOf(boot) });
    await take(tarOf(both));
    await looked((at) => {
      const names = [...Object.keys(TINY.bootFiles), 'overlays/a.dtbo', '.keep'].map((name) => name.split('/')[0]);
      assert.deepEqual(readdirSync(join(at, 'boot/firmware')).sort(), [...new Set(names)].sort());
      assert.deepEqual(readdirSync(join(at, 'boot/firmware/overlays')).sort(), ['a.dtbo', 'overlay_map.dtb']);
    });
    await undo();
  });

  test('a stemcell becomes the image in it, if that is the one that its manifest names', async () => {
    const [cell, inner] = [join(lab, 'cell'), join(lab, 'inner')];
    mkdirSync(inner);
    makeTinyImage(join(inner, 'root.img'), { rootMiB: 8, bootMiB: 9 });
    const image = gzipSync(tarOf(inner));
    const manifest = (sha1: string) =>
      `name: bosh-bakery-raspberrypi\nversion: '1.2'\nbosh_protocol: '1'\nsha1: ${sha1}\ncloud_properties:\n  infrastructure: bakery\n`;
    const hash = (kind: string) => createHash(kind).update(image).digest('hex');
    for (const said of [hash('sha1'), `sha256:${hash('sha256')}`]) {
      lay(cell, { 'stemcell.MF': manifest(said), image, 'packages.txt': '' });
      assert.deepEqual(await take(gzipSync(tarOf(cell))), { content: 'image', layers: ['gzip', 'tar', 'gzip', 'tar'] });
      await bench.images.prepare({ id: 'g', signal });
      await undo();
    }
    lay(cell, { 'stemcell.MF': manifest('0'.repeat(40)) });
    await assert.rejects(take(gzipSync(tarOf(cell))), fault('sha-differs'));
    await undo();
    lay(cell, { 'stemcell.MF': '{' });
    await assert.rejects(take(gzipSync(tarOf(cell))), fault('archive-unknown'));
    await undo();
  });

  test('an archive of anything else, a damaged one and one too large are refused, and leave nothing', async () => {
    const other = join(lab, 'other');
    lay(other, { 'readme.txt': 'no image' });
    await assert.rejects(take(tarOf(other)), fault('archive-unknown'));
    await undo();
    const whole = tarOf(tree, '--exclude=./lost+found');
    await assert.rejects(take(whole.subarray(0, whole.length - 100 * 1024)), fault('image-unpack-failed'));
    await undo();
    const large = join(lab, 'large');
    lay(large, { 'etc/hosts': 'x', 'usr/data': 'x' });
    truncateSync(join(large, 'usr/data'), 200 * MIB);
    const { status, stdout } = spawnSync('tar', ['--create', '--directory', large, '.'], { maxBuffer: 512 * MIB });
    assert.equal(status, 0);
    await assert.rejects(take(gzipSync(stdout)), fault('image-too-large'));
    await undo();
  });

  test('names and links of an archive that lead out of the root write nothing outside of it', async () => {
    const [evil, outside] = [join(lab, 'evil'), join(lab, 'outside')];
    mkdirSync(outside);
    lay(evil, { 'etc/hostname': 'x', 'usr/x': 'x' });
    symlinkSync(outside, join(evil, 'var'));
    const tar = join(lab, 'evil.tar');
    run('tar', '--create', '--file', tar, '--directory', evil, '.');
    rmSync(join(evil, 'var'));
    lay(evil, { 'var/written': 'through a link' });
    // The same name again, as a folder with a file in it; a name that goes up; one that begins at the root.
    run('tar', '--append', '--file', tar, '--directory', evil, './var/written');
    run(
      'tar',
      '--append',
      '--file',
      tar,
      '--directory',
      evil,
      '--transform',
      `s|.*|../../../../../../..${outside}/up|`,
      '-P',
      './etc/hostname',
    );
    run(
      'tar',
      '--append',
      '--file',
      tar,
      '--directory',
      evil,
      '--transform',
      `s|.*|${outside}/absolute|`,
      '-P',
      './etc/hostname',
    );
    await take(readFileSync(tar)).catch((error) => fault('archive-unfit')(error));
    assert.deepEqual(readdirSync(outside), []);
    await undo();
  });
});
