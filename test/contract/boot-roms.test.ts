import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { dhcpListens, type LabNetwork, makeLabNetwork } from '../lab/network.ts';
import { MODELS, type RomModel } from '../lab/rom/models.ts';
import { BOOT, TRANSCRIPTS, transcript, words } from '../lab/rom/transcripts.ts';
import { plugInRom, type RomBoard } from '../lab/rom-board.ts';
import { boundToUs, LAB_ENV } from '../lab/sh.ts';
import { makeTinyImage } from '../lab/tiny-image.ts';

const US = '10.99.0.1';

/** One of each, known by nothing but what it says itself. */
const BOARDS = [
  { model: '3b', serial: '5564247d', mac: 'b8:27:eb:64:24:7d', address: '10.99.0.13' },
  { model: '3b+', serial: '0a2d8c11', mac: 'b8:27:eb:2d:8c:11', address: '10.99.0.14' },
  { model: '4-2020', serial: '91cdf03d', mac: 'e4:5f:01:09:02:f7', address: '10.99.0.15', revision: 'd03114' },
  { model: '4-2022', serial: '0060cd37', mac: 'dc:a6:32:01:36:c2', address: '10.99.0.16', revision: 'b03112' },
  { model: '5', serial: '7bf18f79', mac: '88:a2:9e:01:02:03', address: '10.99.0.17', revision: 'c04170' },
] as const;

