import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RequestFailedError, RequestTimedOutError, ResponseInvalidError } from 'net-snmp';
import { PowerFault } from '../../server/power/driver.ts';
import { toFault } from '../../server/power/switches/snmp/faults.ts';
import { mayBeAnswer } from '../../server/power/switches/snmp/guard.ts';
import { budgetOf, parsePoePort, poeRows } from '../../server/power/switches/snmp/poe.ts';
import { SnmpSettings } from '../../server/power/switches/snmp/settings.ts';
import { readTlv, readTlvs } from '../../server/power/switches/snmp/tlv.ts';
import { comesAfter, walkStep } from '../../server/power/switches/snmp/walk.ts';
import { snmpPoe } from '../../server/power/switches/snmp-poe.ts';
import { integer, octets, sequence, TAG, tlv } from '../lab/switches/ber.ts';

const INTEGER = 2;
const END_OF_MIB_VIEW = 130;
const table = (rows: readonly (readonly [string, readonly unknown[]])[]) => ({ rows: new Map(rows), isWhole: true });

test('settings ask for what proves who we are, and for keys that are long enough', () => {
  const host = 'switch.lan';
  const lacks = (settings: object) =>
    SnmpSettings.safeParse({ host, ...settings }).error?.issues.map(({ path }) => path.join('.'));
  assert.deepEqual(lacks({}), ['user', 'authKey', 'privKey']);
  assert.deepEqual(lacks({ level: 'authNoPriv' }), ['user', 'authKey']);
  assert.deepEqual(lacks({ version: '2c' }), ['community']);
  assert.deepEqual(lacks({ user: 'x', authKey: '1234567', privKey: '12345678' }), ['authKey']);
  assert.deepEqual(lacks({ version: '2c', community: 'x', level: 'noAuthNoPriv' }), ['level']);
  assert.deepEqual(lacks({ version: '1', community: 'x' }), ['version']);
  assert.deepEqual(lacks({ version: '2c', community: 'x', host: 'a b' }), ['host']);
  assert.equal(lacks({ version: '2c', community: 'x', host: 'fe80::1' }), undefined);
  assert.deepEqual(snmpPoe.secrets, ['community', 'authKey', 'privKey']);
});

test('a port has one spelling', () => {
  assert.deepEqual(parsePoePort('1.12'), { group: 1, port: 12 });
  assert.deepEqual(parsePoePort('2147483647.1'), { group: 2_147_483_647, port: 1 });
  for (const name of ['12', '1.012', '01.12', '1.0', '0.1', '1.12.3', '1.-1', '1.2147483648', ' 1.1', '1.1\n', '']) {
    assert.throws(() => parsePoePort(name), { severity: 'fatal' }, name);
  }
});

test('what a table says of ports is taken only as far as it makes sense', () => {
  const rows = table([
    ['1.1', [1, 3]],
    ['1.2', [2, 2]],
    ['1.3', [0, undefined]],
    ['1.4', [Buffer.from('1'), 'x']],
    ['7', [1, 3]],
    ['1.2.3', [1, 3]],
  ]);
  const told = poeRows(rows).map(({ name, power, delivers }) => [name, power, delivers]);
  assert.deepEqual(told, [
    ['1.1', 'on', true],
    ['1.2', 'off', false],
    ['1.3', 'unknown', undefined],
    ['1.4', 'unknown', undefined],
  ]);
  assert.deepEqual(
    budgetOf(
      table([
        ['1', [370, 12]],
        ['2', [30, 0]],
      ]),
    ),
    { limitMilliwatts: 400_000, usedMilliwatts: 12_000 },
  );
  for (const row of [
    [370, undefined],
    [undefined, 3],
    [0, 0],
  ])
    assert.equal(budgetOf(table([['1', row]])), undefined);
});

test('names come one after the other as their numbers do', () => {
  assert.ok(comesAfter('1.3.10', '1.3.9'));
  assert.ok(comesAfter('1.3.9.1', '1.3.9'));
  assert.ok(!comesAfter('1.3.9', '1.3.9.1'));
  assert.ok(!comesAfter('1.3.9', '1.3.9'));
  const name = fc.array(fc.nat(300), { minLength: 1, maxLength: 5 }).map((numbers) => numbers.join('.'));
  fc.assert(fc.property(name, name, (a, b) => (a === b ? !comesAfter(a, b) : comesAfter(a, b) !== comesAfter(b, a))));
});

