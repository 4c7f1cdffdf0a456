import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Ipv4, parseIpv4 } from '../../core/ids.ts';
import type { NfsExport } from '../../exports/nfs/backend.ts';
import { canonicalClient, canonicalSubnet, parseClient } from '../../exports/nfs/client.ts';
import {
  PLAIN_SOCKET,
  quotePath,
  renderBusConf,
  renderExport,
  renderGaneshaConf,
} from '../../exports/nfs/ganesha/config.ts';
import { isBakeryCode } from '../contract/nfs-expect.ts';

function ip(text: string): Ipv4 {
  const address = parseIpv4(text);
  assert.ok(address);
  return address;
}

const root: NfsExport = {
  id: 7,
  path: '/data/nfs/0123abcd',
  client: { kind: 'address', address: ip('10.1.2.3') },
  access: 'rw',
};

/** The settings of a rendered file, without layout. */
function settings(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

describe('an export as ganesha reads it', () => {
  test('only the one client has access', () => {
    const lines = settings(renderExport(root));
    assert.ok(lines.includes('Access_Type = None;'));
    assert.ok(lines.indexOf('Access_Type = None;') < lines.indexOf('CLIENT {'));
    assert.deepEqual(lines.slice(lines.indexOf('CLIENT {')), [
      'CLIENT {',
      'Clients = 10.1.2.3/32;',
      'Access_Type = RW;',
      '}',
      '}',
    ]);
  });

  test('id, path, pseudo path and fsid', () => {
    const lines = settings(renderExport({ ...root, access: 'ro', client: { kind: 'any' } }));
    for (const line of [
      'Export_Id = 7;',
      'Path = "/data/nfs/0123abcd";',
      'Pseudo = "/data/nfs/0123abcd";',
      'Filesystem_id = 7.1;',
      'Clients = *;',
      'Access_Type = RO;',
    ]) {
      assert.ok(lines.includes(line), line);
    }
  });

  test('a subnet loses its host bits', () => {
    assert.match(
      renderExport({ ...root, client: { kind: 'subnet', cidr: '10.1.2.3/16' } }),
      /Clients = 10\.1\.0\.0\/16;/,
    );
  });

  for (const id of [0, -1, 65536, 1.5, Number.NaN]) {
    test(`id ${id} is refused`, () =>
      assert.throws(() => renderExport({ ...root, id }), isBakeryCode('export-invalid')));
  }

  for (const cidr of ['10.0.0.0', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/8; Access_Type = RW', '::/0', '']) {
    test(`subnet ${JSON.stringify(cidr)} is refused`, () => {
      const client = { kind: 'subnet', cidr } as const;
      assert.throws(() => renderExport({ ...root, client }), isBakeryCode('export-invalid'));
    });
  }
});

describe('paths in the configuration', () => {
  for (const path of ['/a', "/a b/c'd", '/a#b;c$d{}', '/é/ü', '/a/.hidden', '/a/..b']) {
    test(`${path} is quoted`, () => assert.equal(quotePath(path), `"${path}"`));
  }
  for (const path of [
    '',
    'a',
    '/',
    '/a/',
    '/a//b',
    '/a/./b',
    '/a/..',
    '/../a',
    '/a"b',
    '/a\\b',
    '/a\nb',
    '/a\u0000',
    '/a\u007f',
    `/${'a'.repeat(1000)}`,
  ]) {
    test(`${JSON.stringify(path.slice(0, 20))} is refused`, () =>
      assert.throws(() => quotePath(path), isBakeryCode('export-invalid')));
  }
});

test("the server's file has ports, no export and no lock manager", () => {
  const text = renderGaneshaConf({ ports: { nfs: 3049, mountd: 30048 }, recoveryRoot: '/data/nfs-server/recovery' });
  const lines = settings(text);
  for (const line of ['NFS_Port = 3049;', 'MNT_Port = 30048;', 'Enable_NLM = false;', 'mount_path_pseudo = true;']) {
    assert.ok(lines.includes(line), line);
  }
  assert.doesNotMatch(text, /EXPORT/);
});

test('the bus has one plain socket and lets only root in', () => {
  const text = renderBusConf('/data/nfs-server/bus.sock');
  assert.match(text, /<listen>unix:path=\/data\/nfs-server\/bus\.sock<\/listen>/);
  assert.match(text, /<deny user="\*"\/>\s*<allow user="root"\/>/);
  for (const socket of ['/a b', '/a<b', '/a,b', '/a=b', 'a', `/${'a'.repeat(100)}`]) {
    assert.doesNotMatch(socket, PLAIN_SOCKET);
    assert.throws(() => renderBusConf(socket), isBakeryCode('bus-socket-invalid'));
  }
});

describe('clients', () => {
  test('two spellings of one set are one text', () => {
    assert.equal(canonicalSubnet('10.1.2.3/24'), '10.1.2.0/24');
    assert.equal(canonicalSubnet('255.255.255.255/1'), '128.0.0.0/1');
    assert.equal(canonicalClient({ kind: 'subnet', cidr: '1.2.3.4/0' }), '*');
    assert.equal(canonicalClient({ kind: 'any' }), '*');
    assert.equal(
      canonicalClient({ kind: 'subnet', cidr: '10.1.2.3/32' }),
      canonicalClient({ kind: 'address', address: ip('10.1.2.3') }),
    );
  });

  test('what is rendered is read back', () => {
    for (const client of [{ kind: 'any' }, root.client, { kind: 'subnet', cidr: '10.0.0.0/8' }] as const) {
      assert.deepEqual(parseClient(canonicalClient(client) ?? ''), client);
    }
  });

  test('of two addresses of one client it does not matter which is which', () => {
    const [one, other] = [ip('10.1.2.3'), ip('10.1.2.10')];
    const both = canonicalClient({ kind: 'address', address: one, also: other });
    assert.equal(both, '10.1.2.10/32, 10.1.2.3/32');
    assert.equal(canonicalClient({ kind: 'address', address: other, also: one }), both);
    assert.equal(canonicalClient({ kind: 'address', address: one, also: one }), '10.1.2.3/32');
  });

  test('a strange text equals no client', () => {
    assert.equal(canonicalClient(parseClient('@netgroup')), undefined);
  });
});
