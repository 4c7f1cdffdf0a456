import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { plugIn } from '../lab/network.ts';
import { boundToUs, LAB_ENV, sh } from '../lab/sh.ts';
import { SERVERS, type Server } from './bars.ts';
import { argvOf } from './peers.ts';

/** The Pi that is baked, and where it is. */
export const BENCH_PI = '5564247d';
export const CLIENT = '10.99.0.254';
export const CLIENT_MAC = '02:ba:4e:00:00:01';

/** The addresses of 100 clients, all on the bridge. */
export const CROWD = Array.from({ length: 100 }, (_, i) => `10.99.0.${101 + i}`);

const BRIDGE = 'labbr0';
const LOSSY = 'type filter hook input priority 0; policy accept; meta l4proto udp numgen random mod 100 < 1 drop;';

export const addressOf = (server: Server) => `10.99.0.${11 + SERVERS.indexOf(server)}`;
export const within = (server: Server, ...argv: readonly string[]) => [
  'nsenter',
  `--net=/run/netns/${server}`,
  ...argv,
];

/** A bridge with the clients' addresses, and each server in a namespace of its own on it. */
export function layWire(): void {
  sh('ip', 'link', 'add', BRIDGE, 'address', CLIENT_MAC, 'type', 'bridge');
  for (const address of [CLIENT, ...CROWD]) sh('ip', 'addr', 'add', `${address}/24`, 'dev', BRIDGE);
  sh('ip', 'link', 'set', BRIDGE, 'up');
  for (const server of SERVERS) plugIn(server, `${addressOf(server)}/24`);
}

/** Starts one and waits until its port is open. It ends with this process. */
export async function startServer(server: Server, folder: string): Promise<ChildProcess> {
  const [program = '', ...args] = boundToUs(...within(server, ...argvOf(server, addressOf(server), folder)));
  const child = spawn(program, args, { env: LAB_ENV, stdio: ['ignore', 'inherit', 'inherit'] });
  for (let tries = 0; tries < 1_200 && child.exitCode === null; tries++) {
    if (readFileSync(`/proc/${child.pid}/net/udp`, 'utf8').includes(':0045 ')) return child;
    await sleep(50);
  }
  throw new Error(`${server} does not come to listen`);
}

/** Has each side lose 1 % of the packets that come in. */
export function loseSome(): void {
  for (const at of [[], ...SERVERS.map((server) => within(server))]) {
    const [program = 'nft', ...args] = [...at, 'nft', `add table ip loss { chain in { ${LOSSY} }; }`];
    sh(program, ...args);
  }
}

/** Has nobody lose any more. */
export function loseNone(): void {
  for (const at of [[], ...SERVERS.map((server) => within(server))]) {
    const [program = 'nft', ...args] = [...at, 'nft', 'delete table ip loss'];
    sh(program, ...args);
  }
}
