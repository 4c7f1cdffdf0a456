import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { call, stopLeftovers } from '../lab/bakery.ts';
import { plugInBoard } from '../lab/dhcp-board.ts';
import { type HeldBakery, startHeldBakery } from '../lab/held-bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { type LabNetwork, makeLabNetwork, plugIn, unplug } from '../lab/network.ts';
import { startPowerServer } from '../lab/power-server.ts';
import { romPacket, structuredGuid } from '../lab/rom/discover.ts';
import { BOOT } from '../lab/rom/transcripts.ts';
import { plugInRom } from '../lab/rom-board.ts';
import { boundToUs, LAB_ENV, requireTools, sh, trySh } from '../lab/sh.ts';
import { makeTinyImage } from '../lab/tiny-image.ts';

const US = '10.99.0.1';
const MOVER = { model: '4-2022', serial: '91cdf03d', mac: 'e4:5f:01:09:02:f7', revision: 'd03114' } as const;
/** Its ROM's lease, by its MAC, and its kernel's, by its client id. */
const [ROM_LEASE, KERNEL_LEASE] = ['10.99.0.14', '10.99.0.24'];
const RUNNER = { serial: '0060cd37', mac: 'dc:a6:32:01:36:c2', address: '10.99.0.30' };
const OTHER = { serial: '5564247d', mac: 'b8:27:eb:64:24:7d', address: '10.99.0.31' };
/** So that what these loops do need not be waited for. */
const PACE = JSON.stringify({ addresses: 300, exports: 500 });
const run = promisify(execFile);

/** Takes the lease as a kernel does: it is the only address then. */
const SCRIPT = `#!/bin/sh
[ "$1" = bound ] && ip addr flush dev eth0 && ip addr add "$ip/24" dev eth0
exit 0
`;

