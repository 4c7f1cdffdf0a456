import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { CAPABILITIES } from '../../server/capabilities.ts';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { register } from '../lab/rack.ts';
import { requireTools, sh, trySh } from '../lab/sh.ts';
import { TINY } from '../lab/tiny-image.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';

interface Compose {
  readonly services: { readonly bakery: { readonly cap_drop: string[]; readonly cap_add: string[] } };
}
const text = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
const compose = parse(text('docker/compose.yaml')) as Compose;
const GIVEN = compose.services.bakery.cap_add;

/** Runs what follows as a container's first process is run: with these capabilities and no other, and no way to more. */
const confined = (capabilities: readonly string[]) => [
  'setpriv',
  `--bounding-set=-all${capabilities.map((name) => `,+${name.toLowerCase()}`).join('')}`,
  '--inh-caps=-all',
  '--no-new-privs',
];

const PI = 'ca5e0001';
/** `cap_net_raw+ep`, as `ping` has it (linux/capability.h, revision 2). */
const PING = Buffer.from('0100000200200000000000000000000000000000', 'hex');

test('the container is given what the server asks for, and has the Node and the packages that npm start installs', async () => {
  const launcher = new URL('../../server/launch/packages.mjs', import.meta.url);
  const { packagesFor } = (await import(launcher.href)) as { packagesFor(what: string): { name: string }[] };
  assert.deepEqual(compose.services.bakery.cap_drop, ['ALL']);
  assert.deepEqual(
    GIVEN,
    CAPABILITIES.map(({ name }) => name),
  );
  const { optionalDependencies } = JSON.parse(text('package.json')) as { optionalDependencies: Record<string, string> };
  const nodes = new Set([/^FROM node:(\S+)-bookworm-slim$/m.exec(text('docker/Dockerfile'))?.[1]]);
  assert.deepEqual(new Set(Object.values(optionalDependencies)), nodes);
  const [, packages = ''] = /--no-install-recommends ((?:\\\n +[a-z]\S* )+)/.exec(text('docker/Dockerfile')) ?? [];
  assert.deepEqual(
    packages.split(/[\\\s]+/).filter(Boolean),
    packagesFor('start')
      .map(({ name }) => name)
      .toSorted(),
  );
});

