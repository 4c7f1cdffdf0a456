import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { addDisksUnit } from '../../exports/images/disks-unit.ts';
import { UNIT_FILES } from '../../exports/images/units.ts';
import { requireTools, sh } from '../lab/sh.ts';

const WANTS = 'etc/systemd/system/multi-user.target.wants';
let root: string;

function lay(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}
const add = () => addDisksUnit(root, 'boot/firmware');

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bakery-unit-'));
  lay({
    'usr/lib/systemd/systemd': '',
    'usr/sbin/losetup': '',
    'boot/firmware/cmdline.txt': 'root=PARTUUID=1-02\n',
  });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('a root with systemd gets bakery-disks, started at its boot; done again it is the same', async () => {
  for (const _ of ['once', 'twice']) {
    assert.deepEqual((await add()).code, 'disks-unit-added');
    const program = join(root, 'usr/lib/bakery/bakery-disks');
    assert.equal(statSync(program).mode & 0o777, 0o755);
    assert.equal(readFileSync(program, 'utf8'), readFileSync(join(UNIT_FILES, 'bakery-disks'), 'utf8'));
    const units = ['bakery-disks-watch.service', 'bakery-disks.service'];
    assert.deepEqual(readdirSync(join(root, WANTS)).toSorted(), units);
    for (const unit of units) {
      assert.equal(readlinkSync(join(root, WANTS, unit)), `../${unit}`);
      assert.match(
        readFileSync(join(root, WANTS, unit), 'utf8'),
        /^ExecStart=-?\/usr\/lib\/bakery\/bakery-disks \w+$/m,
      );
    }
  }
});

test('systemd finds nothing wrong with the units', async () => {
  requireTools('systemd-analyze');
  await add();
  // The targets that a unit hangs on; systemd-analyze(1) looks for nothing outside of the root.
  cpSync('/usr/lib/systemd/system', join(root, 'usr/lib/systemd/system'), { recursive: true, verbatimSymlinks: true });
  const verify = () =>
    sh('systemd-analyze', 'verify', `--root=${root}`, 'bakery-disks.service', 'bakery-disks-watch.service');
  assert.equal(verify(), '');
  // And it would find it.
  rmSync(join(root, 'usr/lib/bakery/bakery-disks'));
  assert.throws(verify, /bakery-disks is not executable/);
});

for (const [what, change, word] of [
  ['without systemd', () => rmSync(join(root, 'usr/lib/systemd'), { recursive: true }), 'no systemd'],
  ['without losetup', () => rmSync(join(root, 'usr/sbin/losetup')), 'no losetup'],
  ['of a BOSH stemcell', () => lay({ 'var/vcap/bosh/agent.json': '' }), 'a reader of disks.json of its own'],
  [
    'made for the original Bakery',
    () => lay({ 'boot/firmware/cmdline.txt': 'root=/dev/nfs nfsroot={{.NfsServer}}:{{.NfsRoot}}\n' }),
    'a reader of disks.json of its own',
  ],
  [
    'with a link where its unit belongs',
    () => {
      mkdirSync(join(root, 'etc/systemd'), { recursive: true });
      symlinkSync('/etc/systemd/system', join(root, 'etc/systemd/system'));
    },
    'a link or a special file',
  ],
] as const) {
  test(`a root ${what} is left without it, and told why`, async () => {
    change();
    const { level, code, message } = await add();
    assert.deepEqual([level, code], ['info', 'disks-unit-left-out']);
    assert.ok(message.includes(word), message);
    assert.ok(!existsSync(join(root, WANTS, 'bakery-disks.service')));
  });
}

test('the line of fstab in docs/disks.md mounts a disk after bakery-disks, and makes no circle', async () => {
  requireTools('systemd-analyze');
  await add();
  cpSync('/usr/lib/systemd/system', join(root, 'usr/lib/systemd/system'), { recursive: true, verbatimSymlinks: true });
  const docs = readFileSync(new URL('../../docs/disks.md', import.meta.url), 'utf8');
  const line = /^ *(LABEL=containers .*)$/m.exec(docs)?.[1] ?? '';
  const units = join(root, 'etc/systemd/system');
  /** What systemd finds wrong with the units that it makes of that line. */
  function circles(text: string): string {
    lay({ 'etc/fstab': `${text}\n` });
    const made = mkdtempSync(join(tmpdir(), 'bakery-generated-'));
    const env = { PATH: process.env.PATH, SYSTEMD_FSTAB: join(root, 'etc/fstab') };
    execFileSync('/usr/lib/systemd/system-generators/systemd-fstab-generator', [made, made, made], { env });
    assert.match(readFileSync(join(made, 'srv-containers.mount'), 'utf8'), /^After=bakery-disks\.service$/m);
    sh('cp', '-a', `${made}/.`, units);
    rmSync(made, { recursive: true });
    const args = ['verify', `--root=${root}`, 'multi-user.target', 'srv-containers.mount', 'bakery-disks.service'];
    return spawnSync('systemd-analyze', args, { encoding: 'utf8' }).stderr;
  }
  assert.doesNotMatch(circles(line), /ordering cycle/);
  // Among the local file systems it would wait for what waits for them.
  assert.match(circles(line.replace('_netdev,nofail,', '')), /ordering cycle/);
});