test('a walk ends each column where it ends, goes on after what was cut off, and never goes back', () => {
  const rows = new Map<string, unknown[]>();
  const value = (oid: string, type = INTEGER) => ({ oid, type, value: 7 });
  const columns = ['1.3', '1.4', '1.5'].map((oid, place) => ({ oid, place, last: oid }));
  const next = walkStep(columns, [[value('1.3.1'), value('1.3.2')], [value('1.5.1')], []], rows);
  assert.deepEqual(
    next.map(({ place, last }) => [place, last]),
    [
      [0, '1.3.2'],
      [2, '1.5'],
    ],
  );
  assert.deepEqual(
    walkStep(next, [[value('1.3.2', END_OF_MIB_VIEW)], [value('1.5.2')]], rows).map(({ last }) => last),
    ['1.5.2'],
  );
  assert.deepEqual(
    [...rows].map(([index, row]) => [index, row[0], row[1], row[2]]),
    [
      ['1', 7, undefined, undefined],
      ['2', 7, undefined, 7],
    ],
  );
  for (const answer of [[[value('1.3.2')]], [[value('1.3.1')]], [[]], []]) {
    assert.throws(() => walkStep([{ oid: '1.3', place: 0, last: '1.3.2' }], answer, rows), { severity: 'retryable' });
  }
});

test('a length that is not told, or leads out of the datagram, is none', () => {
  assert.deepEqual(readTlv(Buffer.from([4, 1, 7]), 0)?.value, Buffer.from([7]));
  assert.equal(readTlv(tlv(4, Buffer.alloc(300)), 0)?.value.length, 300);
  for (const bytes of [
    [],
    [4],
    [4, 2, 7],
    [4, 0x80, 0, 0],
    [4, 0x81],
    [4, 0x84, 0xff, 0xff, 0xff, 0xff],
    [4, 0x85, 0, 0, 0, 0, 0],
  ]) {
    assert.equal(readTlv(Buffer.from(bytes), 0), undefined, bytes.join());
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      for (const { end } of readTlvs(Buffer.from(bytes), 100) ?? []) assert.ok(end <= bytes.length);
    }),
  );
});

test('only an answer as safe as what was asked is one; a report may be less', () => {
  const [response, request, report] = [0xa2, 0xa0, 0xa8];
  const v2c = (tag: number, version = 1) => sequence(integer(version), octets('public'), tlv(tag, integer(1)));
  const v3 = (flags: number, tag: number) => {
    const header = sequence(integer(1), integer(1500), octets(Buffer.from([flags])), integer(3));
    const scoped = sequence(octets(''), octets(''), tlv(tag, integer(1)));
    return sequence(integer(3), header, octets(''), flags & 2 ? tlv(TAG.octets, scoped) : scoped);
  };
  const taken = (version: '2c' | '3', level: 'authNoPriv' | 'authPriv', datagrams: readonly Buffer[]) =>
    datagrams.map((datagram) => mayBeAnswer(datagram, { version, level }));
  assert.deepEqual(
    taken('2c', 'authPriv', [
      v2c(response),
      v2c(response, 0),
      v2c(response, 3),
      v2c(request),
      v2c(report),
      v3(0, response),
    ]),
    [true, false, false, false, false, false],
  );
  const all = [
    v3(0, response),
    v3(1, response),
    v3(2, response),
    v3(3, response),
    v3(0, report),
    v3(1, report),
    v3(1, request),
  ];
  assert.deepEqual(taken('3', 'authNoPriv', all), [false, true, false, false, true, true, false]);
  assert.deepEqual(taken('3', 'authPriv', all), [false, false, false, true, true, true, false]);
  assert.deepEqual(taken('3', 'authPriv', [v2c(response), Buffer.alloc(0), Buffer.from('HTTP/1.1')]), [
    false,
    false,
    false,
  ]);
});

test('each thing that goes wrong is worth another try or not, and no key is told', () => {
  const asked = { host: 'sw', port: 161, version: '3', level: 'authPriv', timeoutMs: 100 } as const;
  const statuses = Array.from({ length: 19 }, (_, status) => status).slice(1);
  const failed = (status: number) =>
    toFault(Object.assign(Object.create(RequestFailedError.prototype), { status }), asked);
  const retryable = statuses.filter((status) => failed(status).severity === 'retryable');
  // tooBig, genErr, inconsistentValue, resourceUnavailable, commitFailed, undoFailed.
  assert.deepEqual(retryable, [1, 5, 12, 13, 14, 15]);
  const invalid = (message: string, code: number, info?: object) =>
    toFault(Object.assign(Object.create(ResponseInvalidError.prototype), { message, code, info }), asked);
  assert.equal(invalid('Wrong Digest (incorrect password, community or key)', 5).severity, 'fatal');
  assert.equal(invalid('Unknown User Name', 5).severity, 'fatal');
  assert.equal(invalid('Not In Time Window', 5).severity, 'retryable');
  assert.equal(invalid('Unknown Engine ID', 5).severity, 'retryable');
  const told = invalid('Authentication digest 00 does not match', 5, { user: { authKey: 'secret' } });
  assert.equal(told.severity, 'retryable');
  assert.equal(told.cause, undefined);
  const silent = (version: '2c' | '3') =>
    toFault(Object.create(RequestTimedOutError.prototype), { ...asked, version }).message;
  assert.match(silent('2c'), /wrong community, or it is off/);
  assert.match(silent('3'), /privKey/);
  const lost = toFault(Object.assign(new Error('x'), { code: 'ENOTFOUND' }), asked);
  assert.ok(lost instanceof PowerFault && lost.severity === 'retryable');
  assert.match(lost.message, /ENOTFOUND/);
});
