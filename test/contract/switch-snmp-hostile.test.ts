import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { PowerFault } from '../../server/power/driver.ts';
import { readTlv, readTlvs, type Tlv } from '../../server/power/switches/snmp/tlv.ts';
import { snmpPoe } from '../../server/power/switches/snmp-poe.ts';
import { integer, nothing, octets, sequence, TAG, tlv } from '../lab/switches/ber.ts';
import { PDU, readPdu, writePdu } from '../lab/switches/snmp-pdu.ts';
import { startSnmpRelay } from '../lab/switches/snmp-relay.ts';
import { startSnmpSwitch } from '../lab/switches/snmp-switch.ts';
import type { SnmpUser } from '../lab/switches/snmp-usm.ts';
import { never, soon } from './switch-expect.ts';
import { partsFor } from './switch-parts.ts';

const COMMUNITY = 'community-secret/89';
const USER: SnmpUser = {
  name: 'bakery',
  authProtocol: 'sha',
  authKey: 'auth-secret/0123',
  privProtocol: 'aes',
  privKey: 'priv-secret/4567',
  mayWrite: true,
};
const ENABLED = '1.3.6.1.2.1.105.1.1.1.3.1.2';

/** A switch whose answers go through a relay, and a driver for it. */
async function relayed(t: TestContext, { version }: { readonly version: '2c' | '3' }) {
  const device = await startSnmpSwitch({ communities: [{ name: COMMUNITY, mayWrite: true }], users: [USER] });
  t.after(() => device.close());
  const relay = await startSnmpRelay(device.port);
  t.after(() => relay.close());
  const { name: user, mayWrite: _, ...keys } = USER;
  const known = version === '2c' ? { version, community: COMMUNITY } : { version, user, ...keys };
  const open = (port: number) => snmpPoe.open({ host: '127.0.0.1', port, timeoutMs: 450, ...known }, partsFor([]));
  return { device, relay, open, driver: open(relay.port) };
}

/** The parts of a message. */
function partsOf(message: Buffer): readonly Tlv[] {
  return readTlvs(readTlv(message, 0)?.value ?? Buffer.alloc(0), 4) ?? [];
}

/** The msgID of a message of version 3, or the request-id of one of version 2c. */
function idOf(message: Buffer): Buffer {
  const [, second, third] = partsOf(message);
  const holder = second?.tag === TAG.sequence ? second : third;
  return readTlv(holder?.value ?? Buffer.alloc(0), 0)?.value ?? Buffer.alloc(0);
}

const pduOf = (message: Buffer) => readPdu(partsOf(message)[2] ?? assert.fail());

/** A message of version 2c that answers `request` with these values. */
function answer2c(request: Buffer, bound: Parameters<typeof writePdu>[0]['bound'], community = COMMUNITY): Buffer {
  const { id } = pduOf(request);
  return sequence(integer(1), octets(community), writePdu({ type: PDU.response, id, numbers: [0, 0], bound }));
}

/** A message of version 3 with that msgID that proves nothing of who sends it, and answers with no error. */
function unproven(id: Buffer): Buffer {
  const header = sequence(tlv(TAG.integer, id), integer(65_507), octets(Buffer.from([0])), integer(3));
  const security = sequence(octets('engine'), integer(1), integer(1), octets('bakery'), octets(''), octets(''));
  const bound = [{ name: ENABLED, value: integer(1) }];
  const pdu = writePdu({ type: PDU.response, id: 1, numbers: [0, 0], bound });
  return sequence(integer(3), header, octets(security), sequence(octets('engine'), octets(''), pdu));
}

test('an answer without a digest is not believed by who has a key', async (t) => {
  const { device, relay, driver } = await relayed(t, { version: '3' });
  const isSealed = (message: Buffer) => partsOf(message)[3]?.tag === TAG.octets;
  relay.edit = (request, datagram) => [{ datagram: isSealed(request) ? unproven(idOf(request)) : datagram }];
  await assert.rejects(driver.query?.(['1.2'], never) ?? assert.fail(), (error) => {
    assert.ok(error instanceof PowerFault && error.severity === 'retryable');
    assert.match(error.message, /not as safe as what was asked/);
    return true;
  });
  // And one that comes before the true answer does no harm.
  relay.edit = (request, datagram) => [
    ...(isSealed(request) ? [{ datagram: unproven(idOf(request)) }] : []),
    { datagram },
  ];
  assert.deepEqual(await driver.query?.(['1.2'], never), new Map([['1.2', 'off']]));
  assert.deepEqual(device.changes, []);
});

