import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { carryPiConfig, type Furnishing, furnishRoot } from '../../exports/images/furnish.ts';

const folder = mkdtempSync(join(tmpdir(), 'bakery-furnish-'));
const [root, outside, other] = [join(folder, 'root'), join(folder, 'outside'), join(folder, 'other')];
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINkJo+vL73s3Y9RCLDrQL5xj2ja4OLEgD0NMgjfmemTu ada';
const ALL: Furnishing = {
  user: { name: 'ada', passwordHash: '$6$saltsalt$hash' },
  authorizedKeys: [KEY],
  seed: { userData: '#cloud-config\n', instanceId: 'bakery-1', hostname: '687680cd' },
};

function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text, { mode });
}
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const modeOf = (path: string) => (statSync(join(root, path)).mode & 0o7777).toString(8);
const ownerOf = (path: string) => `${statSync(join(root, path)).uid}:${statSync(join(root, path)).gid}`;

beforeEach(() => {
  for (const path of [root, outside, other]) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path);
  }
  write('etc/passwd', 'root:x:0:0:root:/root:/bin/bash\n');
  write('etc/group', 'root:x:0:\nsudo:x:27:\nshadow:x:42:\n');
  write('etc/shadow', 'root:*:19000:0:99999:7:::\n', 0o640);
  write('etc/skel/.bashrc', 'alias ll\n');
  write('usr/bin/bash', '');
  write('boot/firmware/.keep', '');
  symlinkSync('usr/bin', join(root, 'bin'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('a user, its keys and the seed are put where a Debian has them, once', async () => {
  for (let times = 0; times < 2; times++) {
    await furnishRoot(root, ALL);
    assert.match(read('etc/passwd'), /^ada:x:1000:1000:,,,:\/home\/ada:\/bin\/bash$/m);
    assert.match(read('etc/shadow'), /^ada:\$6\$saltsalt\$hash::0:99999:7:::$/m);
    assert.match(read('etc/group'), /^sudo:x:27:ada$/m);
    assert.equal(read('etc/sudoers.d/010_ada-nopasswd'), 'ada ALL=(ALL) NOPASSWD: ALL\n');
    assert.equal(read('home/ada/.bashrc'), 'alias ll\n');
    assert.equal(read('home/ada/.ssh/authorized_keys'), `${KEY}\n`);
    assert.equal(read('var/lib/cloud/seed/nocloud/user-data'), '#cloud-config\n');
    assert.equal(read('var/lib/cloud/seed/nocloud/meta-data'), 'instance-id: bakery-1\nlocal-hostname: 687680cd\n');
  }
  const paths = ['etc/passwd', 'etc/shadow', 'etc/sudoers.d/010_ada-nopasswd', 'home/ada', 'home/ada/.ssh'];
  assert.deepEqual([...paths, 'home/ada/.ssh/authorized_keys'].map(modeOf), ['644', '640', '440', '755', '700', '600']);
  assert.equal(modeOf('var/lib/cloud/seed/nocloud/user-data'), '600');
  assert.deepEqual(
    ['home/ada', 'home/ada/.bashrc', 'home/ada/.ssh/authorized_keys'].map(ownerOf),
    Array(3).fill('1000:1000'),
  );
  assert.equal(existsSync(join(root, 'boot/firmware/user-data')), false, 'this image does not read it there');
});

test('without a user the keys are root’s', async () => {
  await furnishRoot(root, { authorizedKeys: [KEY] });
  assert.equal(read('root/.ssh/authorized_keys'), `${KEY}\n`);
  assert.equal(ownerOf('root/.ssh'), '0:0');
});

test('a Raspberry Pi OS gets the seed in its boot folder too, its SSH server on, and asks for no user', async () => {
  write('etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg', 'datasource_list: [ NoCloud, None ]\n');
  write('boot/firmware/meta-data', 'dsmode: local\ninstance_id: rpios-image\n');
  write('usr/lib/systemd/system/sshswitch.service', '');
  write('etc/ssh/sshd_config.d/rename_user.conf', '');
  const asks = 'etc/systemd/system/multi-user.target.wants/userconfig.service';
  write(asks, '');
  await furnishRoot(root, ALL);
  assert.equal(read('boot/firmware/user-data'), '#cloud-config\n');
  assert.equal(read('boot/firmware/meta-data'), 'dsmode: local\ninstance-id: bakery-1\nlocal-hostname: 687680cd\n');
  assert.equal(read('boot/firmware/ssh'), '');
  for (const path of [asks, 'etc/ssh/sshd_config.d/rename_user.conf'])
    assert.equal(existsSync(join(root, path)), false);
});

test('an image whose links lead out of it is refused, and nothing outside is touched', async () => {
  writeFileSync(join(outside, 'passwd'), 'mine\n');
  for (const path of [
    'etc',
    'etc/passwd',
    'etc/shadow',
    'etc/group',
    'etc/sudoers.d',
    'home',
    'home/ada',
    'home/ada/.ssh',
    'home/ada/.ssh/authorized_keys',
    'var/lib/cloud',
    'var/lib/cloud/seed/nocloud',
  ]) {
    const kept = join(folder, 'kept');
    rmSync(kept, { recursive: true, force: true });
    mkdirSync(kept);
    rmSync(join(root, path), { recursive: true, force: true });
    mkdirSync(dirname(join(root, path)), { recursive: true });
    const isFile = ['passwd', 'shadow', 'group', 'authorized_keys'].some((name) => path.endsWith(name));
    symlinkSync(isFile ? join(outside, 'passwd') : outside, join(root, path));
    await assert.rejects(furnishRoot(root, ALL), { code: 'root-refused' }, path);
    assert.equal(readFileSync(join(outside, 'passwd'), 'utf8'), 'mine\n', path);
    assert.deepEqual(statSync(outside).nlink, 2, `${path}: no folder was made outside`);
    rmSync(join(root, path));
    if (path === 'etc') mkdirSync(join(root, 'etc'));
  }
});

test('a user whose home the image puts outside of the root gets none there', async () => {
  write('etc/passwd', 'ada:x:1000:1000::/../outside/ada:/bin/bash\n');
  await assert.rejects(furnishRoot(root, ALL), { code: 'root-refused' });
  assert.equal(existsSync(join(outside, 'ada')), false);
});

test('the files of a piConfig are carried over with their folders, owners and modes; links are not', async () => {
  write('piConfig/settings.json', '{"old":1}', 0o600);
  write('piConfig/deep/er/file', 'x', 0o755);
  symlinkSync('/etc/passwd', join(root, 'piConfig/link'));
  mkdirSync(join(other, 'piConfig'));
  writeFileSync(join(other, 'piConfig/settings.json'), '{"new":1}');
  writeFileSync(join(other, 'piConfig/own'), 'own');
  for (let times = 0; times < 2; times++) {
    assert.deepEqual(await carryPiConfig(root, other), { files: 2, skipped: 1 });
  }
  assert.equal(readFileSync(join(other, 'piConfig/settings.json'), 'utf8'), '{"old":1}');
  assert.equal(readFileSync(join(other, 'piConfig/deep/er/file'), 'utf8'), 'x');
  assert.equal(readFileSync(join(other, 'piConfig/own'), 'utf8'), 'own');
  assert.equal(statSync(join(other, 'piConfig/settings.json')).mode & 0o777, 0o600);
  assert.equal(existsSync(join(other, 'piConfig/link')), false);
});

test('a piConfig that is too large, or leads elsewhere, is not carried over in part', async () => {
  write('piConfig/large', '');
  truncateSync(join(root, 'piConfig/large'), 64 * 1024 ** 2 + 1);
  await assert.rejects(carryPiConfig(root, other), { code: 'pi-config-too-large' });
  rmSync(join(root, 'piConfig'), { recursive: true });
  symlinkSync(outside, join(root, 'piConfig'));
  await assert.rejects(carryPiConfig(root, other), { code: 'pi-config-refused' });
  writeFileSync(join(outside, 'secret'), 'secret');
  await assert.rejects(carryPiConfig(root, other), { code: 'pi-config-refused' });
  assert.equal(existsSync(join(other, 'piConfig/secret')), false);
  rmSync(join(root, 'piConfig'));
  assert.deepEqual(await carryPiConfig(root, other), { files: 0, skipped: 0 });
});
