import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import type { Ipv4 } from '../../core/ids.ts';
import { legacyStatus, nextPiState, PI_EVENTS, PI_STATES } from '../../core/pi.ts';
import { subnetOf } from '../../core/subnet.ts';
import { chooseAddress, isOnOurWires, oneOnEachWire, onInterfaces } from '../../server/address.ts';
import { helpText, readConfig } from '../../server/config.ts';
import { presentedToken } from '../../server/http/auth.ts';
import { backendOf } from '../../server/root.ts';

test('without settings everything has its default', () => {
  const config = readConfig([], {});
  assert.equal(config.HTTP_PORT, 8080);
  assert.ok(config.BAKERY_ROOT.endsWith('/data'));
  assert.equal(config.BAKERY_ROOT_SIZE, 8 * 1024 ** 3);
  assert.deepEqual(config.BAKERY_TRUSTED_RELAYS, ['127.0.0.1']);
});

test('a flag is the setting of the same name and wins over the environment', () => {
  const env = { HTTP_PORT: '1', BAKERY_ROOT: '/a', HOME: '/root' };
  const config = readConfig(['--http-port', '2', '--root=/b', '--trusted-relays', '10.0.0.1, 10.0.0.2'], env);
  assert.deepEqual([config.HTTP_PORT, config.BAKERY_ROOT], [2, '/b']);
  assert.deepEqual(config.BAKERY_TRUSTED_RELAYS, ['10.0.0.1', '10.0.0.2']);
});

const wrong: [readonly string[], Record<string, string>, RegExp][] = [
  [['--no-such'], {}, /there is no flag --no-such/],
  [['--http-port'], {}, /--http-port needs a value/],
  [[], { BAKERY_NO_SUCH: '1' }, /there is no setting BAKERY_NO_SUCH/],
  [['--root', '/srv/my bakery'], {}, /BAKERY_ROOT.*letters/],
  [['--root', '/srv/a,b'], {}, /BAKERY_ROOT.*letters/],
  [[], { HTTP_PORT: '99999' }, /^HTTP_PORT \(--http-port\): /],
  [[], { BAKERY_ADDRESS: 'here' }, /BAKERY_ADDRESS.*IPv4/],
  [[], { BAKERY_ROOT_SIZE: '8 apples' }, /BAKERY_ROOT_SIZE/],
  [[], { BAKERY_EXPORT_POLICY: 'subnet' }, /BAKERY_EXPORT_SUBNET.*needed/],
  [[], { BAKERY_NFS_BACKEND: 'nfsd', BAKERY_NFS_PORT: '3049' }, /^BAKERY_NFS_PORT \(--nfs-port\): is 2049/],
  [[], { BAKERY_NFS_BACKEND: 'nfsd', BAKERY_MOUNTD_PORT: '1' }, /^BAKERY_MOUNTD_PORT .*no setting/],
  [[], { BAKERY_POWER_MODULES: '/opt/a.ts, b.ts' }, /^BAKERY_POWER_MODULES \(--power-modules\): .*absolute/],
  [[], { BAKERY_DHCP: 'server' }, /^BAKERY_DHCP \(--dhcp\): /],
  [[], { BAKERY_INTERFACES: 'eth0,eth/1' }, /^BAKERY_INTERFACES.*names of interfaces/],
  [[], { BAKERY_POWER: 'ppi' }, /PPI_PATH.*needed/],
  [[], { BAKERY_LABEL: 'a\nb' }, /^BAKERY_LABEL \(--label\): .*ASCII/],
  [[], { BAKERY_ADMIN_TOKEN: 'short' }, /BAKERY_ADMIN_TOKEN.*16/],
];
for (const [argv, env, message] of wrong) {
  test(`one clear line: ${message.source}`, () => {
    assert.throws(
      () => readConfig(argv, env),
      (error: Error) => message.test(error.message) && !error.message.includes('\n'),
    );
  });
}

test('the NFS server is the one of the setting, and auto is ganesha', () => {
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const backend = (BAKERY_NFS_BACKEND: string) => backendOf(readConfig([], { BAKERY_NFS_BACKEND }), quiet, { exec });
  assert.deepEqual(
    ['auto', 'ganesha', 'nfsd'].map((word) => backend(word).name),
    ['ganesha', 'ganesha', 'nfsd'],
  );
  assert.deepEqual(backend('nfsd').ports(), { nfs: 2049, mountd: 20_048 });
});

