import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type BootWorld, makeBootWorld, type ToldBoot } from '../lab/boot-world.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { plugIn, unplug } from '../lab/network.ts';
import { blockPorts } from '../lab/sabotage.ts';
import { requireTools, sh } from '../lab/sh.ts';
import { isLongRun } from '../sizes.ts';

const PI = {
  model: '4-2022',
  serial: '0060cd37',
  mac: 'dc:a6:32:01:36:c2',
  address: '10.99.0.16',
  revision: 'b03112',
} as const;
const PI3 = { id: '5564247d', mac: 'b8:27:eb:64:24:7d', address: '10.99.0.13' };
const ELSEWHERE = '10.99.0.77';
const CABLE = `ve-rom-${PI.serial}`;

/** Each thing that goes wrong goes wrong for real, on a wire or in a boot folder, and is told by the API. */
inOwnNamespace(import.meta.url, () => {
  let world: BootWorld;

  before(async () => {
    requireTools('busybox', 'nfs-ls', 'curl', 'rpcinfo', 'tcpdump');
    world = await makeBootWorld(PI);
  });
  after(() => world?.close());

  /** The boot of a power-cycle, once it is told to have stopped there. */
  async function cycled(code: string) {
    await world.cycle();
    return world.diagnosed(code);
  }
  const causes = (boot: { diagnosis: { causes: readonly { code: string }[] } }) =>
    boot.diagnosis.causes.map(({ code }) => code);
  const stages = (boot: { stages: readonly { stage: string }[] }) => boot.stages.map(({ stage }) => stage);

  test('a Pi that nobody knows asks for files while it is not baked', async () => {
    // A person switches it on.
    const { bakery } = world;
    await world.ask('POST', '/pis', 201, { id: PI.serial });
    await world.ask('PATCH', `/pis/${PI.serial}`, 200, { maintenance: true });
    await world.ask('POST', `/pis/${PI.serial}/power`, 202, { action: 'on' });
    const boot = await world.diagnosed('not-baked');
    assert.deepEqual([stages(boot), causes(boot)], [['power-on', 'dhcp', 'first-file'], ['not-baked']]);
    await world.ask('PATCH', `/pis/${PI.serial}`, 200, { maintenance: false });
    await world.ask('POST', `/pis/${PI.serial}/confirm-off`, 200);
    await world.ask('POST', '/fridge', 202, { bakeformName: 'tiny' });
    while ((await world.ask<{ status: number }>('GET', `/oven/${PI.serial}`, 200)).status !== 2) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.doesNotMatch(bakery().output(), /stranger-/);
  });

  test('a switch that fails, and a board that does not boot from the network, are told by what does not come', async () => {
    world.onPower(async () => {
      throw new Error('the port is broken');
    });
    const failed = await cycled('power-failed');
    assert.deepEqual([failed.stage, causes(failed)], [undefined, ['switch-refused']]);
    world.onPower(undefined);
    world.alter({ bootOrder: 'f1' });
    await world.ask('POST', `/pis/${PI.serial}/power`, 202, { action: 'on' });
    const silent = await world.diagnosed('no-sign');
    assert.deepEqual([silent.id, stages(silent)], [failed.id, ['power-on']], 'it is the same attempt');
    assert.deepEqual(causes(silent), ['boot-order', 'stp', 'cable']);
    assert.match(silent.diagnosis.next ?? '', /BOOT_ORDER/);
    const rom = await world.rom();
    assert.ok(rom.event === 'failed' && rom.requests.length === 0);
    world.alter();
  });

  test('nothing is heard of a board whose port is in another VLAN', async () => {
    // As in another VLAN: its cable is where nobody of this wire hears it.
    sh('ip', 'link', 'set', CABLE, 'netns', 'site');
    sh('ip', '-n', 'site', 'link', 'set', CABLE, 'up');
    await cycled('no-sign');
    const listen = ['timeout', '15', 'tcpdump', '-n', '-c', '1', '-i', CABLE, 'udp', 'port', '67'] as const;
    sh('nsenter', '--net=/run/netns/site', ...listen);
    const boot = await world.diagnosed('no-sign');
    sh('ip', '-n', 'site', 'link', 'set', CABLE, 'netns', String(process.pid));
    sh('ip', 'link', 'set', CABLE, 'master', world.network.bridge, 'up');
    assert.ok(causes(boot).includes('cable'));
  });

  test('while STP keeps its port closed nothing is heard of a board that asks all the time', async () => {
    sh('ip', 'link', 'set', world.network.bridge, 'type', 'bridge', 'forward_delay', '3000', 'stp_state', '1');
    sh('ip', 'link', 'set', CABLE, 'down');
    sh('ip', 'link', 'set', CABLE, 'up');
    assert.ok(causes(await cycled('no-sign')).includes('stp'));
    assert.match(sh('ip', '-d', 'link', 'show', CABLE), /state (listening|blocking|learning)/);
    sh('ip', 'link', 'set', world.network.bridge, 'type', 'bridge', 'stp_state', '0');
    sh('bridge', 'link', 'set', 'dev', CABLE, 'state', '3');
    // With the port open its next DISCOVER comes through.
    const boot = await world.diagnosed('kernel-silent');
    assert.deepEqual(stages(boot), ['power-on', 'dhcp', 'first-file', 'firmware', 'cmdline', 'kernel']);
  });

  test('without a DHCP server there is no address, with a firewall before TFTP no file', async () => {
    sh('ip', 'link', 'set', 've-site', 'down');
    assert.deepEqual(causes(await cycled('no-address')), ['no-address']);
    sh('ip', 'link', 'set', 've-site', 'up');
    const mend = blockPorts(world.network.bridge, [{ protocol: 'udp', port: 69 }]);
    const boot = await cycled('no-file');
    mend();
    assert.deepEqual([stages(boot), causes(boot)[0]], [['power-on', 'dhcp'], 'firewall-boot']);
  });

  for (const [code, ...names] of [
    ['firmware-missing', 'start4.elf', 'start.elf'],
    ['kernel-missing', 'kernel8.img'],
    ['device-tree-missing', 'bcm2711-rpi-4-b.dtb'],
    ['cmdline-missing', 'cmdline.txt'],
    ['initramfs-missing', 'initramfs8'],
  ] as const) {
    test(`${names.join(' and ')} not in its boot folder: ${code}, by name`, async () => {
      const at = (name: string) => join(world.root, 'nfs', PI.serial, 'boot/firmware', name);
      for (const name of names) renameSync(at(name), at(`${name}.away`));
      await world.cycle();
      await world.rom();
      const { diagnosis } = await world.diagnosed(code, (boot) =>
        names.every((name) => boot.diagnosis.text.includes(name)),
      );
      for (const name of names) renameSync(at(`${name}.away`), at(name));
      assert.ok(diagnosis.next);
    });
  }

  test('firmware that is too old for the board got all it asked for, and came no further', async () => {
    world.alter({ isTooNew: true });
    await world.cycle();
    const rom = await world.rom();
    world.alter();
    assert.ok(rom.event === 'failed' && /too old/.test(rom.reason));
    const boot = await world.diagnosed('firmware-stuck');
    assert.deepEqual(causes(boot), ['wrong-firmware', 'packet-loss']);
    assert.match(boot.diagnosis.next ?? '', /serial console/);
  });

  test('a kernel that is not heard of, asks for no root, asks in vain, mounts it, and says that it is ready', async () => {
    const nfs = (path: string) => world.onBoard('nfs-ls', `nfs://${world.network.server}${path}?version=3`);
    const own = join(world.root, 'nfs', PI.serial);
    await world.cycle();
    assert.equal((await world.rom()).event, 'fetched');
    const silent = await world.diagnosed('kernel-silent', ({ files, misses }) => files >= 10 && misses >= 5);
    assert.deepEqual(causes(silent), ['no-network-driver', 'nfs-version']);

    // Its kernel's own DHCP; then an initramfs that asks for a version of NFS that there is not, then a firewall before NFS.
    const udhcpc = [
      'busybox',
      'udhcpc',
      '-i',
      'eth0',
      '-n',
      '-q',
      '-f',
      '-t',
      '5',
      '-T',
      '3',
      '-s',
      '/bin/true',
    ] as const;
    // Of one MAC few packets are read in 10 s, and this board was switched on a few times.
    let [now] = await world.boots();
    for (let tries = 0; now?.diagnosis.code === 'kernel-silent' && tries < 60; tries++) {
      const asked = world.onBoard(...udhcpc);
      assert.equal(asked.code, 0, asked.output);
      await new Promise((resolve) => setTimeout(resolve, 500));
      [now] = await world.boots();
    }
    assert.match(
      world.onBoard('rpcinfo', '-T', 'udp', world.network.server, '100003', '2').output,
      /not registered|not available/,
    );
    assert.deepEqual(causes(await world.diagnosed('root-not-asked')), ['nfs-version', 'firewall-nfs']);
    const mend = blockPorts(world.network.bridge, [{ protocol: 'tcp', port: 111 }]);
    const tried = world.onBoard('timeout', '1', 'nfs-ls', `nfs://${world.network.server}${own}?version=3`);
    assert.notEqual(tried.code, 0);
    assert.deepEqual(causes(await world.diagnosed('root-not-asked')), ['nfs-version', 'firewall-nfs']);
    mend();

    assert.notEqual(nfs(`${own}-none`).code, 0);
    assert.deepEqual(causes(await world.diagnosed('export-refused')), ['no-export', 'address-changed']);
    const readdress = (from: string, to: string) => {
      world.onBoard('ip', 'addr', 'del', `${from}/24`, 'dev', 'eth0');
      world.onBoard('ip', 'addr', 'add', `${to}/24`, 'dev', 'eth0');
    };
    readdress(PI.address, ELSEWHERE);
    assert.match(nfs(own).output, /ACCES/);
    const isElsewhere = ({ diagnosis }: ToldBoot) => diagnosis.causes[0]?.code === 'address-changed';
    assert.match((await world.diagnosed('export-refused', isElsewhere)).diagnosis.text, /10\.99\.0\.77/);
    readdress(ELSEWHERE, PI.address);

    const mounted = nfs(own);
    assert.equal(mounted.code, 0, mounted.output);
    assert.deepEqual(causes(await world.diagnosed('not-ready')), ['not-told', 'clock']);

    const url = world.bakery().base.replace('127.0.0.1', world.network.server);
    const ready = (time: string) => [
      '-sS',
      '--fail-with-body',
      '-X',
      'POST',
      '--json',
      JSON.stringify({ time }),
      `${url}/pis/${PI.serial}/ready`,
    ];
    const stranger = world.network.asStranger('curl', ...ready('1970-01-01T00:00:00Z'));
    assert.notEqual(stranger.code, 0);
    assert.match(stranger.output, /token-missing/);
    const { code, output } = world.onBoard('curl', ...ready('1970-01-01T00:00:00Z'));
    assert.equal(code, 0, output);
    const boot = await world.diagnosed('clock-wrong');
    assert.deepEqual(
      [boot.id, boot.state, stages(boot).slice(-2), causes(boot)],
      [silent.id, 'up', ['root-mounted', 'ready'], ['clock']],
    );
    // Nor does it for another Pi.
    await world.ask('POST', '/pis', 201, { id: PI3.id, mac: PI3.mac });
    assert.match(world.onBoard('curl', '-sS', '-X', 'POST', `${url}/pis/${PI3.id}/ready`).output, /token-missing/);
  });

  test('a boot that is ready has nothing to check', async () => {
    await world.cycle();
    await world.rom();
    await world.ask('POST', `/pis/${PI.serial}/ready`, 200, { time: new Date().toISOString() });
    const boot = await world.diagnosed('booted');
    assert.deepEqual([boot.state, causes(boot), boot.diagnosis.next], ['up', [], undefined]);
  });

  test('where nobody offers boot files a board takes no offer', async () => {
    await world.restart({ BAKERY_DHCP: 'listen' });
    const boot = await cycled('no-offer');
    assert.deepEqual([stages(boot), causes(boot)[0]], [['power-on', 'dhcp'], 'option-43']);
    assert.match(boot.diagnosis.next ?? '', /BAKERY_DHCP=proxy/);

    // A DHCP server that names another TFTP server: nobody serves there.
    const query = '?mode=full&first=10.99.0.200&last=10.99.0.220';
    const own = await world.ask<string>('GET', `/netboot/dnsmasq.conf${query}`, 200);
    await world.network.serveDhcp(own.replaceAll(world.network.server, '10.99.0.66'));
    const astray = await cycled('no-file');
    await world.network.serveDhcp(undefined);
    assert.deepEqual(
      [stages(astray), causes(astray)],
      [
        ['power-on', 'dhcp'],
        ['firewall-boot', 'other-server'],
      ],
    );
    assert.ok((await world.boots()).slice(1).every(({ endedBy }) => endedBy === 'off' || endedBy === 'next'));
  });

  test('where DHCP is not read a board that takes no offer is not heard of', async () => {
    await world.restart({ BAKERY_DHCP: 'off' });
    const boot = await cycled('no-sign');
    assert.deepEqual(causes(boot), ['boot-order', 'stp', 'cable', 'option-43', 'firewall-boot']);
    await world.restart({ BAKERY_DHCP: 'listen' });
  });

  test('a Pi 3 that gets its first stage and asks for nothing more is told by its MAC', async () => {
    plugIn('pi3', `${PI3.address}/24`, PI3.mac);
    const get = ['busybox', 'tftp', '-g', '-r', 'bootcode.bin', '-l', '/dev/null', world.network.server];
    sh('nsenter', '--net=/run/netns/pi3', ...get);
    unplug('pi3');
    let boots: readonly ToldBoot[] = [];
    while (boots.length === 0) boots = await world.boots(PI3.id);
    assert.deepEqual(
      boots.map((boot) => [boot.diagnosis.code, causes(boot)]),
      [['first-stage-only', ['old-bootcode', 'option-43']]],
    );
  });

  // It takes the server half a minute to give a transfer up.
  const testOfLongRun = isLongRun ? test : () => undefined;
  testOfLongRun('a file that breaks off is told by name', async () => {
    await world.restart({ BAKERY_DHCP: 'proxy' });
    // Requests come through; what acknowledges them does not.
    const mend = blockPorts(world.network.bridge, [{ protocol: 'udp', port: '1024-65534' }]);
    const boot = await cycled('transfer-broke');
    mend();
    assert.match(boot.diagnosis.text, /broke off: [a-z0-9_.]+\.$/);
  });
});
