import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { boundToUs, LAB_ENV, requireTools, sh, trySh } from './sh.ts';

/** The lab's wire. All of it lives in the network namespace of the test (see namespace.ts). */
export interface LabNetwork {
  readonly server: string;
  readonly bridge: string;
  /** Runs a program from another address on the wire; its exit code and what it said. */
  asStranger(program: string, ...args: readonly string[]): { code: number; output: string };
  /** Has another configuration of the site's dnsmasq; undefined: the usual one again. */
  serveDhcp(configuration: string | undefined): Promise<void>;
  /** Ends all of it; may be called twice. */
  close(): Promise<void>;
}

const SERVER = '10.99.0.1';
const BRIDGE = 'labbr0';
/** Without a MAC of its own a bridge takes the lowest of its ports': the server's would change with every Pi's power. */
const BRIDGE_MAC = '02:ba:4e:00:00:01';
const DHCP_PORT = 67;

/** The bridge and the DHCP server would answer on a real network: only a namespace with nothing but `lo` will do. */
function refuseRealNetwork(): void {
  const others = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
  if (others.length > 0)
    throw new Error(`the lab network needs a network namespace of its own; this one has ${others.join(', ')}`);
}

/** Waits until `child` has the DHCP port open: a DISCOVER before that would be lost. */
export async function dhcpListens(child: ChildProcess, said: () => string): Promise<void> {
  const port = `:${DHCP_PORT.toString(16).padStart(4, '0').toUpperCase()} `;
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    // setpriv and nsenter become dnsmasq: the pid stays, its network is the site's in the end.
    if (readFileSync(`/proc/${child.pid}/net/udp`, 'utf8').includes(port)) return;
    await sleep(25);
  }
  throw new Error(`the DHCP server does not listen: ${said().trim()}`);
}

/** A namespace of its own on the bridge, with the MAC `mac` or any, and an address or none yet. Call `unplug` at the end. */
export function plugIn(name: string, address: string | undefined, mac?: string): void {
  const peer = ['name', 'eth0', ...(mac ? ['address', mac] : []), 'netns', name];
  sh('ip', 'netns', 'add', name);
  sh('ip', 'link', 'add', `ve-${name}`, 'type', 'veth', 'peer', ...peer);
  sh('ip', 'link', 'set', `ve-${name}`, 'master', BRIDGE, 'up');
  sh('ip', '-n', name, 'link', 'set', 'lo', 'up');
  if (address !== undefined) sh('ip', '-n', name, 'addr', 'add', address, 'dev', 'eth0');
  sh('ip', '-n', name, 'link', 'set', 'eth0', 'up');
}

/** Takes it out; it is fine when it is gone. */
export function unplug(name: string): void {
  trySh('ip', 'link', 'del', `ve-${name}`);
  trySh('ip', 'netns', 'del', name);
}

/** Leases for the Pis and nobody else, no DNS, no word about booting. */
function usualDhcp(pis: readonly { mac: string; address: string }[]): string {
  const lines = [
    'port=0',
    'dhcp-range=10.99.0.0,static,255.255.255.0,infinite',
    ...pis.map(({ mac, address }) => `dhcp-host=${mac},${address}`),
    `dhcp-option=option:dns-server,${SERVER}`,
    'dhcp-option=option:domain-name,rack.test',
  ];
  return `${lines.join('\n')}\n`;
}

/** The site's DHCP server. Its leases are in the folder. */
function startDhcp(folder: string, configuration: string): ChildProcess {
  const file = join(folder, 'configuration');
  writeFileSync(file, configuration);
  const [program = '', ...args] = boundToUs(
    'nsenter',
    '--net=/run/netns/site',
    'dnsmasq',
    '--keep-in-foreground',
    `--conf-file=${file}`,
    // It would become `dnsmasq`, who cannot write in our folder.
    '--user=root',
    `--dhcp-leasefile=${join(folder, 'leases')}`,
    `--pid-file=${join(folder, 'pid')}`,
    '--dhcp-authoritative',
    '--no-ping',
    '--interface=eth0',
    '--log-facility=-',
  );
  return spawn(program, args, { env: LAB_ENV, stdio: ['ignore', 'ignore', 'pipe'] });
}

/**
 * Lays the wire: the server's bridge, the site's DHCP server (a real dnsmasq) and a place for a stranger. Needs a fresh
 * network namespace and a fresh tmpfs on /run, where `ip netns` keeps its names: see namespace.ts.
 */
export async function makeLabNetwork(pis: readonly { mac: string; address: string }[]): Promise<LabNetwork> {
  requireTools('ip', 'nsenter', 'setpriv', 'dnsmasq');
  refuseRealNetwork();
  const folder = mkdtempSync(join(tmpdir(), 'bakery-dnsmasq-'));
  let endDhcp = async (): Promise<void> => undefined;
  async function serveDhcp(configuration = usualDhcp(pis)): Promise<void> {
    await endDhcp();
    const dhcp = startDhcp(folder, configuration);
    const ended = new Promise<void>((resolve) => dhcp.once('close', () => resolve()));
    endDhcp = async () => {
      dhcp.kill('SIGKILL');
      await ended;
    };
    let words = '';
    dhcp.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-4000);
    });
    await dhcpListens(dhcp, () => words);
  }
  async function close(): Promise<void> {
    await endDhcp();
    for (const name of ['site', 'stranger']) unplug(name);
    trySh('ip', 'link', 'del', BRIDGE);
    rmSync(folder, { recursive: true, force: true });
  }
  try {
    sh('ip', 'link', 'add', BRIDGE, 'address', BRIDGE_MAC, 'type', 'bridge');
    sh('ip', 'addr', 'add', `${SERVER}/24`, 'dev', BRIDGE);
    sh('ip', 'link', 'set', BRIDGE, 'up');
    plugIn('site', '10.99.0.2/24');
    plugIn('stranger', '10.99.0.66/24');
    await serveDhcp();
  } catch (error) {
    await close();
    throw error;
  }
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
    serveDhcp,
    close,
  };
}