test('--help names every setting with its flag', () => {
  const text = helpText();
  for (const name of ['BAKERY_ROOT', 'HTTP_PORT', 'BAKERY_TFTP_PORT', '--export-policy', '[8080]'])
    assert.ok(text.includes(name), name);
});

const local = (address: string, name: string, loopback = false) => ({
  address: address as Ipv4,
  interface: name,
  loopback,
});

test('the address is the wished one, the default route’s, or the only one', () => {
  const addresses = [local('127.0.0.1', 'lo', true), local('10.0.0.1', 'eth0'), local('10.1.0.1', 'eth1')];
  const choose = (wished: string | undefined, route: string | undefined, list = addresses) =>
    chooseAddress({ wished: wished as Ipv4 | undefined, addresses: list, defaultInterface: route }).address;
  assert.equal(choose('10.9.9.9', undefined), '10.9.9.9');
  assert.equal(choose(undefined, 'eth1'), '10.1.0.1');
  assert.equal(choose(undefined, undefined, addresses.slice(0, 2)), '10.0.0.1');
  assert.equal(choose(undefined, undefined, addresses.slice(0, 1)), '127.0.0.1');
  assert.throws(() => choose(undefined, undefined), /10\.0\.0\.1 \(eth0\), 10\.1\.0\.1 \(eth1\)/);
});

test('a token is read from Bearer and from the password of Basic', () => {
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  assert.equal(presentedToken('Bearer abc'), 'abc');
  assert.equal(presentedToken('bearer abc'), 'abc');
  assert.equal(presentedToken(basic('cpi:a:b')), 'a:b');
  for (const header of [undefined, '', 'Bearer', 'Digest abc', basic('nocolon'), 'Bearer a b'])
    assert.equal(presentedToken(header), undefined, header);
});

test('every move of a Pi that is not in the table is refused', () => {
  const allowed = PI_STATES.flatMap((state) =>
    PI_EVENTS.flatMap((event) => {
      const next = nextPiState(state, event);
      return next ? [`${state} -${event}-> ${next}`] : [];
    }),
  );
  assert.deepEqual(allowed, [
    'fridge -bake-> baking',
    'baking -baked-> baked',
    'baking -undone-> fridge',
    'baking -kept-> baked',
    'baking -stuck-> held',
    'baked -rebake-> baking',
    'baked -unbake-> unbaking',
    'unbaking -cleaned-> fridge',
    'unbaking -stuck-> held',
    'held -retry-bake-> baking',
    'held -retry-unbake-> unbaking',
    'held -release-> fridge',
  ]);
  assert.deepEqual(PI_STATES.map(legacyStatus), [1, 3, 2, 3, 3]);
});

test('only the interfaces that are named serve Pis, and loopback; one that is not there stops the start', () => {
  const lo = local('127.0.0.1', 'lo', true);
  const all = [lo, local('10.0.0.1', 'eth0'), local('10.0.0.2', 'eth0'), local('10.1.0.1', 'eth1')];
  assert.deepEqual(onInterfaces(all, []), all);
  assert.deepEqual(onInterfaces(all, ['eth1']), [lo, local('10.1.0.1', 'eth1')]);
  assert.throws(() => onInterfaces(all, ['eth0', 'eth2']), /eth2, which has no IPv4 address; .* lo, eth0, eth1/);
  assert.deepEqual(oneOnEachWire(all, '10.0.0.2' as Ipv4), ['10.0.0.2', '10.1.0.1']);
  assert.deepEqual(oneOnEachWire(all, '10.1.0.1' as Ipv4), ['10.0.0.1', '10.1.0.1']);
  assert.deepEqual(oneOnEachWire([lo], '127.0.0.1' as Ipv4), []);
});

test('an address is on our wires when it is another’s in a subnet of ours; loopback is no wire', () => {
  const all = [local('127.0.0.1', 'lo', true), local('10.0.0.1', 'eth0')];
  const isOn = (address: string) => isOnOurWires(address as Ipv4, all, (own) => subnetOf(own, '255.255.255.0' as Ipv4));
  assert.deepEqual(['10.0.0.9', '10.0.0.1', '10.0.1.9', '127.0.0.9'].map(isOn), [true, false, false, false]);
  assert.equal(
    isOnOurWires('10.0.0.9' as Ipv4, all, () => undefined),
    false,
  );
});
