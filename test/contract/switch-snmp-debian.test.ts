import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { exec } from '../../core/host/exec.ts';
import { PowerFault } from '../../server/power/driver.ts';
import { snmpPoe } from '../../server/power/switches/snmp-poe.ts';
import { requireTools } from '../lab/sh.ts';
import { type DebianSnmpd, SNMP_ENV, startDebianSnmpd } from '../lab/switches/debian-snmpd.ts';
import { startSnmpSwitch } from '../lab/switches/snmp-switch.ts';
import type { SnmpUser } from '../lab/switches/snmp-usm.ts';
import { never } from './switch-expect.ts';
import { partsFor } from './switch-parts.ts';

const AUTH_KEY = 'auth-secret/0123';
const PRIV_KEY = 'priv-secret/4567';
const WRITES = 'writes-secret/89';
const READS = 'reads-secret/89';
const ADMIN_ENABLE = '.1.3.6.1.2.1.105.1.1.1.3';

/** Protocols as we name them and as Debian's programs do. */
const PROTOCOLS = [
  ['md5', 'MD5', undefined, undefined],
  ['sha', 'SHA', 'aes', 'AES'],
  ['sha256', 'SHA-256', 'aes', 'AES'],
  ['sha384', 'SHA-384', 'aes256r', 'AES-256-C'],
  ['sha512', 'SHA-512', 'aes256b', 'AES-256'],
] as const;

/** Settings for the user of these protocols, who is named after the first. */
function userOf([authProtocol, , privProtocol]: (typeof PROTOCOLS)[number]) {
  const user = { user: authProtocol, authProtocol, authKey: AUTH_KEY };
  return privProtocol === undefined ? { ...user, level: 'authNoPriv' } : { ...user, privProtocol, privKey: PRIV_KEY };
}

const opened = (port: number, settings: object) =>
  snmpPoe.open({ host: '127.0.0.1', port, timeoutMs: 3_000, ...settings }, partsFor([]));

/** An agent with 18 PoE ports, of which the last cannot be written to, and with what IF-MIB and Q-BRIDGE-MIB say of two. */
function debianSwitch(t: TestContext): Promise<DebianSnmpd> {
  const table = (flag: string, oid: string, type: string, value: string | number) =>
    `override ${flag} ${oid} ${type} ${value}`;
  const ports = Array.from({ length: 18 }, (_, at) => at + 1);
  const ro = '';
  return startDebianSnmpd(t, [
    'sysdescr Debian with PoE',
    `rwcommunity ${WRITES}`,
    `rocommunity ${READS}`,
    ...PROTOCOLS.flatMap(([name, auth, , priv]) => [
      `createUser ${name} ${auth} "${AUTH_KEY}"${priv === undefined ? '' : ` ${priv} "${PRIV_KEY}"`}`,
      `rwuser ${name} ${priv === undefined ? 'auth' : 'priv'}`,
    ]),
    `createUser reader SHA "${AUTH_KEY}" AES "${PRIV_KEY}"`,
    'rouser reader priv',
    ...ports.flatMap((port) => [
      table(port < 18 ? '-rw' : ro, `${ADMIN_ENABLE}.1.${port}`, 'integer', 2),
      table(ro, `.1.3.6.1.2.1.105.1.1.1.6.1.${port}`, 'integer', port === 1 ? 3 : 2),
      table(ro, `.1.3.6.1.2.1.2.2.1.3.${1000 + port}`, 'integer', 6),
      table(ro, `.1.3.6.1.2.1.2.2.1.8.${1000 + port}`, 'integer', port === 1 ? 1 : 2),
      table(ro, `.1.3.6.1.2.1.31.1.1.1.1.${1000 + port}`, 'octet_str', `"gi${port}"`),
      table(ro, `.1.3.6.1.2.1.17.1.4.1.2.${port}`, 'integer', 1000 + port),
    ]),
    table(ro, '.1.3.6.1.2.1.17.7.1.2.2.1.2.1.184.39.235.0.1.2', 'integer', 1),
    table(ro, '.1.3.6.1.2.1.17.7.1.2.2.1.3.1.184.39.235.0.1.2', 'integer', 3),
    table(ro, '.1.3.6.1.2.1.105.1.3.1.1.2.1', 'uinteger', 123),
    table(ro, '.1.3.6.1.2.1.105.1.3.1.1.4.1', 'uinteger', 7),
  ]);
}

test("Debian's agent is switched and read back by version 2c and by each protocol of version 3", async (t) => {
  const { port } = await debianSwitch(t);
  const ways = [{ version: '2c', community: WRITES }, ...PROTOCOLS.map(userOf)];
  for (const way of ways) {
    const device = opened(port, way);
    for (const power of ['on', 'off'] as const) {
      await device.set(new Map([['1.2', power]]), never);
      assert.deepEqual(
        await device.query?.(['1.2', '1.3'], never),
        new Map([
          ['1.2', power],
          ['1.3', 'off'],
        ]),
        JSON.stringify(way),
      );
    }
  }
});

test("Debian's agent tells its ports, budget, links and stations in a survey", async (t) => {
  const { port } = await debianSwitch(t);
  const survey = await opened(port, userOf(PROTOCOLS[2])).survey?.(never);
  assert.equal(survey?.description, 'Debian with PoE');
  assert.deepEqual(survey?.budget, { limitMilliwatts: 123_000, usedMilliwatts: 7_000 });
  assert.equal(survey?.ports.length, 18);
  const off = { power: 'off', macs: [] };
  assert.deepEqual(survey?.ports.slice(0, 2), [
    { ...off, port: '1.1', delivers: true, label: 'gi1', link: true, macs: ['b8:27:eb:00:01:02'] },
    { ...off, port: '1.2', delivers: false, label: 'gi2', link: false },
  ]);
});

