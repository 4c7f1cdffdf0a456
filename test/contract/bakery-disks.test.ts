import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { UNIT_FILES } from '../../exports/images/units.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { sh, trySh } from '../lab/sh.ts';

const ID = '5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a';
const MIB = 1024 ** 2;

inOwnNamespace(import.meta.url, () => {
  test('with the programs of Debian a disk comes, grows, stays while it is in use, and goes', async () => {
    const top = mkdtempSync(join(tmpdir(), 'bakery-disks-real-'));
    const at = (...path: string[]) => join(top, ...path);
    const [image, place] = [at('export', 'disk.img'), at('run/bakery-disks', ID)];
    for (const folder of ['bin', 'piConfig', 'dev', 'export', 'content']) mkdirSync(at(folder));
    // Everything is the machine's own but the NFS client, which a test machine's kernel may lack: another view of the folder is mounted.
    for (const tree of ['sys', 'proc']) symlinkSync(`/${tree}`, at(tree));
    writeFileSync(
      at('bin/mount'),
      `#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\nexec /bin/mount --bind ${at('export')} "$1"\n`,
    );
    chmodSync(at('bin/mount'), 0o755);
    writeFileSync(image, '');
    truncateSync(image, 16 * MIB);
    sh('mkfs.ext4', '-q', '-F', image);

    function apply(disks: readonly object[]): { code: number | null; said: string } {
      writeFileSync(at('piConfig/disks.json'), JSON.stringify(disks));
      const env = { PATH: `${at('bin')}:/usr/sbin:/usr/bin:/sbin:/bin`, BAKERY_DISKS_TOP: top };
      const { status, stdout, stderr } = spawnSync('sh', [join(UNIT_FILES, 'bakery-disks'), 'apply'], {
        env,
        encoding: 'utf8',
        timeout: 30_000,
      });
      return { code: status, said: stdout + stderr };
    }
    const disk = { id: ID, nfsAddress: '10.99.0.1', location: `/data/nfs/${ID}` };
    let loop: string | undefined;
    let user: ReturnType<typeof spawn> | undefined;
    try {
      assert.match(apply([disk]).said, /up as \/dev\/loop\d+\n$/);
      loop = basename(readlinkSync(at('dev/bakery', ID)));
      assert.equal(readFileSync(`/sys/block/${loop}/loop/backing_file`, 'utf8').trim(), join(place, 'disk.img'));
      assert.deepEqual(apply([disk]), { code: 0, said: '' });

      truncateSync(image, 32 * MIB);
      assert.match(apply([disk]).said, /is larger now/);
      assert.equal(Number(readFileSync(`/sys/block/${loop}/size`, 'utf8')) * 512, 32 * MIB);

      sh('mount', `/dev/${loop}`, at('content'));
      user = spawn('sleep', ['600'], { cwd: at('content'), stdio: 'ignore' });
      const busy = apply([]);
      assert.equal(busy.code, 1);
      assert.match(busy.said, new RegExp(`${ID}: busy: ${at('content')} is in use`));
      assert.ok(existsSync(join(place, 'disk.img')));
      assert.equal(readFileSync(at('var/lib/bakery/disks.state'), 'utf8'), `${ID}\n`);

      const ended = new Promise((resolve) => user?.once('close', resolve));
      user.kill('SIGKILL');
      await ended;
      assert.match(apply([]).said, new RegExp(`${ID}: away\n$`));
      assert.deepEqual(readdirSync(at('run/bakery-disks')), ['lock']);
      assert.ok(!existsSync(`/sys/block/${loop}/loop`));
      assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(top));
      sh('e2fsck', '-fn', image);
    } finally {
      user?.kill('SIGKILL');
      trySh('umount', '--lazy', at('content'));
      const left = sh('losetup', '--noheadings', '--output', 'NAME,BACK-FILE').split('\n');
      for (const line of left) if (line.includes(top)) trySh('losetup', '--detach', line.split(/\s/)[0] ?? '');
      trySh('umount', '--lazy', place);
      rmSync(top, { recursive: true, force: true });
    }
  });
});
