import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sh, trySh } from './sh.ts';

/** The lab's wire. All of it lives in the network namespace of the test (see namespace.ts). */
export interface LabNetwork {
  readonly server: string;
  readonly bridge: string;
  /** Runs a program from another address on the wire; its exit code and what it said. */
  asStranger(program: string, ...args: readonly string[]): { code: number; output: string };
  close(): Promise<void>;
}

const SERVER = '10.99.0.1';
const BRIDGE = 'labbr0';

/** A namespace of its own on the bridge. */
function plugIn(name: string, address: string): void {
  sh('ip', 'netns', 'add', name);
  sh('ip', 'link', 'add', `ve-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  sh('ip', 'link', 'set', `ve-${name}`, 'master', BRIDGE, 'up');
  sh('ip', '-n', name, 'link', 'set', 'lo', 'up');
  sh('ip', '-n', name, 'addr', 'add', address, 'dev', 'eth0');
  sh('ip', '-n', name, 'link', 'set', 'eth0', 'up');
}

/** Lays the wire: the server's bridge, the site's DHCP server (a real dnsmasq) and a place for a stranger. */
export async function makeLabNetwork(pis: readonly { mac: string; address: string }[]): Promise<LabNetwork> {
  // Without a MAC of its own a bridge takes the lowest of its ports', and changes it when a Pi is plugged in.
  sh('ip', 'link', 'add', BRIDGE, 'address', '02:00:00:00:00:01', 'type', 'bridge');
  sh('ip', 'addr', 'add', `${SERVER}/24`, 'dev', BRIDGE);
  sh('ip', 'link', 'set', BRIDGE, 'up');
  plugIn('site', '10.99.0.2/24');
  plugIn('stranger', '10.99.0.66/24');
  const folder = mkdtempSync(join(tmpdir(), 'bakery-dnsmasq-'));
  const dnsmasq: ChildProcess = spawn(
    'nsenter',
    [
      '--net=/run/netns/site',
      'dnsmasq',
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--port=0',
      '--user=root',
      `--dhcp-leasefile=${join(folder, 'leases')}`,
      `--pid-file=${join(folder, 'pid')}`,
      '--dhcp-authoritative',
      '--no-ping',
      '--interface=eth0',
      '--dhcp-range=10.99.0.0,static,255.255.255.0,infinite',
      '--log-facility=-',
      ...pis.map(({ mac, address }) => `--dhcp-host=${mac},${address}`),
    ],
    { stdio: ['ignore', 'ignore', 'ignore'] },
  );
  const ended = new Promise((resolve) => dnsmasq.once('close', resolve));
  return {
    server: SERVER,
    bridge: BRIDGE,
    asStranger(program, ...args) {
      try {
        return { code: 0, output: sh('nsenter', '--net=/run/netns/stranger', program, ...args) };
      } catch (error) {
        const { status, stdout, stderr } = error as { status?: number; stdout?: string; stderr?: string };
        return { code: status ?? -1, output: `${stdout ?? ''}${stderr ?? ''}` };
      }
    },
    async close() {
      dnsmasq.kill('SIGKILL');
      await ended;
      for (const name of ['site', 'stranger']) {
        trySh('ip', 'link', 'del', `ve-${name}`);
        trySh('ip', 'netns', 'del', name);
      }
      trySh('ip', 'link', 'del', BRIDGE);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
