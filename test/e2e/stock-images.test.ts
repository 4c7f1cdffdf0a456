import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, openAsBlob, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { LAYOUTS } from '../lab/layouts/layouts.ts';
import { buildStockParts, type StockParts } from '../lab/layouts/parts.ts';
import { makeStockImage } from '../lab/layouts/stock-image.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { type LabNetwork, makeLabNetwork } from '../lab/network.ts';
import { createPiOnPort, type PiOnPort } from '../lab/pi-on-port.ts';
import { type PowerServer, startPowerServer } from '../lab/power-server.ts';
import { sh } from '../lab/sh.ts';
import { compareTrees } from '../lab/trees.ts';
import { size } from '../sizes.ts';

/** One that has a prepared root, and its neighbour. */
const PI = { id: '5564247d', mac: 'b8:27:eb:64:24:7d', address: '10.99.0.21' };
const OTHER = { id: '6675358e', mac: 'b8:27:eb:75:35:8e', address: '10.99.0.22' };
type Board = typeof PI;

/** What systemd and sulogin say where a start ends for want of a partition. */
const STUCK = /You are in emergency mode|Cannot open access to console, the root account is locked/;
/** All that two clones of one image differ in before they start. */
const OWN = [
  'boot/firmware/meta-data',
  'etc/hostname',
  'etc/hosts',
  'etc/machine-id',
  'etc/ssh/ssh_host_ecdsa_key',
  'etc/ssh/ssh_host_ecdsa_key.pub',
  'etc/ssh/ssh_host_ed25519_key',
  'etc/ssh/ssh_host_ed25519_key.pub',
];