inOwnNamespace(import.meta.url, () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'bakery-roms-')));
  const root = join(folder, 'root');
  const plugged: RomBoard[] = [];
  let network: LabNetwork | undefined;
  let bakery: RunningBakery;

  async function ask<T>(method: string, path: string, expected: number, body?: unknown): Promise<T> {
    const answer = await call(bakery, method, path, body);
    assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
  async function until(what: string, probe: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + 120_000;
    while (!(await probe())) {
      if (Date.now() > end) throw new Error(`${what}: not in time\n${bakery.output().slice(-3000)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  before(async () => {
    network = await makeLabNetwork(BOARDS);
    bakery = await startBakery({ root, settings: { BAKERY_DHCP: 'proxy', BAKERY_POOL: 'plain' } });
    const image = join(folder, 'tiny.img');
    const firmware = { 'bootcode.bin': Buffer.alloc(50_000, 'boot') };
    makeTinyImage(image, { bootFiles: { ...firmware, ...BOOT }, rootMiB: 8, bootMiB: 9 });
    await ask('POST', '/bakeforms/tiny', 201, readFileSync(image));
  });
  after(async () => {
    for (const board of plugged) await board.close();
    await bakery?.stop();
    if (bakery) await stopLeftovers(root);
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('each model, unknown and without an address, is in the fridge once it has asked, as the board that it is', async () => {
    plugged.push(...BOARDS.map((board) => plugInRom(`rom-${board.serial}`, board)));
    const ends = await Promise.all(plugged.map((board) => board.ended));
    // What is in the fridge gets no files.
    for (const end of ends) assert.equal(end.event, 'failed');
    assert.deepEqual(
      Object.keys(await ask<object>('GET', '/fridge', 200)).toSorted(),
      BOARDS.map(({ serial }) => serial).toSorted(),
    );
    for (const { serial, mac, address } of BOARDS) {
      const pi = await ask<{ mac: string; address: string }>('GET', `/pis/${serial}`, 200);
      assert.deepEqual([pi.mac, pi.address], [mac, address]);
    }
    const told = async (serial: string) => {
      const pi = await ask<{ model?: string; memoryMiB?: number; revision?: string }>('GET', `/pis/${serial}`, 200);
      return [pi.revision, pi.model, pi.memoryMiB];
    };
    assert.deepEqual(await Promise.all(BOARDS.map(({ serial }) => told(serial))), [
      // Boards up to the Pi 3 do not tell what they are.
      [undefined, undefined, undefined],
      [undefined, undefined, undefined],
      ['d03114', '4B', 8_192],
      ['b03112', '4B', 2_048],
      ['c04170', '5', 4_096],
    ]);
  });

  test('baked, each boots by DHCP through the proxy beside the site’s dnsmasq, in its own order, with its own options', async () => {
    for (const _ of BOARDS) await ask('POST', '/fridge', 202, { bakeformName: 'tiny' });
    for (const { serial } of BOARDS) {
      await until(
        `${serial} baked`,
        async () => (await ask<{ status: number }>('GET', `/oven/${serial}`, 200)).status === 2,
      );
    }
    const running = plugged.map((board) => board.powerOn());
    plugged.push(...running);
    for (const [i, board] of running.entries()) {
      const facts = BOARDS[i];
      assert.ok(facts);
      const { model, serial, address } = facts;
      const end = await board.ended;
      assert.ok(end.event === 'fetched', `${model}: ${JSON.stringify(end).slice(-500)}`);
      assert.deepEqual(transcript(end.requests, serial), words(TRANSCRIPTS[model as RomModel]), model);
      assert.ok(end.cmdline.includes(`nfsroot=${US}:${join(root, 'nfs', serial)}`), end.cmdline);
      const stages = MODELS[model as RomModel].dhcp.map(({ name }) => name);
      assert.deepEqual(
        board.leases.map((lease) => [lease.stage, lease.address, lease.prefix, lease.tftp]),
        stages.map((stage) => [stage, address, 24, US]),
      );
    }
    assert.doesNotMatch(bakery.output(), /stranger-/);
  });

  test('an EEPROM that puts its MAC before its names boots, and so does one that puts nothing there', async () => {
    const four = BOARDS.findIndex(({ model }) => model === '4-2022');
    const five = BOARDS.findIndex(({ model }) => model === '5');
    for (const [i, prefix] of [
      [four, 'dc-a6-32-01-36-c2/'],
      [five, ''],
    ] as const) {
      const board = plugged[i]?.powerOn({ prefix });
      assert.ok(board);
      plugged.push(board);
      const end = await board.ended;
      assert.ok(end.event === 'fetched', JSON.stringify(end).slice(-500));
      assert.ok(end.requests.every(({ path }) => path.startsWith(prefix) && !path.includes(`${BOARDS[i]?.serial}`)));
      assert.ok(end.cmdline.includes(`/nfs/${BOARDS[i]?.serial},`), end.cmdline);
    }
  });

  test('all of them boot by the dnsmasq whose configuration Bakery writes, while Bakery reads alone', async () => {
    assert.equal(await bakery.stop(), 0);
    bakery = await startBakery({ root, settings: { BAKERY_DHCP: 'listen', BAKERY_POOL: 'plain' } });
    const file = join(folder, 'dnsmasq.conf');
    writeFileSync(file, await ask<string>('GET', '/netboot/dnsmasq.conf', 200));
    const names = ['lease', 'pid'].map(
      (name) => `--${name === 'pid' ? 'pid-file' : 'dhcp-leasefile'}=${join(folder, name)}`,
    );
    const options = ['--keep-in-foreground', '--user=root', '--no-ping', '--log-facility=-', ...names];
    const [program = '', ...args] = boundToUs('dnsmasq', ...options, `--conf-file=${file}`);
    const dnsmasq = spawn(program, args, { env: LAB_ENV, stdio: 'ignore' });
    try {
      await dhcpListens(dnsmasq, () => 'dnsmasq has ended');
      const running = BOARDS.map((facts, i) => {
        const board = plugged[i]?.powerOn();
        assert.ok(board);
        plugged.push(board);
        return { board, facts };
      });
      for (const { board, facts } of running) {
        const end = await board.ended;
        assert.ok(
          end.event === 'fetched',
          `${facts.model}: ${JSON.stringify(board.leases)} ${JSON.stringify(end).slice(-500)}`,
        );
        assert.deepEqual(
          board.leases.map((lease) => [lease.address, lease.tftp]),
          MODELS[facts.model as RomModel].dhcp.map(() => [facts.address, US]),
        );
      }
    } finally {
      dnsmasq.kill('SIGKILL');
    }
    assert.match(bakery.output(), /^dhcp {3}listen \(port 67\)$/m);
  });
});
