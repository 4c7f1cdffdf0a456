import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../../core/host/clock.ts';
import { localAddresses } from '../../core/host/network.ts';
import type { Ipv4 } from '../../core/ids.ts';
import type { Sighting } from '../../netboot/dhcp/server.ts';
import { readConfig } from '../../server/config.ts';
import { dhcpLine, startDhcp } from '../../server/listen.ts';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { type Answer, type DhcpBoard, plugInBoard } from '../lab/dhcp-board.ts';
import { parseExposition, seriesValue } from '../lab/exposition.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { dhcpListens, type LabNetwork, makeLabNetwork } from '../lab/network.ts';
import { CONSTANT_GUID, romPacket, serialGuid, structuredGuid } from '../lab/rom/discover.ts';
import { boundToUs, LAB_ENV, requireTools } from '../lab/sh.ts';

const US = '10.99.0.1';
const SITE = '10.99.0.2';
const PI3 = { mac: 'b8:27:eb:64:24:7d', address: '10.99.0.13', serial: '5564247d' };
const PI4 = { mac: 'e4:5f:01:09:02:f7', address: '10.99.0.14', serial: '91cdf03d', revision: 'd03114' };
const PI5 = { mac: '88:a2:9e:01:02:03', address: '10.99.0.15', serial: '7bf18f79', revision: 'c04170' };
const PC = { mac: '52:54:00:12:34:56', address: '10.99.0.16' };
const guidOfPi4 = structuredGuid('4iPR', PI4);
const guidOfPi5 = structuredGuid('RPi5', PI5);
const run = promisify(execFile);
/** Where it is told a single interface and no exception, dnsmasq binds its socket to that, and nothing can take from it. */
const STATIC = [
  '--conf-file=/dev/null',
  '--port=0',
  '--dhcp-authoritative',
  '--dhcp-range=10.99.0.0,static,255.255.255.0',
];
const UNBOUND = ['--interface=labbr0', '--except-interface=lo'];

/** What udhcpc does with its lease: nothing; the address is there already. */
const SCRIPT = '#!/bin/sh\n[ "$1" = bound ] && echo "bound $ip by $serverid siaddr $siaddr"\nexit 0\n';

