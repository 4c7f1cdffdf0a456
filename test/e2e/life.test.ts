import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, openAsBlob, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { UNIT_FILES } from '../../exports/images/units.ts';
import { ganeshaBackend } from '../../exports/nfs/ganesha/backend.ts';
import { call, type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { buildPiImage, type PiImage } from '../lab/image/build.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { type LabNetwork, makeLabNetwork } from '../lab/network.ts';
import { bootFileOf, newKernelOf, sha256 } from '../lab/new-kernel.ts';
import { createPiOnPort, type PiOnPort } from '../lab/pi-on-port.ts';
import { blockPorts } from '../lab/sabotage.ts';
import { sh } from '../lab/sh.ts';
import { type SnmpSwitch, startSnmpSwitch } from '../lab/switches/snmp-switch.ts';

const PI = { id: '5564247d', mac: 'b8:27:eb:64:24:7d', address: '10.99.0.21' };
/** The port that it hangs on, and who may switch it. */
const PORT = '1.3';
const OPERATOR = {
  name: 'bakery',
  authProtocol: 'sha256',
  authKey: 'auth-secret/0123',
  privProtocol: 'aes',
  privKey: 'priv-secret/4567',
} as const;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

interface DiskInfo {
  readonly id: string;
  readonly location: string;
  readonly size: number;
  readonly nfsAddress: string;
}
interface PiInfo {
  readonly id: string;
  readonly status: number;
  readonly disks?: readonly DiskInfo[];
}

inOwnNamespace(
  import.meta.url,
  () => {
    let image: PiImage;
    let root: string;
    let network: LabNetwork;
    let bakery: RunningBakery;
    let pi: PiOnPort;
    let poe: SnmpSwitch;
    /** How long its ROM asks for a file. */
    let patienceMs = 30_000;
    const times: [string, number][] = [];

    async function timed<T>(stage: string, act: () => Promise<T>): Promise<T> {
      const began = Date.now();
      const result = await act();
      times.push([stage, Date.now() - began]);
      return result;
    }
    async function ask<T>(method: string, path: string, expected: number, body?: unknown): Promise<T> {
      const answer = await call(bakery, method, path, body);
      assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`);
      return answer.body as T;
    }
    async function until<T>(what: string, ms: number, probe: () => Promise<T | undefined | false>): Promise<T> {
      const end = Date.now() + ms;
      for (;;) {
        const found = await probe();
        if (found) return found;
        if (Date.now() > end)
          throw new Error(
            `${what}: not within ${ms} ms\n${pi.serialLog().slice(-2000)}\n${bakery.output().slice(-3000)}`,
          );
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    const status = async (wanted: number) => {
      const info = await ask<PiInfo>('GET', `/oven/${PI.id}`, 200);
      return info.status === wanted && info;
    };
    const isFailure = (event: { event: string; text?: string }) =>
      event.event === 'failed' || (event.text ?? '').startsWith('failed');
    const marker = (text: string) => (event: { event: string; text?: string }) =>
      event.event === 'marker' && event.text === text;

    /** Bakes the Pi and gives it a disk and its files, as the BOSH CPI does. */
    async function bakeWithDisk(nonce: string): Promise<{ baked: PiInfo; disk: DiskInfo }> {
      const picked = await ask<PiInfo>('POST', '/fridge', 202, { bakeformName: 'debian' });
      assert.equal(picked.id, PI.id);
      await until('baked', 30_000, () => status(2));
      const disk = await ask<DiskInfo>('POST', '/disks', 201, { size: 16 });
      await ask('POST', `/oven/${PI.id}/disks`, 200, { diskId: disk.id });
      const baked = await ask<PiInfo>('GET', `/oven/${PI.id}`, 200);
      const api = bakery.base.replace('127.0.0.1', network.server);
      const files = {
        'disks.json': JSON.stringify(baked.disks?.slice(1)),
        'settings.json': JSON.stringify({ agent_id: PI.id, nonce, ready: `${api}/pis/${PI.id}/ready` }),
      };
      for (const [name, text] of Object.entries(files)) {
        await ask('POST', `/oven/${PI.id}/upload/${name}`, 200, Buffer.from(text));
        assert.equal(await ask('GET', `/oven/${PI.id}/download/${name}`, 200), text);
      }
      return { baked, disk };
    }
    /** Power-cycles it and waits until its init says that all is done; throws with what it said otherwise. */
    async function bootUntilReady(ms: number): Promise<void> {
      await ask('POST', `/oven/${PI.id}/powercycle`, 200);
      await until('powered on', 15_000, async () => pi.powered());
      const end = await pi.waitFor((event) => marker('ready')(event) || isFailure(event), ms);
      if (!end || !marker('ready')(end))
        throw new Error(`the Pi did not come up: ${end?.reason ?? end?.text ?? 'no sign in time'}`);
    }
    function readNonce(disk: DiskInfo): string {
      sh('sync', '-f', disk.location);
      return sh('debugfs', '-R', 'cat /nonce', join(disk.location, 'disk.img')).trim();
    }
    async function unbake(): Promise<void> {
      await ask('DELETE', `/oven/${PI.id}`, 200);
      await until('unbaked', 60_000, () => status(1));
    }

    before(async () => {
      image = await timed('build the image (or take it from the cache)', async () => buildPiImage());
      root = mkdtempSync(join(tmpdir(), 'bakery-e2e-'));
      network = await makeLabNetwork([PI]);
      pi = createPiOnPort({
        serial: PI.id,
        mac: PI.mac,
        hide: [dirname(image.path), root],
        get fileTimeoutMs() {
          return patienceMs;
        },
      });
      poe = await startSnmpSwitch({
        communities: [],
        users: [{ ...OPERATOR, mayWrite: true }],
        onPower: (_, power) => void pi[power](),
      });
      poe.box.plug(PORT, 4);
      poe.box.describe(PORT, { macs: [PI.mac] });
      bakery = await timed('start the server', () =>
        startBakery({
          root,
          settings: { BAKERY_ADDRESS: network.server, BAKERY_DHCP: 'proxy' },
        }),
      );
    });
    after(async () => {
      await pi?.dispose();
      await bakery?.stop();
      await poe?.close();
      await network?.close();
      if (root) {
        await stopLeftovers(root);
        rmSync(root, { recursive: true, force: true });
      }
      const rows = times.map(([stage, ms]) => `  ${(ms / 1000).toFixed(2).padStart(7)} s  ${stage}`);
      process.stdout.write(`stages:\n${rows.join('\n')}\n`);
    });

    test('takes a real image in', async () => {
      const blob = await openAsBlob(image.path);
      const made = await timed('upload the image and make it a bakeform', () =>
        ask<{ name: string; sha256: string; notes: string[] }>('POST', '/bakeforms/debian', 201, blob.stream()),
      );
      assert.equal(made.sha256, image.sha256);
      assert.ok(made.notes.some((note) => note.includes('/boot/firmware vfat')));
    });

    test('admits an unknown Pi that asks for its boot files, finds the port of the PoE switch that it hangs on, and switches it off', async () => {
      assert.deepEqual(await ask('GET', '/fridge', 200), {});
      await timed('an unknown Pi asks and is in the fridge', async () => {
        poe.box.enable(PORT, 'on');
        await until('in the fridge', 30_000, async () => PI.id in (await ask<object>('GET', '/fridge', 200)));
      });
      const { name: user, ...keys } = OPERATOR;
      const settings = { host: '127.0.0.1', port: poe.port, user, ...keys };
      await ask('POST', '/switches', 201, { name: 'poe-a', kind: 'snmp-poe', settings });
      const { pis } = await ask<{ pis: object[] }>('POST', '/switches/poe-a/discover', 200, { apply: true });
      assert.deepEqual(pis, [{ pi: PI.id, outcome: 'bound', port: { switch: 'poe-a', port: PORT }, binds: true }]);
      await ask('POST', `/pis/${PI.id}/power`, 202, { action: 'off' });
      await until('switched off', 30_000, async () => !pi.powered());
      assert.deepEqual(poe.changes, [`off ${PORT}`]);
    });

    test('bakes it, boots it over TFTP and NFS, and it writes to its disk what only its settings told it', async (t) => {
      const nonce = randomUUID();
      const { baked, disk } = await timed('bake, disk, attach, files', () => bakeWithDisk(nonce));
      assert.equal(baked.disks?.length, 2);
      // A second one, for containers, that comes when it runs. What prepare puts into a root with systemd, this one is given by hand.
      const fileSystem = { type: 'ext4', label: 'containers' };
      const late = await ask<DiskInfo>('POST', '/disks', 201, { size: 16, fileSystem });
      await ask('POST', `/oven/${PI.id}/upload/containers`, 200, Buffer.from(late.id));
      await ask('POST', `/oven/${PI.id}/upload/bakery-disks`, 200, readFileSync(join(UNIT_FILES, 'bakery-disks')));
      await bootUntilReady(180_000);
      const at = (is: (event: { event: string; text?: string }) => boolean) => pi.events.findLast(is)?.at ?? Number.NaN;
      const on = at((event) => event.event === 'on');
      const fetched = at((event) => event.event === 'fetched');
      times.push(['boot ROM: DHCP, and every file over TFTP', fetched - on]);
      times.push(['kernel, DHCP, root mounted over NFS', at(marker('root-mounted')) - fetched]);
      times.push(['init to disk written and ready', at(marker('ready')) - at(marker('root-mounted'))]);

      await t.test('its ROM and its bootcode.bin have the address of the site and the boot files of Bakery', () => {
        const since = pi.events.slice(pi.events.findLastIndex(({ event }) => event === 'on'));
        assert.deepEqual(
          since.flatMap(({ lease }) => (lease ? [[lease.stage, lease.address, lease.tftp]] : [])),
          ['rom', 'bootcode'].map((stage) => [stage, PI.address, network.server]),
        );
      });

      await t.test('the kernel it ran is the one of the image, byte for byte', () => {
        const requests = pi.events.findLast((event) => event.event === 'fetched')?.requests ?? [];
        for (const name of ['vmlinuz', 'initrd.img', 'bcm2837-rpi-3-b.dtb', 'start.elf', 'bootcode.bin']) {
          const got = requests.findLast((request) => request.path.endsWith(name) && request.outcome === 'fetched');
          assert.equal(got?.sha256, sha256(bootFileOf(image.path, name)), name);
        }
        assert.ok(
          requests.some((request) => request.outcome === 'exists'),
          'it probed with ERROR 0',
        );
        assert.ok(
          requests.some((request) => request.outcome === 'missing'),
          'it asked for what there is not',
        );
        assert.ok(
          requests.every((request) => request.outcome !== 'timeout'),
          'every request was answered',
        );
      });

      await t.test('its boot is told from its power to its own word that it is ready', async () => {
        type Told = { state: string; stages: { stage: string; at: string }[]; files: number; bytes: number };
        const [boot] = (await ask<{ boots: Told[] }>('GET', `/pis/${PI.id}/boots`, 200)).boots;
        const times = boot?.stages.map((stage) => Date.parse(stage.at)) ?? [];
        assert.deepEqual(
          boot?.stages.map(({ stage }) => stage),
          ['power-on', 'dhcp', 'first-file', 'firmware', 'cmdline', 'kernel', 'root-mounted', 'ready'],
        );
        assert.deepEqual([boot?.state, times], ['up', times.toSorted((a, b) => a - b)]);
        assert.ok((boot?.files ?? 0) > 5 && (boot?.bytes ?? 0) > 10_000_000, JSON.stringify(boot));
      });

      await t.test('its host name is its serial', async () => {
        assert.ok(await pi.waitFor(marker(`hostname ${PI.id}`), 0));
      });

      await t.test('the nonce is on its disk', () => assert.equal(readNonce(disk), nonce));

      const says = async (text: string): Promise<string> => {
        const heard = await pi.waitFor((event) => event.text?.startsWith(text) === true || isFailure(event), 180_000);
        assert.ok(
          heard?.text?.startsWith(text),
          `${text}: ${heard?.text ?? heard?.reason ?? pi.serialLog().slice(-2000)}`,
        );
        return heard?.text ?? '';
      };
      const setUp = () =>
        readFileSync(join(root, 'nfs', PI.id, 'var/lib/bakery/disks.state'), 'utf8')
          .trim()
          .split('\n');

      await t.test('bakery-disks sets up what its list has, and a disk that is attached while it runs', async () => {
        await timed('a disk is attached to the running Pi and holds an overlay', async () => {
          await says(`bakery-disks: ${disk.id}: up as /dev/loop`);
          await ask('PATCH', `/pis/${PI.id}`, 200, { manageDisks: true });
          await ask('POST', `/oven/${PI.id}/disks`, 200, { diskId: late.id });
          await says(`bakery-disks: ${late.id}: up as /dev/loop`);
          await says(`overlay-on-disk ${late.id}`);
        });
      });

      await t.test('an overlay with its upper layer on the NFS root takes no writes', async () => {
        const told = await says('overlay-on-root-refused');
        assert.match(told, /overlayfs: .*(?:mounting read-only|not supported as upperdir)/);
      });

      const upgrade = newKernelOf(image.path, nonce);
      await t.test('a disk that is detached is let go of first: its file system is unmounted, and whole', async () => {
        assert.deepEqual(setUp().toSorted(), [disk.id, late.id].toSorted());
        for (const [name, bytes] of Object.entries(upgrade)) {
          await ask('POST', `/oven/${PI.id}/upload/${name}`, 200, bytes);
        }
        await timed('a disk is detached from the running Pi', () =>
          until('detached', 60_000, async () => {
            const { status } = await call(bakery, 'DELETE', `/oven/${PI.id}/disks/${late.id}`);
            return status === 200;
          }),
        );
        await says(`bakery-disks: ${late.id}: away`);
        assert.deepEqual(setUp(), [disk.id]);
        assert.ok(!bakery.output().includes('has not let go of a disk in time'));
        sh('sync', '-f', late.location);
        sh('e2fsck', '-fn', join(late.location, 'disk.img'));
        assert.match(sh('debugfs', '-R', 'cat /upper/layer', join(late.location, 'disk.img')), /^written/);
        await ask('DELETE', `/disks/${late.id}`, 200);
      });

      await t.test(
        'the kernel and the initramfs that it puts into its boot folder are what it boots next',
        async () => {
          await says('kernel-upgraded');
          await timed('it boots the kernel that it has put into its boot folder', async () => {
            await ask('POST', `/oven/${PI.id}/powercycle`, 200);
            await until('powered on', 15_000, async () => pi.powered() && pi.events.at(-1)?.event !== 'off');
            await says(`upgraded ${nonce}`);
          });
          const requests = pi.events.findLast((event) => event.event === 'fetched')?.requests ?? [];
          for (const [name, bytes] of Object.entries(upgrade)) {
            const got = requests.findLast((request) => request.path.endsWith(name) && request.outcome === 'fetched');
            assert.equal(got?.sha256, sha256(bytes), name);
            assert.notEqual(got?.sha256, sha256(bootFileOf(image.path, name)), `${name} is another one`);
          }
        },
      );

      await t.test('another address can mount neither its root nor its disk', () => {
        for (const location of [join(root, 'nfs', PI.id), disk.location]) {
          for (const version of [3, 4]) {
            const url = `nfs://${network.server}${location}?version=${version}`;
            const { code, output } = network.asStranger('nfs-ls', url);
            assert.notEqual(code, 0, `${url}: ${output}`);
            assert.match(output, /Failed to mount|denied|ACCES|PERM|NOENT/i, url);
          }
        }
      });
    });

    test('unbakes it: volumes, exports, mounts and power are gone, and it is in the fridge', async () => {
      await timed('unbake', unbake);
      assert.equal(poe.changes.at(-1), `off ${PORT}`);
      await until('without power', 15_000, async () => !pi.powered());
      assert.deepEqual(Object.keys(await ask<object>('GET', '/fridge', 200)), [PI.id]);
      assert.deepEqual(await ask('GET', '/disks', 200), { disks: {} });
      assert.deepEqual(await ganeshaBackend({ root, log: quiet }).list(), []);
      assert.deepEqual(readdirSync(join(root, 'nfs')), []);
      assert.deepEqual(readdirSync(join(root, 'pool/volumes')), []);
      assert.ok(!readFileSync('/proc/self/mounts', 'utf8').includes(`${root}/nfs`));
      assert.ok(!sh('losetup', '--list', '--output', 'BACK-FILE').includes(`${root}/pool/`));
    });

    const sabotages: { name: string; begin(disk: DiskInfo): () => void; ms: number; fails: RegExp }[] = [
      {
        name: 'NFS',
        begin: () => blockPorts(network.bridge, [{ protocol: 'tcp', port: 2049 }], 'unreachable'),
        ms: 120_000,
        fails: /failed NFS root/,
      },
      {
        name: 'TFTP',
        begin() {
          // Nothing would answer in 30 s either.
          patienceMs = 5_000;
          const mend = blockPorts(network.bridge, [{ protocol: 'udp', port: 69 }]);
          return () => {
            patienceMs = 30_000;
            mend();
          };
        },
        ms: 60_000,
        fails: /no bootcode\.bin/,
      },
      {
        name: "the guest's loop set-up",
        begin() {
          rmSync(join(root, 'nfs', PI.id, 'usr/lib/lab/setup-loop'));
          return () => undefined;
        },
        ms: 120_000,
        fails: /failed loop 0/,
      },
    ];
    for (const { name, begin, ms, fails } of sabotages) {
      test(`fails with ${name} taken out`, async () => {
        const nonce = randomUUID();
        const { disk } = await bakeWithDisk(nonce);
        const mend = begin(disk);
        try {
          await timed(`negative run: ${name}`, () => assert.rejects(bootUntilReady(ms), fails));
        } finally {
          mend();
        }
        assert.ok(existsSync(join(disk.location, 'disk.img')));
        assert.throws(() => assert.equal(readNonce(disk), nonce), 'the nonce must not be there');
        await unbake();
      });
    }
  },
  { outside: () => void buildPiImage() },
);