inOwnNamespace(import.meta.url, () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'bakery-addresses-')));
  const root = join(folder, 'root');
  const clients: ChildProcess[] = [];
  const closing: (() => Promise<void> | void)[] = [];
  let network: LabNetwork;
  let bakery: HeldBakery;

  async function ask<T>(method: string, path: string, expected: number, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
  async function until(what: string, probe: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + 60_000;
    while (!(await probe())) {
      if (Date.now() > end) throw new Error(`${what}: not in time\n${bakery.output().slice(-3000)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  const addressOf = async (serial: string) => (await ask<{ address?: string }>('GET', `/pis/${serial}`, 200)).address;
  const inside = (name: string, ...argv: readonly string[]) =>
    run('nsenter', [`--net=/run/netns/${name}`, ...argv], { env: LAB_ENV, timeout: 60_000 });

  /** What a board gets by TFTP: a file's text, or the server's word. */
  async function fetch(name: string, path: string): Promise<string> {
    const argv = ['busybox', 'tftp', '-g', '-r', path, '-l', '-', US];
    return inside(name, ...argv).then(
      ({ stdout }) => stdout,
      ({ stderr }: { stderr: string }) => stderr,
    );
  }
  /** Whether a board can read the root of a Pi, and the version it tried. */
  async function canMount(name: string, serial: string): Promise<boolean> {
    const url = `nfs://${US}${join(root, 'nfs', serial)}/etc/hostname?version=3`;
    return inside(name, 'nfs-cat', url).then(
      ({ stdout }) => stdout === `${serial}\n`,
      () => false,
    );
  }
  /** Mounts as a kernel does, as far as a server can see it: with a connection that stays. */
  async function stayConnected(name: string): Promise<() => void> {
    const code = `require('net').connect(2049,'${US}').on('connect',()=>console.log('yes')).on('error',()=>process.exit(1))`;
    const [program = '', ...args] = boundToUs('nsenter', `--net=/run/netns/${name}`, process.execPath, '-e', code);
    const child = spawn(program, args, { env: LAB_ENV, stdio: ['ignore', 'pipe', 'inherit'] });
    clients.push(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('close', () => reject(new Error('no connection to the NFS server')));
    });
    return () => void child.kill('SIGKILL');
  }
  const start = (more: Readonly<Record<string, string>> = {}) =>
    startHeldBakery({
      root,
      settings: { BAKERY_DHCP: 'proxy', BAKERY_POOL: 'plain', BAKERY_TEST_PACE: PACE, ...more },
    });
  /** Bakes the only Pi in the fridge. */
  async function bake(serial: string): Promise<void> {
    const picked = await ask<{ id: string }>('POST', '/fridge', 202, { bakeformName: 'tiny' });
    assert.equal(picked.id, serial);
    await until(`${serial} baked`, async () => {
      return (await ask<{ status: number }>('GET', `/oven/${serial}`, 200)).status === 2;
    });
  }

  before(async () => {
    requireTools('busybox', 'nfs-ls');
    network = await makeLabNetwork([
      { mac: MOVER.mac, address: ROM_LEASE },
      { mac: 'id:kernel', address: KERNEL_LEASE },
    ]);
    closing.push(() => network.close());
    const power = await startPowerServer({ 0: { on: async () => undefined, off: async () => undefined } });
    closing.push(() => power.close());
    const config = join(folder, 'ppi.json');
    const { serial } = RUNNER;
    writeFileSync(config, JSON.stringify({ piList: { [serial]: { piId: serial, id: 0, url: power.url } } }));
    bakery = await start({ BAKERY_POWER: 'simpleweb', PPI_CONFIG_PATH: config });
    const image = join(folder, 'tiny.img');
    makeTinyImage(image, { bootFiles: { 'bootcode.bin': 'b', ...BOOT }, rootMiB: 8, bootMiB: 9 });
    await ask('POST', '/bakeforms/tiny', 201, readFileSync(image));
  });
  after(async () => {
    for (const client of clients) client.kill('SIGKILL');
    await bakery?.stop();
    for (const close of closing.toReversed()) await close();
    if (bakery) await stopLeftovers(root);
    rmSync(folder, { recursive: true, force: true });
  });

  test('a Pi gets its files by its serial, by its MAC and by bare names', async () => {
    plugIn('runner', `${RUNNER.address}/24`, RUNNER.mac);
    closing.push(() => unplug('runner'));
    assert.match(await fetch('runner', `${RUNNER.serial}/start4.elf`), /File not found/);
    // What asks in the fridge is switched off, and its address ends with that.
    await until('its power and its address are off', async () => {
      const pi = await ask<{ address?: string; power: { desired?: string } }>('GET', `/pis/${RUNNER.serial}`, 200);
      return pi.address === undefined && pi.power.desired === 'off';
    });
    await bake(RUNNER.serial);
    for (const folder of [`${RUNNER.serial}/`, `${RUNNER.serial}//`, 'dc-a6-32-01-36-c2/', '']) {
      assert.ok((await fetch('runner', `${folder}cmdline.txt`)).includes(`/nfs/${RUNNER.serial},`), folder);
    }
    assert.ok(await canMount('runner', RUNNER.serial));
  });

  test('a stranger that asks for a running Pi’s files moves nothing, and the Pi does not notice', async () => {
    let isOver = false;
    const guest = (async () => {
      let reads = 0;
      for (; !isOver; reads++) assert.ok(await canMount('runner', RUNNER.serial), `read ${reads}`);
      return reads;
    })();
    for (const path of [
      `${RUNNER.serial}/cmdline.txt`,
      'dc-a6-32-01-36-c2/cmdline.txt',
      `${RUNNER.serial}/kernel8.img`,
    ]) {
      assert.match(await fetch('stranger', path), /File not found/, path);
    }
    assert.equal(await canMount('stranger', RUNNER.serial), false);
    isOver = true;
    assert.ok((await guest) > 0);
    assert.equal(await addressOf(RUNNER.serial), RUNNER.address);
    // One that is not answered at once asks again.
    assert.ok((bakery.output().match(/"event":"stranger-asked"/g)?.length ?? 0) >= 3);
  });

  test('another board that tells a Pi’s serial by DHCP, and asks for its files, is a stranger', async () => {
    const thief = { mac: '2c:cf:67:00:00:01', serial: RUNNER.serial, revision: 'c04170' };
    const board = await plugInBoard('thief', { mac: thief.mac, address: '10.99.0.40' });
    closing.push(() => board.close());
    board.send(romPacket({ mac: thief.mac, guid: structuredGuid('RPi5', thief), xid: 5 }));
    await board.until((answers) => answers.some(({ from, xid }) => from === US && xid === 5), 'the offer');
    assert.match(await fetch('thief', `${RUNNER.serial}/cmdline.txt`), /File not found/);
    assert.match(await fetch('thief', 'cmdline.txt'), /File not found/);
    assert.equal(await canMount('thief', RUNNER.serial), false);
    const pi = await ask<{ mac: string; address: string }>('GET', `/pis/${RUNNER.serial}`, 200);
    assert.deepEqual([pi.mac, pi.address], [RUNNER.mac, RUNNER.address]);
    await until('it is told', async () => bakery.output().includes('stranger-seen'));
  });

  test('a second address of a running Pi moves nothing; when a boot is expected the old one is good until it has mounted', async () => {
    sh('ip', '-n', 'runner', 'addr', 'add', '10.99.0.32/24', 'dev', 'eth0');
    sh('ip', '-n', 'runner', 'route', 'replace', '10.99.0.0/24', 'dev', 'eth0', 'src', '10.99.0.32');
    // The first answer makes the kernel ask which board is there.
    for (const _ of [1, 2]) assert.match(await fetch('runner', `${RUNNER.serial}/cmdline.txt`), /File not found/);
    await until('it is seen', async () => bakery.output().includes('the Pi is in use at another address'));
    assert.equal(await addressOf(RUNNER.serial), RUNNER.address);
    const ear = await plugInBoard('ear', { address: '10.99.0.99' });
    closing.push(() => ear.close());
    ear.send(romPacket({ mac: RUNNER.mac, guid: structuredGuid('RPi4', { ...RUNNER, revision: 'b03112' }), xid: 7 }));
    await until('it moves', async () => (await fetch('runner', `${RUNNER.serial}/cmdline.txt`)).includes('nfsroot='));
    assert.equal(await addressOf(RUNNER.serial), '10.99.0.32');
    // Nothing has mounted from the new one yet.
    sh('ip', '-n', 'runner', 'route', 'replace', '10.99.0.0/24', 'dev', 'eth0', 'src', RUNNER.address);
    assert.ok(await canMount('runner', RUNNER.serial), 'at the old one');
    sh('ip', '-n', 'runner', 'route', 'replace', '10.99.0.0/24', 'dev', 'eth0', 'src', '10.99.0.32');
    const hangUp = await stayConnected('runner');
    assert.ok(await canMount('runner', RUNNER.serial), 'at the new one');
    sh('ip', '-n', 'runner', 'route', 'replace', '10.99.0.0/24', 'dev', 'eth0', 'src', RUNNER.address);
    await until('the old one ends', async () => !(await canMount('runner', RUNNER.serial)));
    hangUp();
  });

  test('a kernel whose lease is another than its ROM’s can mount, and its ROM’s address ends with that', async () => {
    const unbaked = plugInRom('mover', MOVER);
    closing.push(() => unbaked.close());
    assert.equal((await unbaked.ended).event, 'failed');
    await bake(MOVER.serial);
    const rom = unbaked.powerOn();
    assert.equal((await rom.ended).event, 'fetched');
    assert.equal(await addressOf(MOVER.serial), ROM_LEASE);
    const script = join(folder, 'udhcpc.sh');
    writeFileSync(script, SCRIPT, { mode: 0o755 });
    // 61: the client id, a type byte and the name.
    const id = `0x3d:${Buffer.from('kernel').toString('hex')}`;
    const argv = [
      'busybox',
      'udhcpc',
      '-i',
      'eth0',
      '-n',
      '-q',
      '-f',
      '-C',
      '-x',
      id,
      '-t',
      '5',
      '-T',
      '3',
      '-s',
      script,
    ];
    await inside('mover', ...argv);
    assert.match(
      sh('ip', '-n', 'mover', '-br', 'addr', 'show', 'eth0'),
      new RegExp(KERNEL_LEASE.replaceAll('.', '\\.')),
    );
    await until('it mounts', () => canMount('mover', MOVER.serial));
    assert.equal(await addressOf(MOVER.serial), KERNEL_LEASE);
    const hangUp = await stayConnected('mover');
    const ends = new RegExp(
      `"${ROM_LEASE.replaceAll('.', '\\.')}"[^\n]*the old address of a Pi|previousAddress[^\n]*${ROM_LEASE}`,
    );
    await until('the ROM’s address ends', async () => ends.test(bakery.output()));
    hangUp();
  });

  test('of two Pis with one address the one that is there has it', async () => {
    trySh('ip', '-n', 'runner', 'addr', 'flush', 'dev', 'eth0');
    sh('ip', 'neigh', 'flush', 'dev', network.bridge);
    plugIn('other', '10.99.0.32/24', OTHER.mac);
    closing.push(() => unplug('other'));
    // It asks as soon as it is there; what the neighbour table shows is a moment older.
    await until('it enters', async () => {
      await fetch('other', `${OTHER.serial}/start.elf`);
      return (await call(bakery, 'GET', `/pis/${OTHER.serial}`)).status === 200;
    });
    assert.deepEqual([await addressOf(OTHER.serial), await addressOf(RUNNER.serial)], ['10.99.0.32', undefined]);
    assert.equal(await canMount('other', RUNNER.serial), false);
    await bake(OTHER.serial);
    assert.ok(await canMount('other', OTHER.serial));
  });

  test('a Pi that is switched off loses its address, and with it whoever has that next', async () => {
    sh('ip', '-n', 'runner', 'addr', 'add', `${RUNNER.address}/24`, 'dev', 'eth0');
    await until('it is back', async () => (await fetch('runner', `${RUNNER.serial}/cmdline.txt`)).includes('nfsroot='));
    assert.ok(await canMount('runner', RUNNER.serial));
    await ask('POST', `/pis/${RUNNER.serial}/power`, 202, { action: 'off' });
    await until('its address ends', async () => (await addressOf(RUNNER.serial)) === undefined);
    await until('its export ends', async () => !(await canMount('runner', RUNNER.serial)));
  });

  test('an address that was silent for a day ends, and comes back when its board answers again', async () => {
    assert.equal(await addressOf(OTHER.serial), '10.99.0.32');
    sh('ip', '-n', 'other', 'link', 'set', 'eth0', 'down');
    sh('ip', 'neigh', 'flush', 'dev', network.bridge);
    await bakery.order({ passMs: 25 * 3_600_000 });
    await until('it ends', async () => (await addressOf(OTHER.serial)) === undefined);
    plugIn('heir', '10.99.0.32/24');
    await until('who has it next has nothing', async () => !(await canMount('heir', OTHER.serial)));
    unplug('heir');
    sh('ip', '-n', 'other', 'link', 'set', 'eth0', 'up');
    await until('it mounts again', () => canMount('other', OTHER.serial));
    assert.equal(await addressOf(OTHER.serial), '10.99.0.32');
  });

  test('unknown Pis enter as the policy says: into quarantine, or not at all', async () => {
    for (const [policy, serial, address] of [
      ['quarantine', 'c0000001', '10.99.0.51'],
      ['ignore', 'c0000002', '10.99.0.52'],
    ] as const) {
      assert.equal(await bakery.stop(), 0);
      bakery = await start({ BAKERY_DISCOVERY: policy });
      plugIn(policy, `${address}/24`, `2c:cf:67:00:00:${address.slice(-2)}`);
      closing.push(() => unplug(policy));
      assert.match(await fetch(policy, `${serial}/config.txt`), /File not found/);
      const { status, body } = await call(bakery, 'GET', `/pis/${serial}`);
      assert.equal(status, policy === 'ignore' ? 404 : 200);
      assert.ok(policy === 'ignore' || (body as { quarantine?: boolean }).quarantine);
      assert.ok(!(serial in (await ask<object>('GET', '/fridge', 200))));
    }
  });
});