test("Debian's agent is met again after a restart, with its engine booted once more", async (t) => {
  const agent = await debianSwitch(t);
  const device = opened(agent.port, userOf(PROTOCOLS[1]));
  await device.set(new Map([['1.1', 'on']]), never);
  await agent.restart();
  await device.set(new Map([['1.2', 'on']]), never);
  assert.deepEqual(
    await device.query?.(['1.1', '1.2'], never),
    new Map([
      ['1.1', 'off'],
      ['1.2', 'on'],
    ]),
  );
});

test("what Debian's agent refuses is told, and of one SET all or nothing is done", async (t) => {
  const { port } = await debianSwitch(t);
  const right = userOf(PROTOCOLS[2]);
  const refused = async (settings: object, name: string, words: RegExp, severity = 'fatal') => {
    const device = opened(port, settings);
    await assert.rejects(
      device.set(
        new Map([
          ['1.5', 'on'],
          [name, 'on'],
        ]),
        never,
      ),
      (error) => {
        assert.ok(error instanceof PowerFault);
        assert.match(error.message, words);
        assert.equal(error.severity, severity);
        return true;
      },
    );
  };
  await refused(right, '1.18', /notWritable/);
  await refused(right, '1.19', /notWritable|noCreation|no PoE port/);
  await refused({ ...right, authKey: 'wrong-secret/0123' }, '1.6', /usmStatsWrongDigests/);
  await refused({ ...right, user: 'nobody' }, '1.6', /usmStatsUnknownUserNames/);
  await refused({ ...right, user: 'md5', authProtocol: 'md5' }, '1.6', /usmStatsUnsupportedSecLevels/);
  await refused({ ...right, level: 'authNoPriv' }, '1.6', /authorizationError/);
  await refused({ ...right, user: 'reader', authProtocol: 'sha' }, '1.6', /noAccess/);
  await refused({ version: '2c', community: READS }, '1.6', /noAccess/);
  // These two are silence, which cannot be told from a switch that is off.
  await refused(
    { version: '2c', community: 'wrong', timeoutMs: 300 },
    '1.6',
    /wrong community, or it is off/,
    'retryable',
  );
  await refused({ ...right, privKey: 'wrong-secret/4567', timeoutMs: 300 }, '1.6', /another privKey/, 'retryable');
  assert.equal((await opened(port, right).query?.(['1.5'], never))?.get('1.5'), 'off');
});

test("Debian's tools read and switch the lab's switch, by version 2c and by each protocol of version 3", async (t) => {
  requireTools('snmpget', 'snmpset', 'snmpbulkwalk');
  const users = PROTOCOLS.map(([authProtocol, , privProtocol]): SnmpUser => {
    const user = { name: authProtocol, authProtocol, authKey: AUTH_KEY, mayWrite: true };
    return privProtocol === undefined ? user : { ...user, privProtocol, privKey: PRIV_KEY };
  });
  const powered: string[] = [];
  const onPower = (port: string, power: 'on' | 'off') => void powered.push(`${power} ${port}`);
  const device = await startSnmpSwitch({ users, communities: [{ name: WRITES, mayWrite: true }], onPower });
  t.after(() => device.close());
  device.box.plug('1.3', 4);
  const ways = [
    ['-v2c', '-c', WRITES],
    ...PROTOCOLS.map(([name, auth, , priv]) => {
      const privacy = priv === undefined ? ['-l', 'authNoPriv'] : ['-l', 'authPriv', '-x', priv, '-X', PRIV_KEY];
      return ['-v3', '-u', name, '-a', auth, '-A', AUTH_KEY, ...privacy];
    }),
  ];
  const tool = async (program: string, way: readonly string[], ...args: readonly string[]) => {
    const argv = [...way, '-On', '-t', '3', `127.0.0.1:${device.port}`, ...args];
    return (await exec(program, argv, { env: SNMP_ENV })).stdout.trim().split('\n');
  };
  for (const way of ways) {
    assert.deepEqual(await tool('snmpset', way, `${ADMIN_ENABLE}.1.3`, 'i', '1'), [`${ADMIN_ENABLE}.1.3 = INTEGER: 1`]);
    assert.deepEqual(await tool('snmpget', way, `${ADMIN_ENABLE}.1.3`), [`${ADMIN_ENABLE}.1.3 = INTEGER: 1`]);
    // 8 ports with 7 objects each, 3 of the group, 2 of a station, and sysDescr; then the end of all.
    const walked = await tool('snmpbulkwalk', way, '.1.3.6.1.2.1');
    assert.equal(walked.length, 8 * 7 + 3 + 2 + 1 + 1);
    assert.match(walked.at(-1) ?? '', /No more variables left/);
    assert.deepEqual(await tool('snmpset', way, `${ADMIN_ENABLE}.1.3`, 'i', '2'), [`${ADMIN_ENABLE}.1.3 = INTEGER: 2`]);
  }
  assert.deepEqual(
    powered,
    ways.flatMap(() => ['on 1.3', 'off 1.3']),
  );
});
