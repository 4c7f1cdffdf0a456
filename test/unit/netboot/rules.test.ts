import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ipv4, Mac, PiId } from '../../../core/ids.ts';
import {
  type AddressFacts,
  decideAddress,
  decideLeaving,
  keptAddress,
  type LeavingFacts,
} from '../../../netboot/addresses.ts';
import { renderCmdline } from '../../../netboot/files/cmdline.ts';
import { parseBootPath } from '../../../netboot/files/path.ts';

test('a path names its Pi by serial or by MAC, or nobody', () => {
  const cases: [string, unknown][] = [
    ['687680cd/start.elf', { piId: '687680cd', rest: 'start.elf' }],
    ['687680CD//config.txt', { piId: '687680cd', rest: 'config.txt' }],
    ['/0060cd37/overlays/x.dtbo', { piId: '0060cd37', rest: 'overlays/x.dtbo' }],
    ['dc-a6-32-01-36-c2/start4.elf', { mac: 'dc:a6:32:01:36:c2', rest: 'start4.elf' }],
    ['bootcode.bin', { rest: 'bootcode.bin' }],
    ['687680cd', { rest: '687680cd' }],
    ['overlays/x.dtbo', { rest: 'overlays/x.dtbo' }],
    ['00000000/config.txt', { rest: '00000000/config.txt' }],
  ];
  for (const [path, expected] of cases) assert.deepEqual(parseBootPath(path), expected, path);
  for (const path of [
    '',
    '/',
    '..',
    '687680cd/../x',
    '687680cd/..',
    'a\0b',
    'a\\b',
    'x'.repeat(256),
    'é'.repeat(128),
    'a\nb',
  ]) {
    assert.equal(parseBootPath(path), undefined, JSON.stringify(path));
  }
});

const target = { nfsServer: '10.0.0.1' as Ipv4, nfsRoot: '/srv/nfs/687680cd', piId: '687680cd' as PiId };

test('a stock command line gets an NFS root in place of its card', () => {
  const trixie =
    'console=serial0,115200 console=tty1 root=PARTUUID=1234-02 rootfstype=ext4 fsck.repair=yes rootwait resize ds=nocloud;i=rpi-1\n';
  assert.equal(
    renderCmdline(trixie, target),
    'console=serial0,115200 console=tty1 ds=nocloud;i=rpi-1 root=/dev/nfs nfsroot=10.0.0.1:/srv/nfs/687680cd,vers=3 rw ip=dhcp rootwait\n',
  );
  const bookworm =
    'console=tty1 root=PARTUUID=1-02 quiet init=/usr/lib/raspberrypi-sys-mods/firstboot elevator=deadline';
  assert.match(renderCmdline(bookworm, target), /^console=tty1 quiet root=\/dev\/nfs /);
  assert.match(
    renderCmdline('init=/sbin/mine dyndbg="file a b"', target),
    /^init=\/sbin\/mine dyndbg="file a b" root=/,
  );
});

test('what would start the card’s first boot is dropped, however it is written', () => {
  const nothing = 'root=/dev/nfs nfsroot=10.0.0.1:/srv/nfs/687680cd,vers=3 rw ip=dhcp rootwait';
  for (const word of [
    'root=/dev/mmcblk0p2',
    '"root=/dev/mmcblk0p2"',
    'rootflags="a b"',
    'nfsroot=10.9.9.9:/x',
    'ip=10.0.0.9::::eth0:off',
    'init=/usr/lib/raspberrypi-sys-mods/firstboot',
    'init=/usr/lib/raspi-config/init_resize.sh',
    'fsck.mode=force',
    'ro',
    'rootwait=10',
    'rootdelay=5',
    'systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target',
  ]) {
    assert.equal(renderCmdline(`${word} quiet`, target), `quiet ${nothing}\n`, word);
  }
  assert.equal(renderCmdline('', target), `${nothing}\n`);
  assert.equal(
    renderCmdline('quiet systemd.unit=rescue.target -- single root=x', target),
    `quiet systemd.unit=rescue.target ${nothing} -- single root=x\n`,
    'what follows -- is init’s',
  );
});

test('only the first line counts, as for the firmware', () => {
  assert.match(renderCmdline('\nquiet\r\nsecond line\n', target), /^quiet root=/);
});

test('a template of the original Bakery is filled in and otherwise left alone', () => {
  const line =
    'root=/dev/nfs nfsroot={{.NfsServer}}:{{ .NfsRoot }},vers=3 rw ip=dhcp rootwait elevator=deadline pi={{.PiId}}';
  assert.equal(
    renderCmdline(line, target),
    'root=/dev/nfs nfsroot=10.0.0.1:/srv/nfs/687680cd,vers=3 rw ip=dhcp rootwait elevator=deadline pi=687680cd\n',
  );
});

test('ports that rpcbind would not tell are named', () => {
  const ports = { nfs: 12049, mountd: 12048 };
  assert.match(renderCmdline('quiet', { ...target, ports }), /vers=3,port=12049,mountport=12048 rw/);
  assert.match(
    renderCmdline('nfsroot={{.NfsServer}}:{{.NfsRoot}},vers=3 rw', { ...target, ports }),
    /vers=3,port=12049,mountport=12048 rw/,
  );
});

test('a line that the kernel would cut is refused', () => {
  assert.throws(() => renderCmdline(`x=${'y'.repeat(2100)}`, target), { code: 'cmdline-too-long' });
});