test('only who was asked is heard', async (t) => {
  const { relay, driver } = await relayed(t, { version: '2c' });
  relay.edit = (request, datagram) => {
    const lie = answer2c(request, [{ name: ENABLED, value: integer(1) }]);
    return [{ datagram: lie, from: 'stranger' }, { datagram }];
  };
  assert.deepEqual(await driver.query?.(['1.2'], never), new Map([['1.2', 'off']]));
});

test('an answer of another version, community, name or type is no state', async (t) => {
  const { relay, driver } = await relayed(t, { version: '2c' });
  const refused = async (make: (request: Buffer) => Buffer) => {
    relay.edit = (request) => [{ datagram: make(request) }];
    await assert.rejects(driver.query?.(['1.2'], never) ?? assert.fail(), PowerFault);
  };
  const enabled = { name: ENABLED, value: integer(1) };
  await refused((request) => unproven(idOf(request)));
  await refused((request) => answer2c(request, [enabled], 'another'));
  await refused((request) => answer2c(request, []));
  await refused((request) => answer2c(request, [{ ...enabled, name: `${ENABLED.slice(0, -1)}3` }]));
  relay.edit = (request) => [{ datagram: answer2c(request, [{ name: ENABLED, value: octets('1') }]) }];
  assert.deepEqual(await driver.query?.(['1.2'], never), new Map([['1.2', 'unknown']]));
});

test('a SET that is answered with no error and no such port has failed', async (t) => {
  const { relay, driver } = await relayed(t, { version: '2c' });
  relay.edit = (request) => {
    const bound = pduOf(request).bound.map(({ name }) => ({ name, value: nothing(TAG.noSuchInstance) }));
    return [{ datagram: answer2c(request, bound) }];
  };
  const failed = { severity: 'fatal', message: /no PoE port 1\.2/ };
  await assert.rejects(driver.set(new Map([['1.2', 'on']]), never), failed);
});

test('a table that repeats itself, or says nothing, does not keep a survey for ever', async (t) => {
  const { relay, driver } = await relayed(t, { version: '2c' });
  const again = Array.from({ length: 4 }, (_, at) => ({ name: `${ENABLED.slice(0, -1)}${at % 2}`, value: integer(1) }));
  for (const bound of [again, []]) {
    relay.edit = (request, datagram) => {
      const isBulk = pduOf(request).type === PDU.getBulk;
      return [{ datagram: isBulk ? answer2c(request, bound) : datagram }];
    };
    await assert.rejects(soon(driver.survey?.(never) ?? assert.fail(), 'survey'), PowerFault);
  }
});

/** Sockets of this process, also those that it would not wait for. */
async function sockets(): Promise<number> {
  const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  return (await Promise.all(links)).filter((link) => link.startsWith('socket:')).length;
}

test('no call leaves a socket, however it ends', async (t) => {
  const { device, open } = await relayed(t, { version: '3' });
  const driver = open(device.port);
  const before = await sockets();
  const calls = async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('enough')), 30);
    await Promise.allSettled([driver.set(new Map([['1.2', 'on']]), never), driver.survey?.(abort.signal)]);
  };
  for (const behaviour of ['works', 'silent', 'busy', 'refusing'] as const) {
    await device.behave(behaviour);
    await calls();
  }
  await device.behave('works');
  // A socket goes a moment after it was closed.
  for (let turns = 0; turns < 100 && (await sockets()) > before; turns += 1) await sleep(10);
  assert.equal(await sockets(), before);
});

for (const version of ['2c', '3'] as const) {
  test(`spoilt answers end no process and no call is left waiting (version ${version})`, async (t) => {
    const { relay, driver } = await relayed(t, { version });
    const spoilt = fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      byte: fc.nat(255),
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
      isCut: fc.boolean(),
    });
    const property = fc.asyncProperty(spoilt, fc.constantFrom('query', 'survey'), async (how, name) => {
      relay.edit = (_, datagram) => {
        const copy = Buffer.from(datagram);
        copy[Math.floor(how.at * copy.length)] = how.byte;
        return [{ datagram: how.isCut ? copy.subarray(0, Math.floor(how.cut * copy.length)) : copy }, { datagram }];
      };
      const calling: Promise<unknown> | undefined =
        name === 'query' ? driver.query?.(['1.2'], never) : driver.survey?.(never);
      await soon(calling ?? assert.fail(), name).catch((error) =>
        assert.ok(error instanceof PowerFault, String(error)),
      );
    });
    await fc.assert(property, { numRuns: 150 });
  });
}
