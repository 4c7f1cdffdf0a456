import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withMounted } from '../../core/host/beneath.ts';
import { type Exec, exec } from '../../core/host/exec.ts';
import { requirePiId } from '../../core/ids.ts';
import { mountAt } from '../../exports/volumes/mountinfo.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { EXT4, imageFolder, STOCK, signal, take, undo } from './images-lab.ts';
import { chunksOf, fault, openBench, run } from './volumes-lab.ts';

/** Changes the root of an image as only somebody hostile would: debugfs(8) commands. */
function debugfs(image: string, ...commands: string[]): void {
  for (const command of commands) run('debugfs', '-w', '-R', command, `${image}?offset=${EXT4}`);
}

inOwnNamespace(import.meta.url, () => {
  const { lab, image } = imageFolder();

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
          const [file = '', at = ''] = args.slice(2);
          const isMount = program === 'perl';
          if (isMount && spoil === 'before') run('debugfs', '-w', '-R', 'set_inode_field /etc extra_isize 65535', file);
          const result = await exec(program, args, options);
          if (isMount && spoil === 'after') {
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
});