const NOW = 1_000_000;
const MAC = 'b8:27:eb:64:24:7d' as Mac;
const PI4 = 'dc:a6:32:01:36:c2' as Mac;
const ME = '5564247d' as PiId;
const OTHER = '11111111' as PiId;
const HERE = '10.0.0.5' as Ipv4;
const THERE = '10.0.0.6' as Ipv4;
const facts = (change: Partial<AddressFacts>): AddressFacts => ({
  now: NOW,
  claimed: ME,
  client: HERE,
  relay: false,
  neighbour: MAC,
  toldSerial: undefined,
  pi: undefined,
  macOwner: undefined,
  addressOwner: undefined,
  ...change,
});
const known = (change: Partial<NonNullable<AddressFacts['pi']>> = {}) => ({
  mac: MAC as Mac | undefined,
  address: HERE as Ipv4 | undefined,
  addressSeenAt: (NOW - 1000) as number | undefined,
  bootExpectedUntil: undefined as number | undefined,
  ...change,
});

test('an unknown Pi enters with the board that the neighbour table shows', () => {
  assert.deepEqual(decideAddress(facts({})), { kind: 'register', mac: MAC, address: HERE, previousOwner: undefined });
  assert.equal(decideAddress(facts({ neighbour: undefined })).kind, 'stranger');
  assert.equal(
    decideAddress(facts({ neighbour: 'b8:27:eb:00:00:01' as Mac })).kind,
    'stranger',
    'MAC and serial of a Pi 3 agree',
  );
  assert.equal(decideAddress(facts({ neighbour: PI4 })).kind, 'register', 'those of a Pi 4 need not');
});

test('a board that told another serial by DHCP enters under no other; once it is bound it is not doubted', () => {
  const pi4 = { neighbour: PI4, toldSerial: OTHER };
  assert.equal(decideAddress(facts(pi4)).kind, 'stranger');
  assert.equal(decideAddress(facts({ ...pi4, toldSerial: ME })).kind, 'register');
  assert.equal(decideAddress(facts({ ...pi4, pi: known({ mac: undefined }) })).kind, 'stranger');
  assert.equal(decideAddress(facts({ ...pi4, pi: known({ mac: PI4 }) })).kind, 'same');
});

test('a relay asks for any Pi and binds no address', () => {
  assert.deepEqual(decideAddress(facts({ relay: true, pi: known() })), { kind: 'relay' });
  const entered = decideAddress(facts({ relay: true }));
  assert.deepEqual(entered, { kind: 'register', mac: undefined, address: undefined, previousOwner: undefined });
});

test('a Pi at its own address is itself, another board there is not', () => {
  assert.deepEqual(decideAddress(facts({ pi: known() })), { kind: 'same' });
  assert.equal(decideAddress(facts({ pi: known({ mac: PI4 }) })).kind, 'stranger');
  assert.equal(decideAddress(facts({ pi: known(), macOwner: OTHER })).kind, 'stranger');
});

test('an address moves only when a boot is expected or the old one has been silent', () => {
  const moved = (change: Parameters<typeof known>[0]) =>
    decideAddress(facts({ client: THERE, pi: known(change) })).kind;
  assert.equal(moved({}), 'stranger');
  assert.equal(moved({ bootExpectedUntil: NOW + 1 }), 'bind');
  assert.equal(moved({ bootExpectedUntil: NOW - 1 }), 'stranger');
  assert.equal(moved({ addressSeenAt: NOW - 60_000 }), 'bind');
  assert.equal(moved({ addressSeenAt: NOW + 86_400_000 }), 'bind', 'the clock was set back');
  assert.equal(moved({ address: undefined }), 'bind');
});

test('an address belongs to one Pi: whoever the neighbour table shows there', () => {
  const decision = decideAddress(facts({ client: THERE, pi: known({ address: undefined }), addressOwner: OTHER }));
  assert.deepEqual(decision, { kind: 'bind', mac: MAC, address: THERE, previousOwner: OTHER });
});

test('the address that is in use keeps its access until the Pi has mounted from another, however often it moves', () => {
  const kept = (address: Ipv4 | undefined, previousAddress: Ipv4 | undefined, to: Ipv4) =>
    keptAddress({ address, previousAddress }, to);
  const NEXT = '10.0.0.7' as Ipv4;
  assert.equal(kept(HERE, undefined, THERE), HERE);
  assert.equal(kept(THERE, HERE, NEXT), HERE, 'it never mounted from the one between');
  assert.equal(kept(THERE, HERE, HERE), THERE, 'it may be at either');
  assert.equal(kept(undefined, undefined, THERE), undefined);
  assert.equal(kept(HERE, undefined, HERE), undefined);
  assert.equal(kept(THERE, HERE, THERE), HERE, 'that it asks again changes nothing');
});

test('an old address ends once the new one has mounted, another board is there, or ten minutes have passed', () => {
  const decide = (change: Partial<LeavingFacts>) =>
    decideLeaving({ leftMs: 0, isNewMounted: false, atOld: 'nobody', atNew: 'nobody', ...change });
  assert.equal(decide({}), 'wait');
  assert.equal(decide({ isNewMounted: true, atOld: 'itself' }), 'end');
  assert.equal(decide({ atOld: 'another' }), 'end');
  assert.equal(decide({ leftMs: 599_999, atOld: 'itself' }), 'wait');
  assert.equal(decide({ leftMs: 600_000, atNew: 'itself' }), 'end');
  assert.equal(decide({ leftMs: 600_000 }), 'end');
  assert.equal(decide({ leftMs: 600_000, atOld: 'itself', atNew: 'itself' }), 'end');
});

test('a Pi that has been at its old address all the time, and never at the new one, has the old one back', () => {
  const stayed = { leftMs: 600_000, isNewMounted: false, atOld: 'itself', atNew: 'nobody' } as const;
  assert.equal(decideLeaving(stayed), 'back');
});
