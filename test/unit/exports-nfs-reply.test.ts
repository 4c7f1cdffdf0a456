import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseDisplayExport, parseReply, parseShowClients, parseShowExports } from '../../exports/nfs/ganesha/reply.ts';
import { isBakeryCode } from '../contract/nfs-expect.ts';

// Replies of ganesha 4.3 through dbus-send 1.14.10, shortened.
const HEADER = 'method return time=1795511638.742495 sender=:1.0 -> destination=:1.1 serial=4 reply_serial=2\n';

function shown(id: number, path: string): string {
  return `      struct {
         uint16 ${id}
         string "${path}"
         struct {
            struct {
               string "NFSv3"
               boolean false
            }
         }
         struct {
            uint64 0
            uint64 0
         }
      }
`;
}

function show(...exports: readonly string[]): string {
  return `${HEADER}   struct {
      uint64 1795511637
      uint64 754058844
   }
   array [
${exports.join('')}   ]
`;
}

function rule(client: string, options: number): string {
  return `      struct {
         string "${client}"
         int32 0
         byte 0
         byte 255
         int32 1
         uint32 4294967294
         uint32 4294967294
         uint32 0
         uint32 ${options}
         uint32 480
      }
`;
}

function display(...rules: readonly string[]): string {
  return `${HEADER}   uint16 1
   string "/run/dat1"
   string "/run/dat1"
   string ""
   array [
${rules.join('')}   ]
`;
}

/** What 6.5 tells of a client that 4.3 does not. */
const HELD = `         struct {
            string "Open"
            uint64 0
            string "Lock"
            uint64 2
         }
`;

function client(name: string, more = ''): string {
  return `      struct {
         string "${name}"
         struct {
            struct {
               string "NFSv3"
               boolean true
            }
         }
${more}         struct {
            uint64 1795894491
            uint64 40756115
         }
      }
`;
}

const RW = 53490146;
const RO = 53489826;

describe('dbus-send replies', () => {
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
    for (const more of ['', HELD]) {
      assert.deepEqual(parseShowClients(show(client('::ffff:10.0.0.1', more), client('fe80::1', more))), [heard]);
    }
    assert.throws(
      () => parseShowClients(show(shown(1, '/run/dat1'), '      string "nobody"\n')),
      isBakeryCode('nfs-reply-unreadable'),
    );
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

  test('strings keep blanks and look-alikes of syntax', () => {
    assert.deepEqual(parseReply(`${HEADER}   string "a } ] struct {"\n   string ""\n`), ['a } ] struct {', '']);
  });

  for (const text of [
    '',
    'Error org.freedesktop.DBus.Error.ServiceUnknown: x',
    `${HEADER}   array [\n`,
    `${HEADER}   ]\n`,
    `${HEADER}   string "two\nlines"\n`,
    `${HEADER}   variant string "x"\n`,
  ]) {
    test(`unreadable: ${JSON.stringify(text.slice(-30))}`, () =>
      assert.throws(() => parseReply(text), isBakeryCode('nfs-reply-unreadable')));
  }
});