inOwnNamespace(import.meta.url, () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'bakery-dhcp-')));
  const root = join(folder, 'root');
  const boards: DhcpBoard[] = [];
  let network: LabNetwork | undefined;
  let started: RunningBakery | undefined;
  /** A board of nobody: it hears every broadcast, so every answer of ours. */
  let ear: DhcpBoard;

  async function board(name: string, at: { mac?: string; address: string }): Promise<DhcpBoard> {
    const plugged = await plugInBoard(name, at);
    boards.push(plugged);
    return plugged;
  }
  const bakery = () => {
    assert.ok(started);
    return started;
  };
  const ourXids = () => ear.answers.filter(({ from }) => from === US).map(({ xid }) => xid);
  /** When it has passed, everything that `from` sent before has been dealt with: packets are dealt with in their order. */
  async function fence(xid: number, from = ear): Promise<void> {
    from.send(romPacket({ mac: PI5.mac, guid: guidOfPi5, xid }));
    await ear.until((answers) => answers.some((answer) => answer.from === US && answer.xid === xid), 'the fence');
  }

  const configurations = { proxy: join(folder, 'proxy.conf'), full: join(folder, 'full.conf') };
  const warned: string[] = [];
  const seen: Sighting[] = [];
  /** DHCP as the server starts it, in this process. */
  function start(mode: 'listen' | 'proxy') {
    const log = { debug() {}, info() {}, error() {}, warn: (_fields: object, text: string) => void warned.push(text) };
    const wires = { address: US as Ipv4, local: localAddresses() };
    const observed = { packet() {}, offer() {} };
    const onSeen = (sighting: Sighting) => void seen.push(sighting);
    const ports = { knows: async () => false, onSeen, observed, clock: systemClock, log };
    return startDhcp(readConfig([], { BAKERY_DHCP: mode }), wires, ports);
  }

  /** A DHCP server beside ours. */
  async function startDnsmasq(...options: readonly string[]) {
    const files = mkdtempSync(join(folder, 'dnsmasq-'));
    const [program = '', ...args] = boundToUs(
      ...['dnsmasq', '--keep-in-foreground', '--user=root', '--no-ping'],
      ...['--log-facility=-'],
      ...[`--dhcp-leasefile=${join(files, 'leases')}`, `--pid-file=${join(files, 'pid')}`, ...options],
    );
    const child = spawn(program, args, { env: LAB_ENV, stdio: ['ignore', 'ignore', 'pipe'] });
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await dhcpListens(child, () => words);
    return {
      async end() {
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  before(async () => {
    requireTools('busybox');
    network = await makeLabNetwork([PI3, PI4, PI5, PC]);
    ear = await board('ear', { address: '10.99.0.99' });
    started = await startBakery({ root, settings: { BAKERY_DHCP: 'proxy', BAKERY_POOL: 'plain' } });
  });
  after(async () => {
    await started?.stop();
    if (started) await stopLeftovers(root);
    for (const one of boards) await one.close();
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a Pi 4 and a Pi 5 get an address from the site’s dnsmasq and boot files from us, for one DISCOVER', async () => {
    assert.match(bakery().output(), /^dhcp {3}proxy \(port 67\)$/m);
    for (const [name, pi, guid, xid] of [
      ['pi4', PI4, guidOfPi4, 1592577310],
      ['pi5', PI5, guidOfPi5, 1076043725],
    ] as const) {
      const it = await board(name, pi);
      it.send(romPacket({ mac: pi.mac, guid, xid }));
      await it.until((answers) => answers.length === 2, 'two offers');
      assert.deepEqual(it.answers.map(({ from }) => from).toSorted(), [US, SITE]);
      assert.ok(it.answers.every((answer) => answer.xid === xid));
      const [ours, theirs] = [US, SITE].map((server) => it.answers.find(({ from }) => from === server)?.bytes);
      assert.ok(ours && theirs);
      assert.deepEqual([...ours.subarray(16, 24)], [0, 0, 0, 0, 10, 99, 0, 1], 'no address, and where TFTP is');
      assert.equal([...theirs.subarray(16, 20)].join('.'), pi.address);
      assert.ok(ours.includes('Raspberry Pi Boot') && !theirs.includes('Raspberry Pi Boot'));
      assert.ok(ours.includes(Buffer.from(`611100${guid}`, 'hex')), 'option 97 as it was');
      // What follows is between it and the DHCP server that it chose.
      it.send(romPacket({ mac: pi.mac, guid, xid, type: 3, server: SITE, asksFor: pi.address }));
      await it.until((answers) => answers.length === 3, 'the ACK');
      assert.equal(it.answers[2]?.from, SITE);
      await fence(xid + 1, it);
    }
    assert.deepEqual(ourXids(), [1592577310, 1592577311, 1076043725, 1076043726]);
  });

  test('the ROM of a 3B is answered after a Pi 4 that asks later, with three spaces; bootcode.bin at once', async () => {
    const it = await board('pi3', PI3);
    const heard = ear.answers.length;
    it.send(romPacket({ mac: PI3.mac, guid: CONSTANT_GUID }));
    await it.until((answers) => answers.length >= 1, 'the address');
    assert.equal(it.answers[0]?.from, SITE);
    ear.send(romPacket({ mac: PI4.mac, guid: guidOfPi4, xid: 2 }));
    const isLate = ({ from, xid }: Answer) => from === US && xid === 0x26f30339;
    for (const one of [it, ear]) await one.until((answers) => answers.some(isLate), 'the late offer');
    assert.deepEqual(
      ear.answers
        .slice(heard)
        .filter(({ from }) => from === US)
        .map(({ xid }) => xid),
      [2, 0x26f30339],
    );
    const menu = Buffer.from('\x14Raspberry Pi Boot   \xff', 'latin1');
    assert.ok(it.answers.find(isLate)?.bytes.includes(menu));
    ear.send(romPacket({ mac: PI3.mac, guid: serialGuid(PI3.serial), xid: 3 }));
    await fence(4);
    const last = ear.answers.filter(({ from }) => from === US).slice(-2);
    assert.deepEqual(
      last.map(({ xid, bytes }) => [xid, bytes.includes(menu)]),
      [
        [3, false],
        [4, false],
      ],
    );
  });

  test('a PC gets its address and no word of ours, by BIOS or UEFI, and neither does a relay, nor who asks only us', async () => {
    const pc = await board('pc', PC);
    const before = ourXids().length;
    const guid = '4c4c4544004a5610804db6c04f4d4432';
    pc.send(romPacket({ mac: PC.mac, guid, xid: 10 }));
    await pc.until((answers) => answers.some(({ xid }) => xid === 10), 'the address');
    const vendorClass = 'PXEClient:Arch:00007:UNDI:003016';
    pc.send(romPacket({ mac: PC.mac, guid, xid: 11, vendorClass, architecture: 7 }));
    await pc.until((answers) => answers.some(({ xid }) => xid === 11), 'the address');
    pc.send(romPacket({ mac: PC.mac, guid: CONSTANT_GUID, xid: 12 }));
    pc.send(romPacket({ mac: PI4.mac, guid: guidOfPi4, xid: 13, giaddr: '10.99.0.66' }));
    pc.send(Buffer.from('hostile'));
    // A router would pass on what is sent to one address.
    pc.send(romPacket({ mac: PI4.mac, guid: guidOfPi4, xid: 15 }), US);
    await fence(14, pc);
    assert.deepEqual(ourXids().slice(before), [14]);
    assert.ok(pc.answers.filter(({ xid }) => xid !== 14).every(({ from }) => from === SITE));
  });

  test('a Pi of the pool is known by its DISCOVER, and its kernel gets the same address by a DHCP of its own', async () => {
    const pi = async () => (await call(bakery(), 'GET', `/pis/${PI4.serial}`)).body as Record<string, unknown>;
    await call(bakery(), 'GET', `/files/${PI4.serial}/config.txt`);
    assert.equal((await pi()).mac, undefined, 'a relay says nothing of it');
    ear.send(romPacket({ mac: PI4.mac, guid: guidOfPi4, xid: 20 }));
    await fence(21);
    const known = await pi();
    assert.deepEqual([known.mac, known.address], [PI4.mac, undefined]);
    assert.match(JSON.stringify(known), /"4B"/);

    const script = join(folder, 'udhcpc.sh');
    writeFileSync(script, SCRIPT, { mode: 0o755 });
    const before = ourXids().length;
    const argv = ['--net=/run/netns/pi4', 'busybox', 'udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', '5', '-T', '3'];
    const { stdout } = await run('nsenter', [...argv, '-s', script], { env: LAB_ENV, timeout: 60_000 });
    assert.match(stdout, /^bound 10\.99\.0\.14 by 10\.99\.0\.2 siaddr/m);
    await fence(22);
    assert.deepEqual(ourXids().slice(before), [22]);
    const headers = { authorization: `Bearer ${bakery().token}` };
    const page = parseExposition(await (await fetch(new URL('/metrics', bakery().base), { headers })).text());
    const counted = (metric: string, sender: string) => seriesValue(page, `bakery_dhcp_${metric}_total`, { sender });
    // A DISCOVER and a REQUEST.
    assert.deepEqual(
      [counted('packets', 'os'), counted('offers', 'os'), counted('offers', 'other')],
      [2, undefined, undefined],
    );
    assert.deepEqual(
      [counted('packets', 'none'), counted('offers', 'rom-3b'), counted('offers', 'bootcode')],
      [1, 1, 1],
    );
    assert.ok((counted('packets', 'other') ?? 0) >= 4);
  });

  test('the configuration of dnsmasq is one, and names the Pis that are known; a range off the wire is refused', async () => {
    await call(bakery(), 'GET', `/files/${PI3.serial}/config.txt`);
    const get = async (query: string) => await call(bakery(), 'GET', `/netboot/dnsmasq.conf${query}`);
    for (const [mode, query] of [
      ['proxy', ''],
      ['full', '?mode=full&first=10.99.0.100&last=10.99.0.200&router=10.99.0.254'],
    ] as const) {
      const { status, body } = await get(query);
      assert.equal(status, 200);
      const file = configurations[mode];
      writeFileSync(file, body);
      assert.match((await run('dnsmasq', ['--test', '-C', file], { env: LAB_ENV })).stderr, /syntax check OK/);
      assert.ok(String(body).includes(`dhcp-host=${PI4.mac},id:*,set:known-pi # ${PI4.serial}`));
    }
    for (const query of ['?mode=full', '?mode=full&first=10.0.0.1&last=10.0.0.2']) {
      const { status, body } = await get(query);
      assert.deepEqual([status, (body as { code: string }).code], [400, 'bad-dnsmasq-plan']);
    }
  });

  test('a dnsmasq with that configuration has Pis boot, the ROM of a 3B with three spaces, and no PC', async () => {
    await started?.stop();
    for (const mode of ['proxy', 'full'] as const) {
      const dnsmasq = await startDnsmasq(`--conf-file=${configurations[mode]}`, '--dhcp-authoritative');
      try {
        const xid = mode === 'proxy' ? 100 : 200;
        const heard = ear.answers.length;
        const fromUs = () => ear.answers.slice(heard).filter(({ from }) => from === US);
        const guid = '4c4c4544004a5610804db6c04f4d4432';
        const flags = 0x8000;
        const vendorClass = 'PXEClient:Arch:00007:UNDI:003016';
        ear.send(romPacket({ mac: PC.mac, guid, xid, flags }));
        ear.send(romPacket({ mac: PC.mac, guid, xid: xid + 1, flags, vendorClass, architecture: 7 }));
        ear.send(romPacket({ mac: PI3.mac, guid: CONSTANT_GUID, xid: xid + 2, flags }));
        ear.send(romPacket({ mac: PI5.mac, guid: guidOfPi5, xid: xid + 3, flags }));
        ear.send(romPacket({ mac: PI3.mac, guid: serialGuid(PI3.serial), xid: xid + 4, flags }));
        ear.send(romPacket({ mac: PI4.mac, guid: guidOfPi4, xid: xid + 5, flags }));
        await ear.until(() => fromUs().some((answer) => answer.xid === xid + 5), 'the Pi 4');
        await ear.until(() => fromUs().some((answer) => answer.xid === xid + 2), 'the 3B');
        const told = fromUs().map(({ xid: of, bytes }) => [
          of - xid,
          bytes.includes('Raspberry Pi Boot   \xff', 0, 'latin1')
            ? 3
            : bytes.includes('Raspberry Pi Boot')
              ? 0
              : undefined,
          bytes.readUInt32BE(16) !== 0,
        ]);
        const gives = mode === 'full';
        const pcs = gives
          ? [
              [0, undefined, true],
              [1, undefined, true],
            ]
          : [];
        assert.deepEqual(
          told.toSorted(([a], [b]) => Number(a) - Number(b)),
          [...pcs, [2, 3, gives], [3, 0, gives], [4, 0, gives], [5, 0, gives]],
        );
        for (const { xid: of, bytes } of fromUs()) {
          if (of - xid < 2) continue;
          assert.equal([...bytes.subarray(20, 24)].join('.'), US, 'siaddr');
        }
      } finally {
        await dnsmasq.end();
      }
    }
  });

  test('a DHCP server on the same machine that keeps its port ends no start in the mode listen; proxy says so', async () => {
    await started?.stop();
    const dnsmasq = await startDnsmasq(...STATIC, '--interface=labbr0');
    try {
      const reading = await start('listen');
      assert.deepEqual([reading.mode, reading.server], ['taken', undefined]);
      assert.match(dhcpLine(reading), /not read: another program has the port/);
      assert.equal(warned.length, 1);
      await assert.rejects(start('proxy'), { code: 'dhcp-port-in-use' });
    } finally {
      await dnsmasq.end();
    }
  });

  test('with one that shares its port both answer, and what a client sends to it alone is not taken from it', async () => {
    const host = `--dhcp-host=${PI5.mac},${PI5.address}`;
    const dnsmasq = await startDnsmasq(...STATIC, ...UNBOUND, '--bind-dynamic', host);
    const { server } = await start('proxy');
    try {
      const pi5 = boards.find(({ name }) => name === 'pi5');
      assert.ok(pi5 && server);
      // As a system does that renews its lease.
      const renewal = { mac: PI5.mac, vendorClass: null, architecture: null, type: 3, ciaddr: PI5.address, xid: 30 };
      pi5.send(romPacket(renewal), US);
      await pi5.until((answers) => answers.some(({ xid, from }) => xid === 30 && from === US), 'the ACK');
      const ack = pi5.answers.find(({ xid }) => xid === 30)?.bytes;
      assert.ok(ack?.includes(Buffer.from([53, 1, 5])));
      await fence(31);
      assert.deepEqual(
        seen.map(({ mac, sender, messageType }) => [mac, sender, messageType]),
        [[PI5.mac, 'pi5', 'discover']],
        'the renewal was not ours to read',
      );
    } finally {
      await server?.close();
      await dnsmasq.end();
    }
  });
});
