import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, openAsBlob, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { unitLayout } from '../../exports/nfs/ganesha/layout.ts';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { plugInBoard } from '../lab/dhcp-board.ts';
import { makeDisk } from '../lab/host-disk.ts';
import { buildPiImage, type PiImage } from '../lab/image/build.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { type LabNetwork, makeLabNetwork } from '../lab/network.ts';
import { createPiOnPort, type PiOnPort } from '../lab/pi-on-port.ts';
import { type PowerServer, startPowerServer } from '../lab/power-server.ts';
import { romPacket, serialGuid } from '../lab/rom/discover.ts';
import { sh, trySh } from '../lab/sh.ts';
import { checkWorld, untilAtRest } from '../lab/world-check.ts';
import { size } from '../sizes.ts';

const PI = { id: '5564247d', mac: 'b8:27:eb:64:24:7d', address: '10.99.0.21' };
const MARKS = size('marks');
const HOST_MIB = 3_000;
/** What is left of a disk that is full for Bakery. */
const LEFT_MIB = 60;

inOwnNamespace(
  import.meta.url,
  () => {
    let image: PiImage;
    let folder: string | undefined;
    /** A disk of its own, which can be filled; the root is on it. */
    let host: string;
    let root: string;
    let network: LabNetwork;
    let bakery: RunningBakery;
    let pi: PiOnPort;
    let powerServer: PowerServer;
    let disk: { id: string; location: string };

    const start = () =>
      startBakery({
        root,
        settings: {
          BAKERY_POWER: 'simpleweb',
          PPI_CONFIG_PATH: join(root, 'ppi.json'),
          BAKERY_ADDRESS: network.server,
        },
      });
    async function ask<T>(method: string, path: string, expected: number, body?: unknown): Promise<T> {
      const answer = await call(bakery, method, path, body);
      assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`);
      return answer.body as T;
    }
    const put = (name: string, text: string) => ask('POST', `/oven/${PI.id}/upload/${name}`, 200, Buffer.from(text));

    /** The numbers in the guest's marks of progress. */
    const progress = () =>
      pi.events.flatMap(({ text }) => {
        const count = /^io (\d+)$/.exec(text ?? '')?.[1];
        return count === undefined ? [] : [Number(count)];
      });
    const troubles = () =>
      pi.events.filter(({ event, text }) => event === 'failed' || /^(?:failed|io-error) /.test(text ?? ''));
    async function waitFor(what: string, ms: number, probe: () => boolean): Promise<void> {
      const end = Date.now() + ms;
      while (!probe()) {
        assert.deepEqual(troubles(), []);
        if (Date.now() > end) {
          throw new Error(`${what}: not in time\n${pi.serialLog().slice(-2000)}\n${bakery.output().slice(-3000)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    /** Waits until the guest has gone on for a while from now. */
    async function goesOn(what: string, marks = MARKS): Promise<void> {
      const from = progress().length;
      await waitFor(what, 180_000, () => progress().length >= from + marks);
    }
    /** A process of the NFS server, as recorded. */
    function pidOf(part: 'ganesha' | 'bus'): number {
      return JSON.parse(readFileSync(unitLayout(root).records[part], 'utf8')).pid;
    }
    const logged = (text: string) => bakery.output().split(text).length - 1;
    /** Waits until another server process serves; Bakery itself must do that. */
    async function startedAgain(before: number): Promise<void> {
      await waitFor('a new NFS server', 60_000, () => {
        try {
          return pidOf('ganesha') !== before;
        } catch {
          return false;
        }
      });
    }

    before(async () => {
      image = buildPiImage();
      folder = mkdtempSync(join(tmpdir(), 'bakery-e2e-'));
      host = join(folder, 'host');
      makeDisk(join(folder, 'host.img'), host, { mib: HOST_MIB, type: 'xfs' });
      root = join(host, 'root');
      mkdirSync(root, { mode: 0o711 });
      network = await makeLabNetwork([PI]);
      pi = createPiOnPort({
        serial: PI.id,
        mac: PI.mac,
        address: `${PI.address}/24`,
        server: network.server,
        hide: [dirname(image.path), host],
      });
      powerServer = await startPowerServer({ 0: pi });
      const piList = { [PI.id]: { piId: PI.id, id: 0, url: powerServer.url } };
      writeFileSync(join(root, 'ppi.json'), JSON.stringify({ piList }));
      bakery = await start();
      await ask('POST', '/bakeforms/debian', 201, (await openAsBlob(image.path)).stream());
      const answer = await fetch(`${bakery.base}/files/${PI.id}/start.elf`);
      await answer.body?.cancel();
      await ask('POST', '/fridge', 202, { bakeformName: 'debian' });
      await untilAtRest({ root, policy: 'pi' }, 60_000);
      disk = await ask('POST', '/disks', 201, { size: 16 });
      const baked = await ask<{ disks: object[] }>('POST', `/oven/${PI.id}/disks`, 200, { diskId: disk.id });
      await put('disks.json', JSON.stringify(baked.disks.slice(1)));
      await put('settings.json', JSON.stringify({ nonce: randomUUID() }));
      await put('workload', 'go on\n');
      await ask('POST', `/oven/${PI.id}/powercycle`, 200);
      await waitFor('the guest works', 300_000, () => progress().length >= 1);
    });
    after(async () => {
      await pi?.dispose();
      await bakery?.stop();
      await powerServer?.close();
      await network?.close();
      if (root) await stopLeftovers(root);
      if (host) trySh('umount', host);
      if (folder) rmSync(folder, { recursive: true, force: true });
    });

    test('a Pi goes on while a stranger pretends by DHCP that it boots, and asks for its files', async () => {
      const stranger = await plugInBoard('thief', { address: '10.99.0.67' });
      try {
        stranger.send(romPacket({ mac: PI.mac, guid: serialGuid(PI.id) }));
        const asks = (path: string) =>
          network.asStranger('busybox', 'tftp', '-g', '-r', path, '-l', '-', network.server).output;
        for (const folder of [PI.id, PI.mac.replaceAll(':', '-')]) {
          assert.match(asks(`${folder}/cmdline.txt`), /File not found/, folder);
        }
        // A REQUEST in its name, for the address of the stranger.
        stranger.send(
          romPacket({ mac: PI.mac, vendorClass: null, architecture: null, type: 3, asksFor: '10.99.0.67' }),
        );
        await goesOn('beside a stranger');
      } finally {
        await stranger.close();
      }
      assert.equal((await ask<{ address: string }>('GET', `/pis/${PI.id}`, 200)).address, PI.address);
    });

    test('a Pi goes on reading and writing while Bakery is stopped, and when it is back', async () => {
      const server = pidOf('ganesha');
      assert.equal(await bakery.stop(), 0);
      await goesOn('without Bakery');
      bakery = await start();
      assert.equal(pidOf('ganesha'), server, 'the NFS server is the same process');
      await goesOn('with Bakery again');
    });

    test('a Pi goes on reading and writing while Bakery is killed, and when it is back', async () => {
      const server = pidOf('ganesha');
      assert.equal(await bakery.kill(), 'SIGKILL');
      await goesOn('without Bakery');
      bakery = await start();
      assert.equal(pidOf('ganesha'), server, 'the NFS server is the same process');
      await goesOn('with Bakery again');
    });

    for (const part of ['ganesha', 'bus'] as const) {
      test(`when ${part === 'bus' ? "the NFS server's bus" : 'the NFS server'} is killed, Bakery starts it again and the Pi goes on`, async () => {
        const [server, starts] = [pidOf('ganesha'), logged('the NFS server is gone; starting it again')];
        process.kill(pidOf(part), 'SIGKILL');
        await startedAgain(server);
        assert.equal(logged('the NFS server is gone; starting it again'), starts + 1, 'by itself, once');
        await goesOn('served again');
      });
    }

    test('a Pi whose server has no room left is told so, reads on, and writes on when there is room again', async () => {
      const said = (word: string) => pi.events.filter(({ text }) => text?.startsWith(`${word} `)).length;
      await put('workload', 'insist\n');
      // Its disk is on the same pool, and what it is about to write there would be lost: it has come to rest first.
      await waitFor('it leaves its disk alone', 180_000, () => said('insisted') >= 2);
      const outside = join(host, 'outside');
      const { bavail, bsize } = statfsSync(host);
      sh('fallocate', '--length', `${Math.floor((bavail * bsize) / 1024 ** 2) - LEFT_MIB}M`, outside);
      await waitFor('the Pi is told', 180_000, () => said('io-refused') === 1);
      assert.equal((await ask<{ code: string }>('POST', '/disks', 507, { size: 8 })).code, 'pool-full');
      rmSync(outside);
      await waitFor('the Pi is let again', 180_000, () => said('io-accepted') === 1);
      const marks = said('insisted');
      await waitFor('the Pi writes on', 180_000, () => said('insisted') > marks);
      await put('workload', 'go on\n');
      await goesOn('with its disk again');
    });

    test('at the end it has every number exactly once, on its root and on its disk, and its kernel saw no error', async () => {
      await put('workload', 'stop\n');
      await waitFor('the guest is ready', 180_000, () => pi.events.some(({ text }) => text === 'ready'));
      const end = pi.events.find(({ text }) => text?.startsWith('io-done '))?.text ?? '';
      const [, count = '0', errors] = /^io-done (\d+) kernel-errors (\d+)$/.exec(end) ?? [];
      assert.equal(errors, '0', end);
      const expected = Array.from({ length: Number(count) }, (_, i) => `${i + 1}`);
      assert.ok(expected.length >= 5 * MARKS * 7, `${count} records`);
      const records = (text: string) => text.split('\n').flatMap((line) => line.trim() || []);
      assert.deepEqual(records(readFileSync(join(root, 'nfs', PI.id, 'var/log/io'), 'utf8')), expected);
      const insisted = records(readFileSync(join(root, 'nfs', PI.id, 'var/log/insisted'), 'utf8'));
      assert.ok(insisted.length > 10 && insisted.every((record, i) => record === `${i + 1}`), insisted.join());
      sh('sync', '-f', disk.location);
      assert.deepEqual(records(sh('debugfs', '-R', 'cat /io', join(disk.location, 'disk.img'))), expected);
      // It was one life: mounted once, booted once, its power never touched.
      const times = (text: string) => pi.events.filter((event) => event.text === text).length;
      assert.deepEqual([times('root-mounted'), times('init-started'), times('io-started')], [1, 1, 1]);
      assert.equal(powerServer.calls.filter(({ action }) => action === 'on').length, 1);
      assert.deepEqual(await checkWorld({ root, policy: 'pi' }), []);
    });
  },
  { outside: () => void buildPiImage() },
);
