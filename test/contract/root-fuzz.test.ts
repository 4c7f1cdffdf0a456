import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { requirePiId } from '../../core/ids.ts';
import { keepFirmware } from '../../exports/images/firmware.ts';
import { placeBootFiles } from '../../exports/images/golden.ts';
import { giveIdentity } from '../../exports/images/identity.ts';
import { findBootFolder, prepareRoot } from '../../exports/images/prepare.ts';
import { mountExt4 } from '../../exports/volumes/loop-mount.ts';
import { clear, FORMS, layWholeRoot, spoil, TOUCHED } from '../lab/hostile-root.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { seededChance } from '../lab/seed.ts';
import { sh } from '../lab/sh.ts';
import { size } from '../sizes.ts';
import { listing, refusal } from './fuzz.ts';
import { MIB, temporaryRoot } from './volumes-lab.ts';

const PI = requirePiId('687680cd');
/** What links out of a root point at: files of the names that are looked for, too. */
const BAIT = [
  'file',
  'fstab',
  'hostname',
  'ssh_host_ed25519_key',
  'S01resize2fs_once',
  'rpi-resize.service',
  'ssh/key',
];
const BOOT_FILES = ['cmdline.txt', 'config.txt', 'overlays/b.dtbo', 'start.elf'];

function lay(folder: string, names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), 'untouched');
  }
}

inOwnNamespace(import.meta.url, () => {
  test('whatever stands where intake and identity look, nothing outside of the root is touched, and the refusal is a documented one', async (t) => {
    const folder = join(temporaryRoot(t), 'memory');
    mkdirSync(folder);
    sh('mount', '-t', 'tmpfs', 'tmpfs', folder);
    const at = (name: string) => join(folder, name);
    const [root, outside, boot, firmware] = [at('mounted/root'), at('outside'), at('boot'), at('firmware')];
    for (const one of [dirname(root), firmware]) mkdirSync(one, { recursive: true });
    lay(outside, BAIT);
    lay(boot, BOOT_FILES);
    // Mounted as a golden volume is.
    writeFileSync(at('image'), '');
    truncateSync(at('image'), 256 * MIB);
    sh('mke2fs', '-q', '-t', 'ext4', '-N', '2000', at('image'));
    await mountExt4(exec, at('image'), dirname(root));

    const acts = {
      placeBootFiles: async () => placeBootFiles(boot, root, await findBootFolder(root)),
      prepareRoot: () => prepareRoot(root),
      keepFirmware: async () => keepFirmware(root, await findBootFolder(root), firmware),
      giveIdentity: () => giveIdentity({ mountPoint: root, piId: PI }),
    };
    const before = [...listing(outside), ...listing(boot)];
    const opened = () => readdirSync('/proc/self/fd').length;
    const openBefore = opened();
    const chance = seededChance('hostile roots');
    let refusals = 0;
    for (let n = 0; n < size('hostileRoots'); n++) {
      clear(root);
      layWholeRoot(root);
      // Each path in its turn, so that no run leaves one out; and others with it.
      const paths = [TOUCHED[n % TOUCHED.length] ?? 'etc', ...chance.shuffled(TOUCHED).slice(0, chance.below(3))];
      const spoilt = paths.map((path) => ({ path, form: chance.pick(Object.keys(FORMS)) }));
      const what = JSON.stringify(spoilt.filter(({ path, form }) => spoil(form, path, { root, outside, chance })));
      for (const [name, act] of Object.entries(acts)) {
        const { said, code } = await refusal(act, `${name}: ${what}`);
        if (code) refusals++;
        else if (name === 'giveIdentity') {
          const hostname = join(root, 'etc/hostname');
          assert.ok(lstatSync(hostname).isFile(), what);
          assert.equal(readFileSync(hostname, 'utf8'), `${PI}\n`, what);
        }
        // It is kept in the database, and shown.
        const bytes = JSON.stringify(said ?? '').length;
        assert.ok(bytes < 20_000, `${name} says ${bytes} bytes: ${what}`);
      }
      assert.deepEqual([...listing(outside), ...listing(boot)], before, what);
      const kept = readdirSync(firmware);
      assert.ok(
        kept.every((name) => name === 'bootcode.bin'),
        kept.join(),
      );
      rmSync(join(firmware, 'bootcode.bin'), { force: true });
    }
    assert.ok(refusals > 0 && refusals < 4 * size('hostileRoots'));
    assert.ok(opened() <= openBefore + 2, 'no file stays open');

    // And a root that is full: its own fault, not the pool's.
    clear(root);
    layWholeRoot(root);
    assert.throws(
      () => {
        for (let n = 0; ; n++) writeFileSync(join(root, String(n)), '');
      },
      { code: 'ENOSPC' },
    );
    assert.equal((await refusal(acts.giveIdentity, 'a full root')).code, 'root-unfit');
    clear(root);
    sh('umount', dirname(root));
  });

  test('a root with any number of homes and of lines is looked at with a few files open, and told in a few notes', async (t) => {
    const root = temporaryRoot(t);
    layWholeRoot(root);
    for (let n = 0; n < 300; n++) {
      mkdirSync(join(root, `home/user${n}/.ssh`), { recursive: true });
      writeFileSync(join(root, `home/user${n}/.ssh/authorized_keys`), '');
    }
    writeFileSync(join(root, 'etc/fstab'), `/dev/sda2 none swap ${'sw,'.repeat(200)} 0 0\n`.repeat(5_000));
    const opened = () => readdirSync('/proc/self/fd').length;
    const before = opened();
    let most = 0;
    const looking = setInterval(() => {
      most = Math.max(most, opened() - before);
    }, 1);
    const { notes } = await prepareRoot(root).finally(() => clearInterval(looking));
    assert.equal(notes.length, 50);
    assert.ok(notes.every((note) => note.length <= 201));
    assert.match(notes.at(-1) ?? '', /nobody can log in/, 'what matters is not lost among them');
    assert.ok(most < 50, `${most} files open at once`);
  });
});
