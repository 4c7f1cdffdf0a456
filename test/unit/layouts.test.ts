import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { requirePiId } from '../../core/ids.ts';
import { manualInterfaces } from '../../exports/images/network.ts';
import { prepareRoot } from '../../exports/images/prepare.ts';
import { renderCmdline } from '../../netboot/files/cmdline.ts';
import type { Layout } from '../lab/layouts/layout.ts';
import { LAYOUTS } from '../lab/layouts/layouts.ts';
import { layBoot, layRoot } from '../lab/layouts/stock-image.ts';

/** What the shared Debian root has of that which prepare looks at. */
const SHARED = ['etc/NetworkManager', 'etc/systemd/network', 'etc/network/interfaces.d', 'etc/ssh', 'boot/firmware'];
/** By these `bakery-disks` runs. */
const PROGRAMS = ['usr/lib/systemd/systemd', 'usr/sbin/losetup'];

function lay(t: TestContext, layout: Layout): string {
  const root = mkdtempSync(join(tmpdir(), 'bakery-layout-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const program of PROGRAMS) {
    mkdirSync(join(root, dirname(program)), { recursive: true });
    writeFileSync(join(root, program), '');
  }
  for (const folder of SHARED) mkdirSync(join(root, folder), { recursive: true });
  for (const [name, text] of [
    ['dhcpcd.conf', 'persistent\n'],
    ['shadow', 'root:*:1::::::\n'],
  ] as const)
    writeFileSync(join(root, 'etc', name), text);
  layRoot(layout, root, '6.1.0-1-arm64');
  const boot = join(root, 'boot/firmware');
  layBoot(layout, boot, '6.1.0-1-arm64');
  const { kernel, initramfs } = layout.bootNames;
  for (const name of [kernel, initramfs, 'start.elf'])
    writeFileSync(join(boot, name.replace('@VERSION@', '6.1.0-1-arm64')), '');
  return root;
}

/** Every path of a tree, with what it holds. */
function listing(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((path) => {
      const at = join(root, path);
      const stat = lstatSync(at);
      if (stat.isDirectory()) return `${path}/`;
      return `${path} ${stat.mode.toString(8)} ${stat.isSymbolicLink() ? readlinkSync(at) : readFileSync(at, 'utf8')}`;
    });
}

/** `code path` of what was found, and in front of it a `!` for a warning and `!!` for an error. */
async function found(root: string, how: { isLeft?: boolean } = {}): Promise<string[]> {
  const { lint } = await prepareRoot(root, how);
  const marks = { info: '', warning: '! ', error: '!! ' };
  return lint
    .filter(({ code }) => !code.endsWith('-for-model'))
    .map(({ level, code, path }) => `${marks[level]}${code} ${path ?? ''}`.trimEnd());
}

const WANTS = 'etc/systemd/system/multi-user.target.wants';
const SHARED_LEASES = ['etc/NetworkManager', 'etc/systemd/network', 'etc/dhcpcd.conf'];
const lease = (paths: string[]) => paths.map((path) => `lease-kept ${path}`);
const left = (paths: string[]) => paths.map((path) => `! left-unprepared ${path}`);
const card = ['! fstab-partition-kept etc/fstab', '! fstab-partition-kept etc/fstab'];
const cmdline = 'cmdline-rendered boot/firmware/cmdline.txt';
const fstab = ['fstab-entry-removed etc/fstab', 'fstab-entry-removed etc/fstab'];
const noLogin = '! no-login';
const names = 'names-kept etc/systemd/system/bakery-names.service';
const disks = 'disks-unit-added etc/systemd/system/bakery-disks.service';

/** What is changed in each, where; what a person is told beside; and the line that its kernel gets. */
const EXPECTED: Readonly<
  Record<keyof typeof LAYOUTS, { changed: string[]; paths: string[]; also: string[]; line: string }>
> = {
  trixie: {
    changed: ['unit-disabled', 'unit-disabled', 'swap-in-memory', 'cloud-init-tamed'],
    paths: [
      `${WANTS}/regenerate_ssh_host_keys.service`,
      'etc/systemd/system/sysinit.target.wants/rpi-resize.service',
      'etc/rpi',
      'etc/cloud/cloud.cfg.d',
    ],
    also: [],
    line: 'console=serial0,115200 console=tty1 ds=nocloud;i=rpi-imager-1762430000000',
  },
  bookworm: {
    changed: ['unit-disabled', 'unit-disabled', 'unit-disabled'],
    paths: [
      `${WANTS}/dphys-swapfile.service`,
      `${WANTS}/regenerate_ssh_host_keys.service`,
      'etc/rc3.d/S01resize2fs_once',
    ],
    also: [noLogin],
    line: 'console=serial0,115200 console=tty1 quiet',
  },
  ubuntu: {
    changed: ['cloud-init-tamed'],
    paths: ['etc/cloud/cloud.cfg.d'],
    also: [],
    line: 'console=serial0,115200 dwc_otg.lpm_enable=0 console=tty1 fixrtc quiet splash',
  },
  debian: {
    changed: [],
    paths: [],
    also: [noLogin],
    line: 'console=tty0 console=ttyS1,115200 net.ifnames=0 cma=64M',
  },
};
const leasesOf = (name: string) =>
  name === 'debian' ? [...SHARED_LEASES, 'etc/network/interfaces.d/eth0'] : SHARED_LEASES;

for (const [name, { changed, paths, also, line }] of Object.entries(EXPECTED)) {
  const layout = LAYOUTS[name as keyof typeof LAYOUTS];

  test(`${layout.name}: all that is changed is told, and done again nothing is left to change`, async (t) => {
    const root = lay(t, layout);
    const units = changed.map((code, i) => `${code} ${paths[i]}`);
    const told = await found(root);
    const expected = [...fstab, ...units, ...lease(leasesOf(name)), names, disks, cmdline, ...also];
    assert.deepEqual(told.toSorted(), expected.toSorted());
    const once = listing(root);
    assert.doesNotMatch(once.find((file) => file.startsWith('etc/fstab ')) ?? '', /PARTUUID|LABEL/);
    const again = await found(root);
    assert.deepEqual(listing(root), once);
    assert.ok(
      again.every((finding) => !/fstab|unit-disabled|! left/.test(finding)),
      again.join('\n'),
    );
  });

  test(`${layout.name} with prepare=false: nothing is changed, and all that would have been is told as a warning`, async (t) => {
    const root = lay(t, layout);
    const before = listing(root);
    const told = await found(root, { isLeft: true });
    assert.deepEqual(listing(root), before);
    const expected = [...left([...paths, ...leasesOf(name)]), 'not-prepared', ...card, cmdline, ...also];
    assert.deepEqual(told.toSorted(), expected.toSorted());
  });

  test(`${layout.name}: its kernel is told of its NFS root and of nothing on a card`, () => {
    const source = layout.files.find(({ path }) => path === 'boot/firmware/cmdline.txt')?.text ?? '';
    const target = { nfsServer: '10.99.0.1' as never, nfsRoot: '/nfs/687680cd', piId: requirePiId('687680cd') };
    const root = 'root=/dev/nfs nfsroot=10.99.0.1:/nfs/687680cd,vers=3 rw ip=dhcp rootwait';
    assert.equal(renderCmdline(source, target), `${line} ${root}\n`);
  });

  test(`${layout.name}: each of its files says where it is from`, () => {
    for (const { path, source } of layout.files) assert.match(source, /\S{6}/, path);
    assert.equal(new Set(layout.files.map(({ path }) => path)).size, layout.files.length);
  });
}

test('ifupdown: wired networks by DHCP become manual, all else stays', () => {
  const text =
    'auto lo eth0\niface lo inet loopback\niface eth0 inet dhcp\n  metric 5\niface eth0 inet6 auto\n  iface end0 inet dhcp\niface wlan0 inet dhcp\n#iface eth1 inet dhcp\n';
  const manual = text.replace('eth0 inet dhcp', 'eth0 inet manual').replace('end0 inet dhcp', 'end0 inet manual');
  assert.equal(manualInterfaces(text), manual);
  assert.equal(manualInterfaces(manual), manual);
});