inOwnNamespace(import.meta.url, () => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-container-'));
  const root = join(folder, 'data');
  let bakery: RunningBakery | undefined;

  /** A root with what only some may make: other owners, set-user-ID, a device, a file with capabilities. */
  function makeTar(): Buffer {
    const [plain, file, at] = [join(folder, 'plain'), join(folder, 'tree.ext4'), join(folder, 'tree')];
    for (const [name, content] of Object.entries({ ...TINY.rootFiles, ...boot(), 'usr/bin/ping': 'ping' })) {
      mkdirSync(dirname(join(plain, name)), { recursive: true });
      writeFileSync(join(plain, name), content);
    }
    for (const name of ['home/pi', 'piConfig']) mkdirSync(join(plain, name), { recursive: true });
    writeFileSync(join(plain, 'home/pi/run'), 'run');
    writeFileSync(file, '');
    truncateSync(file, 32 * 1024 ** 2);
    sh('mkfs.ext4', '-q', '-F', '-d', plain, file);
    writeFileSync(join(folder, 'ping'), PING);
    const commands = [
      `ea_set -f ${join(folder, 'ping')} /usr/bin/ping security.capability`,
      'set_inode_field /usr/bin/ping mode 0104755',
      'set_inode_field /home/pi uid 1000',
      'set_inode_field /home/pi mode 040700',
      'set_inode_field /home/pi/run uid 1000',
      'set_inode_field /home/pi/run gid 1000',
      'set_inode_field /home/pi/run mode 0106755',
      'set_inode_field /piConfig uid 1000',
      'set_inode_field /piConfig mode 040500',
      'cd /home/pi',
      'mknod null c 1 3',
    ];
    writeFileSync(join(folder, 'commands'), `${commands.join('\n')}\n`);
    sh('debugfs', '-w', '-f', join(folder, 'commands'), file);
    mkdirSync(at);
    sh('mount', '-o', 'loop', file, at);
    const args = ['--create', '--xattrs', '--xattrs-include=*', '--exclude=./lost+found', '--directory', at, '.'];
    const { status, stdout, stderr } = spawnSync('tar', args, { maxBuffer: 64 * 1024 ** 2 });
    sh('umount', at);
    assert.equal(status, 0, String(stderr));
    return stdout;
  }
  const boot = () =>
    Object.fromEntries(Object.entries(TINY.bootFiles).map(([name, content]) => [`boot/firmware/${name}`, content]));

  const start = (capabilities: readonly string[]) =>
    startBakery({
      root,
      settings: { BAKERY_ADDRESS: '127.0.0.1', BAKERY_EXPORT_POLICY: 'any', BAKERY_POWER: 'manual' },
      through: confined(capabilities),
    });
  async function done(method: string, path: string, body?: unknown): Promise<{ id: string }> {
    assert.ok(bakery);
    const answer = await call(bakery, method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    await untilAtRest({ root, policy: 'any' }, 60_000);
    return answer.body;
  }

  before(() => requireTools('setpriv', 'nfs-cp', 'nfs-cat'));
  after(async () => {
    await bakery?.stop();
    await stopLeftovers(root);
    trySh('umount', join(folder, 'tree'));
    rmSync(folder, { recursive: true, force: true });
  });

  test('a start without one of the capabilities says which, and what it is for', async () => {
    for (const { name, why, optional } of CAPABILITIES) {
      if (optional) continue;
      const lacking = start(GIVEN.filter((one) => one !== name));
      await assert.rejects(lacking, (error: Error) => {
        assert.ok(error.message.includes(`CAP_${name} (${why})`), error.message);
        return true;
      });
    }
  });

  test('with those of compose.yaml and no other it does all that it does', async () => {
    mkdirSync(root, { recursive: true });
    bakery = await start(GIVEN);
    const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${bakery.pid}/status`, 'utf8'))?.[1];
    const given = CAPABILITIES.reduce((all, { bit }) => all | (1n << bit), 0n);
    // What nobody here has cannot be given.
    const ours = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0}`);
    assert.equal(BigInt(`0x${effective}`), given & ours);

    await done('POST', '/bakeforms/whole', makeTar());
    await register(bakery, PI);
    await done('POST', '/fridge', { bakeformName: 'whole' });
    const at = join(root, 'nfs', PI);
    const seen = (name: string) => lstatSync(join(at, name));
    const [ping, home, device, its] = ['usr/bin/ping', 'home/pi', 'home/pi/null', 'home/pi/run'].map(seen);
    assert.equal((ping?.mode ?? 0) & 0o7777, 0o4755);
    assert.deepEqual([its?.uid, its?.gid, (its?.mode ?? 0) & 0o7777], [1000, 1000, 0o6755]);
    assert.deepEqual([home?.uid, (home?.mode ?? 0) & 0o777], [1000, 0o700]);
    assert.ok(device?.isCharacterDevice());
    assert.match(sh('debugfs', '-R', 'ea_list usr/bin/ping', loopOf(at)), /security\.capability/);

    // A Pi's user writes where only he may, and reads what only he may.
    const nfs = (path: string) => `nfs://127.0.0.1${path}?version=3&uid=1000&gid=1000`;
    const own = join(folder, 'own');
    writeFileSync(own, 'mine');
    sh('nfs-cp', own, nfs(`${at}/home/pi/own`));
    assert.equal(lstatSync(join(at, 'home/pi/own')).uid, 1000);
    assert.equal(sh('nfs-cat', nfs(`${at}/home/pi/own`)).trim(), 'mine');
    assert.notEqual(spawnSync('nfs-cp', [own, nfs(`${at}/etc/own`)]).status, 0, 'nor where only root may');
    const settings = await call(bakery, 'POST', `/oven/${PI}/upload/settings.json`, Buffer.from('{}'));
    assert.equal(settings.status, 200);

    const disk = await done('POST', '/disks', { size: 8 });
    await done('POST', `/oven/${PI}/disks`, { diskId: disk.id });
    sh('nfs-cp', own, nfs(`${join(root, 'nfs', disk.id)}/own`).replaceAll('1000', '0'));
    await done('POST', `/disks/${disk.id}/snapshots`, { name: 'before' });
    await done('POST', `/disks/${disk.id}/grow`, { sizeMiB: 16, mayInterrupt: true });
    await done('DELETE', `/oven/${PI}/disks/${disk.id}`);
    await done('POST', `/pis/${PI}/rebake`, { bakeformName: 'whole', power: 'off' });
    await done('DELETE', `/disks/${disk.id}`);
    await done('POST', `/trash/${disk.id}/restore`);
    await done('DELETE', `/oven/${PI}`);
    assert.deepEqual(await checkWorld({ root, policy: 'any' }), []);
    assert.doesNotMatch(bakery.output(), /"level":(50|60)/);
    await bakery.stop();
    await stopLeftovers(root, confined(GIVEN));
    bakery = undefined;
  });

  function loopOf(mountPoint: string): string {
    return sh('findmnt', '--noheadings', '--output', 'SOURCE', mountPoint).trim();
  }
});
