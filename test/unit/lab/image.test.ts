import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findMirror, parseDeb822, parseOneLine } from '../../lab/image/apt.ts';
import { loadOrder } from '../../lab/image/modules.ts';

const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

test('a one-line apt source is read with its options', () => {
  const text = `# deb http://no/debian bookworm main
deb [arch=amd64 signed-by=${KEYS}] http://a.test/debian bookworm main contrib
deb-src http://a.test/debian bookworm main
  deb http://b.test/debian bookworm-updates main
`;
  assert.deepEqual(parseOneLine(text), [
    { uri: 'http://a.test/debian', suite: 'bookworm', signedBy: KEYS },
    { uri: 'http://b.test/debian', suite: 'bookworm-updates', signedBy: undefined },
  ]);
});

test('a deb822 apt source is read: several suites, comments in between, disabled stanzas left out', () => {
  const text = `Types: deb deb-src
# URIs: http://old.test/debian
URIs: http://a.test/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: ${KEYS}

Types: deb
Enabled: no
URIs: http://b.test/debian
Suites: bookworm

Types: deb-src
URIs: http://c.test/debian
Suites: bookworm
`;
  assert.deepEqual(parseDeb822(text), [
    { uri: 'http://a.test/debian', suite: 'bookworm', signedBy: KEYS },
    { uri: 'http://a.test/debian', suite: 'bookworm-updates', signedBy: KEYS },
  ]);
});

test('a machine without a Debian source of its release is told so', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bakery-apt-'));
  try {
    const release = join(folder, 'os-release');
    writeFileSync(release, 'VERSION_CODENAME=bookworm\n');
    assert.throws(() => findMirror(folder, release), /no Debian mirror for bookworm/);
    writeFileSync(
      join(folder, 'sources.list'),
      'deb http://x.test/other bookworm main\ndeb http://x.test/debian bookworm main\n',
    );
    assert.equal(findMirror(folder, release).uri, 'http://x.test/debian');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('modules are loaded after what they depend on, built-in ones not at all', () => {
  const dep = `kernel/fs/nfs/nfs.ko: kernel/net/sunrpc/sunrpc.ko kernel/fs/lockd/lockd.ko
kernel/fs/lockd/lockd.ko: kernel/net/sunrpc/sunrpc.ko
kernel/net/sunrpc/sunrpc.ko:
kernel/drivers/usb/phy/phy-generic.ko.xz:
`;
  assert.deepEqual(loadOrder(['phy_generic', 'nfs', 'ext4'], dep, 'kernel/fs/ext4/ext4.ko\n'), [
    'kernel/drivers/usb/phy/phy-generic.ko.xz',
    'kernel/net/sunrpc/sunrpc.ko',
    'kernel/fs/lockd/lockd.ko',
    'kernel/fs/nfs/nfs.ko',
  ]);
  assert.throws(() => loadOrder(['dwc2'], dep, ''), /no module dwc2/);
});

/** What the guest reads disks.json and settings.json with, by the awk of this machine. */
function flatten(json: string): string[] {
  const program = fileURLToPath(new URL('../../lab/image/files/root/json.awk', import.meta.url));
  return execFileSync('awk', ['-f', program], { input: json, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
    .trimEnd()
    .split('\n');
}

test('the guest reads JSON as it comes: in one line or many, members in any order, nested ones apart', () => {
  const disks = [
    { id: 'a', location: '/srv/nfs/a b', size: 16, nfsAddress: '10.99.0.1' },
    { nfsAddress: '10.99.0.1', location: '/srv/{x}"y\\z', size: 0, id: 'b' },
  ];
  for (const text of [JSON.stringify(disks), JSON.stringify(disks, null, 2), JSON.stringify(disks, null, '\t')]) {
    const lines = flatten(text);
    for (const line of [
      '0.location\t/srv/nfs/a b',
      '1.location\t/srv/{x}"y\\z',
      '1.nfsAddress\t10.99.0.1',
      'length\t2',
    ])
      assert.ok(lines.includes(line), `${line} in ${lines.join('|')}`);
  }
  assert.deepEqual(flatten('[]'), ['length\t0']);
  const settings = flatten(
    JSON.stringify({ env: { nonce: 'wrong' }, nonce: 'right', list: [{ nonce: 'wrong' }], on: true }),
  );
  assert.ok(settings.includes('nonce\tright'));
});

test('the guest refuses what is no JSON', () => {
  for (const text of ['', '[', '{"a":}', '[1,]', '[] x', '{"a" 1}', '{"a":"b'])
    assert.throws(() => flatten(text), Error, JSON.stringify(text));
});
