import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type RunningBakery, startBakery, stopLeftovers } from '../lab/bakery.ts';
import { bakeryCommand } from '../lab/bakery-command.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { type LabNetwork, makeLabNetwork, plugIn, unplug } from '../lab/network.ts';
import { requireTools, sh } from '../lab/sh.ts';

/** The MAC that the doctor plays a board with; the site's server gives addresses to whom it knows. */
const DOCTOR = { mac: '02:ba:4e:d0:c7:01', address: '10.99.0.30' };

inOwnNamespace(import.meta.url, () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'bakery-doctor-')));
  const root = join(folder, 'root');
  let network: LabNetwork | undefined;
  let bakery: RunningBakery | undefined;

  /** What the doctor says, by the name of each line, and how it ends. */
  async function consult(...settings: readonly string[]) {
    const { code, output } = await bakeryCommand(root, 'doctor', '--address', '10.99.0.1', ...settings);
    const lines = output.trim().split('\n');
    const told = new Map(lines.map((line) => [/^\S+ +(\S+)/.exec(line)?.[1] ?? '', line]));
    const state = (name: string) => /^\S+/.exec(told.get(name) ?? output)?.[0];
    return { code, state, line: (name: string) => told.get(name) ?? '', output };
  }

  before(async () => {
    requireTools('tcpdump');
    mkdirSync(root);
    network = await makeLabNetwork([DOCTOR]);
    // A bridge without a cable in it has no link.
    plugIn('pi', '10.99.0.31/24');
  });
  after(async () => {
    await bakery?.stop();
    if (bakery) await stopLeftovers(root);
    unplug('pi');
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('before the first start all is free, and nobody offers boot files yet', async () => {
    const { code, state, line, output } = await consult();
    for (const name of ['interface', 'tftp', 'dhcp-port', 'nfs', 'clock', 'stp'])
      assert.equal(state(name), 'ok', output);
    assert.equal(state('dhcp'), 'bad', output);
    assert.match(line('dhcp'), /10\.99\.0\.2 gives addresses, and nobody offers boot files .* BAKERY_DHCP=proxy/);
    assert.equal(code, 1);
  });

  test('beside a server that runs, each part answers for itself', async () => {
    bakery = await startBakery({
      root,
      settings: { BAKERY_DHCP: 'proxy', BAKERY_POOL: 'plain', BAKERY_ADDRESS: '10.99.0.1' },
    });
    const { state, line, output } = await consult('--dhcp', 'proxy');
    for (const name of ['interface', 'tftp', 'dhcp-port', 'rpcbind', 'nfs', 'dhcp', 'clock'])
      assert.equal(state(name), 'ok', output);
    assert.match(line('dhcp'), /10\.99\.0\.2 gives addresses, 10\.99\.0\.1 offers boot files/);
    assert.match(line('nfs'), /refuses a mount/);
    assert.match(line('rpcbind'), /NFS at TCP 2049 and mountd at TCP 20048/);
  });

  test('what is wrong on the wire is told with what helps: no DHCP server, and a switch that speaks STP', async () => {
    sh('ip', 'link', 'set', 've-site', 'down');
    // A switch of its own at the far end of a cable, which says so every 2 s.
    sh('ip', '-n', 'pi', 'link', 'add', 'switch', 'type', 'bridge', 'stp_state', '1');
    sh('ip', '-n', 'pi', 'link', 'set', 'eth0', 'master', 'switch');
    sh('ip', '-n', 'pi', 'link', 'set', 'switch', 'up');
    const { code, line, output } = await consult('--dhcp', 'proxy');
    assert.match(line('dhcp'), /^bad .*nobody offers an address to a Pi; start the DHCP server/, output);
    assert.match(line('stp'), /^look .*keeps a port closed for 30 s; set the ports of Pis to edge/, output);
    assert.equal(code, 1);
  });
});