inOwnNamespace(
  import.meta.url,
  () => {
    let parts: StockParts;
    let root: string;
    let network: LabNetwork;
    let bakery: RunningBakery;
    let powerServer: PowerServer;
    const boards = new Map<Board, PiOnPort>();
    const times: string[] = [];
    let lapBegan = Date.now();
    function lap(stage: string): void {
      times.push(`  ${((Date.now() - lapBegan) / 1000).toFixed(2).padStart(7)} s  ${stage}`);
      lapBegan = Date.now();
    }

    async function ask<T>(method: string, path: string, expected: number, body?: unknown): Promise<T> {
      const answer = await call(bakery, method, path, body);
      assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`);
      return answer.body as T;
    }
    const serial = (pi: Board) => boards.get(pi)?.serialLog() ?? '';
    async function until(what: string, ms: number, probe: () => Promise<boolean>): Promise<void> {
      const end = Date.now() + ms;
      while (!(await probe())) {
        if (Date.now() > end) {
          const logs = [PI, OTHER].map((pi) => `${pi.id}: ${serial(pi).slice(-3000)}`).join('\n');
          throw new Error(`${what}: not within ${ms} ms\n${logs}\n${bakery.output().slice(-2000)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
    const isIn = async (pi: Board, status: number) =>
      (await ask<{ status: number }>('GET', `/oven/${pi.id}`, 200)).status === status;
    const rootOf = (pi: Board) => join(root, 'nfs', pi.id);
    const file = (name: string) => join(root, name);

    /** What a bake and a rebake are given: a user, and the key to log in with. */
    const wish = (bakeformName: string) => ({
      bakeformName,
      user: { name: 'ada' },
      authorizedKeys: [readFileSync(file('key.pub'), 'utf8').trim()],
    });
    async function bake(pi: Board, bakeform: string): Promise<void> {
      await ask('POST', '/fridge', 202, { ...wish(bakeform), piId: pi.id });
      await until(`${pi.id} is baked`, 60_000, () => isIn(pi, 2));
    }
    async function unbake(pi: Board): Promise<void> {
      await ask('DELETE', `/oven/${pi.id}`, 200);
      await until(`${pi.id} is unbaked`, 60_000, () => isIn(pi, 1));
    }

    /** Runs a command there as the user of the bake. @throws Error when its host key is not as `checking` wants it. */
    function ssh(pi: Board, checking: 'accept-new' | 'yes', ...command: string[]): string {
      const known = `UserKnownHostsFile=${file('known_hosts')}`;
      const options = [`StrictHostKeyChecking=${checking}`, known, 'BatchMode=yes', 'ConnectTimeout=20'];
      const how = options.flatMap((option) => ['-o', option]);
      return sh('ssh', '-F', 'none', '-i', file('key'), ...how, `ada@${pi.address}`, ...command).trim();
    }
    function answers(pi: Board): boolean {
      try {
        return ssh(pi, 'accept-new', 'hostname') === pi.id;
      } catch {
        return false;
      }
    }

    before(async () => {
      parts = buildStockParts();
      root = mkdtempSync(join(tmpdir(), 'bakery-stock-images-'));
      sh('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', file('key'));
      network = await makeLabNetwork([PI, OTHER]);
      for (const pi of [PI, OTHER]) {
        const { id, mac } = pi;
        boards.set(pi, createPiOnPort({ serial: id, mac, machine: 'virt', hide: [parts.folder, root] }));
      }
      powerServer = await startPowerServer(Object.fromEntries([...boards.values()].entries()));
      const piList = Object.fromEntries(
        [PI, OTHER].map(({ id }, n) => [id, { piId: id, id: n, url: powerServer.url }]),
      );
      writeFileSync(file('ppi.json'), JSON.stringify({ piList }));
      const settings = { BAKERY_POWER: 'simpleweb', PPI_CONFIG_PATH: file('ppi.json'), BAKERY_DHCP: 'proxy' };
      bakery = await startBakery({ root, settings: { ...settings, BAKERY_ADDRESS: network.server } });
      for (const { id, mac } of [PI, OTHER]) await ask('POST', '/pis', 201, { id, mac });
      lap('start');
    });
    after(async () => {
      for (const board of boards.values()) await board.dispose();
      await bakery?.stop();
      await powerServer?.close();
      await network?.close();
      if (root) {
        await stopLeftovers(root);
        rmSync(root, { recursive: true, force: true });
      }
      process.stdout.write(`stages:\n${times.join('\n')}\n`);
    });

    for (const layout of Object.values(LAYOUTS).slice(0, size('stockLayouts'))) {
      const { name } = layout;
      const fresh = new Map<Board, ReturnType<typeof compareTrees>>();

      test(`${name} becomes two bakeforms: as it is, and prepared`, async () => {
        mkdirSync(file('work'));
        await makeStockImage(layout, parts, { target: file('image'), work: file('work') });
        rmSync(file('work'), { recursive: true });
        for (const [form, query] of [
          ['left', '?prepare=false'],
          ['prepared', ''],
        ]) {
          await ask('POST', `/bakeforms/${form}${query}`, 201, (await openAsBlob(file('image'))).stream());
        }
        rmSync(file('image'));
        await bake(OTHER, 'prepared');
        await bake(PI, 'prepared');
        fresh.set(PI, compareTrees(rootOf(PI), rootOf(OTHER)));
        lap(`${name}: image, two bakeforms, two bakes`);
      });

      test(`${name}: two bakes of it share nothing secret`, () => {
        const { differing, alone, alike } = fresh.get(PI) ?? { differing: [], alone: [], alike: [] };
        const own = OWN.filter(
          (path) => path !== 'boot/firmware/meta-data' || layout.files.some((one) => one.path === path),
        );
        assert.deepEqual(differing, own);
        assert.deepEqual(alone, []);
        assert.ok(alike.length > 1_000, `${alike.length} files are alike`);
        // What is below usr belongs to packages.
        const kept = alike.filter((path) => !path.startsWith('usr/'));
        const secret = /random-seed|credential\.secret|secret_key|\.lease$|duid|instance-id$|ssh_host/;
        assert.deepEqual(
          kept.filter((path) => secret.test(path) || readFileSync(join(rootOf(PI), path)).includes('PRIVATE KEY')),
          [],
        );
      });

      test(`${name} does not come up as it is`, async () => {
        await unbake(OTHER);
        await bake(OTHER, 'left');
        // Both at once: one of them mostly waits.
        for (const pi of [PI, OTHER]) await ask('POST', `/oven/${pi.id}/powercycle`, 200);
        await until(`${STUCK} on the console`, 240_000, async () => STUCK.test(serial(OTHER)));
        assert.doesNotMatch(serial(OTHER), / login: /);
        assert.match(serial(OTHER), /LAB root-mounted/, 'Bakery has done its part');
        lap(`${name}: not prepared, to its end`);
      });

      test(`${name} comes up once it is prepared, and lets one log in with the key of the bake`, async () => {
        await until('a prompt on the console', 240_000, async () => {
          assert.doesNotMatch(serial(PI), STUCK);
          return serial(PI).includes(`${PI.id} login: `);
        });
        lap(`${name}: prepared, to its prompt`);
        rmSync(file('known_hosts'), { force: true });
        await until('a login over ssh', 120_000, async () => answers(PI));
        const known = readFileSync(file('known_hosts'), 'utf8').trim().split(' ').slice(1).join(' ');
        const keys = ['ed25519', 'ecdsa'].map((type) =>
          readFileSync(join(rootOf(PI), `etc/ssh/ssh_host_${type}_key.pub`), 'utf8')
            .split(' ')
            .slice(0, 2)
            .join(' '),
        );
        assert.ok(keys.includes(known), 'it has the host keys that its bake gave it');
        assert.equal(ssh(PI, 'yes', 'sudo', 'id', '-u'), '0');
        lap(`${name}: login over ssh`);
      });

      test(`${name} starts all its services, and keeps the address that the kernel got`, async () => {
        const state = () => ssh(PI, 'yes', 'systemctl is-system-running || true');
        await until('its start is over', 180_000, async () => !/^(initializing|starting)$/.test(state()));
        assert.equal(ssh(PI, 'yes', 'systemctl', '--failed', '--no-legend', '--plain'), '');
        const addresses = ssh(PI, 'yes', 'ip', '-4', '-o', 'address', 'show', 'dev', 'eth0');
        assert.deepEqual(
          [...addresses.matchAll(/inet (\S+)/g)].map(([, inet]) => inet),
          [`${PI.address}/24`],
        );
        const names = ssh(PI, 'yes', 'cat', '/etc/resolv.conf');
        assert.match(names, new RegExp(`^nameserver ${network.server}$`, 'm'));
        assert.match(ssh(PI, 'yes', 'findmnt', '-n', '-o', 'SOURCE', '/boot/firmware'), /\[?\/boot\/firmware\]?$/);
        lap(`${name}: settled`);
      });

      test(`${name}: a rebake of another Pi does not make ssh ask again`, async () => {
        const booted = ssh(PI, 'yes', 'cat', '/proc/sys/kernel/random/boot_id');
        await ask('POST', `/pis/${OTHER.id}/rebake`, 202, { ...wish('prepared'), power: 'off' });
        await until('the other is rebaked', 60_000, () => isIn(OTHER, 2));
        assert.equal(ssh(PI, 'yes', 'cat', '/proc/sys/kernel/random/boot_id'), booted);
        const { alike } = compareTrees(join(rootOf(PI), 'etc'), join(rootOf(OTHER), 'etc'));
        assert.deepEqual(
          alike.filter((path) => /ssh_host|machine-id/.test(path)),
          [],
        );
        for (const pi of [PI, OTHER]) await unbake(pi);
        for (const form of ['left', 'prepared']) await ask('DELETE', `/bakeforms/${form}`, 200);
        lap(`${name}: rebake of the other, all undone`);
      });
    }
  },
  { outside: () => void buildStockParts() },
);
