import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DbusValue } from '../../exports/nfs/ganesha/dbus-message.ts';
import { parseDisplayExport, parseShowClients, parseShowExports } from '../../exports/nfs/ganesha/reply.ts';
import { isBakeryCode } from '../contract/nfs-expect.ts';

// Replies of ganesha 4.3, shortened.
const shown = (id: number, path: string): DbusValue => [id, path, [['NFSv3', false]], [0, 0]];
const show = (...exports: readonly DbusValue[]): DbusValue[] => [[1795511637, 754058844], exports];
const rule = (client: string, options: number): DbusValue => [
  client,
  0,
  0,
  255,
  1,
  4294967294,
  4294967294,
  0,
  options,
  480,
];
const display = (...rules: readonly DbusValue[]): DbusValue[] => [1, '/run/dat1', '/run/dat1', '', rules];

const RW = 53490146;
const RO = 53489826;

describe('replies of ganesha', () => {
  test('ShowExports: the pseudo root is none of ours', () => {
    const text = show(shown(0, '/'), shown(1, "/run/a b'c"), shown(65535, '/run/dat2'));
    assert.deepEqual(parseShowExports(text), [
      { id: 1, path: "/run/a b'c" },
      { id: 65535, path: '/run/dat2' },
    ]);
    assert.deepEqual(parseShowExports(show()), []);
  });

  test('ShowClients: who has asked, and when, of ganesha 4.3 and of 6.5', () => {
    const heard = { address: '10.0.0.1', heardAt: 1_795_894_491_000 + 40_756_115 / 1e6 };
    for (const more of [[], [['Open', 0, 'Lock', 2]]]) {
      const client = (name: string): DbusValue => [name, [['NFSv3', true]], ...more, [1795894491, 40756115]];
      assert.deepEqual(parseShowClients(show(client('::ffff:10.0.0.1'), client('fe80::1'))), [heard]);
    }
    assert.throws(() => parseShowClients(show('nobody')), isBakeryCode('nfs-reply-unreadable'));
  });

  test('DisplayExport: client and access are what the server says', () => {
    const base = { id: 1, path: '/run/dat1' };
    assert.deepEqual(parseDisplayExport(display(rule('10.0.0.1/32', RW))), {
      ...base,
      client: { kind: 'address', address: '10.0.0.1' },
      access: 'rw',
    });
    assert.deepEqual(parseDisplayExport(display(rule('10.0.0.0/24', RO))), {
      ...base,
      client: { kind: 'subnet', cidr: '10.0.0.0/24' },
      access: 'ro',
    });
    assert.deepEqual(parseDisplayExport(display(rule('*', RW))).client, { kind: 'any' });
    const both = display(rule('10.0.0.1/32', RW), rule('10.0.0.2/32', RW));
    assert.deepEqual(parseDisplayExport(both), {
      ...base,
      client: { kind: 'address', address: '10.0.0.1', also: '10.0.0.2' },
      access: 'rw',
    });
  });

  test('DisplayExport: what Bakery never writes has a client nobody can want', () => {
    for (const text of [
      display(),
      display(rule('10.0.0.1/32', 0)),
      display(rule('10.0.0.1/32', RW), rule('10.0.0.2/32', RO)),
      display(rule('10.0.0.1/32', RW), rule('10.0.0.0/24', RW)),
      display(rule('10.0.0.1/32', RW), rule('10.0.0.2/32', RW), rule('10.0.0.3/32', RW)),
    ]) {
      const { client } = parseDisplayExport(text);
      assert.ok(client.kind === 'subnet' && !/^[\d./]+$/.test(client.cidr), JSON.stringify(client));
    }
  });

  for (const reply of [[], [[0, 0], 'x'], [[0, 0], [1]], [[0, 0], [['1', '/x']]]] satisfies DbusValue[][]) {
    test(`unreadable: ${JSON.stringify(reply)}`, () => {
      assert.throws(() => parseShowExports(reply), isBakeryCode('nfs-reply-unreadable'));
      assert.throws(() => parseDisplayExport(reply), isBakeryCode('nfs-reply-unreadable'));
    });
  }
});
