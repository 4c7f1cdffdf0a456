import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { z } from 'zod';
import { type Ipv4, type Mac, parseIpv4, parseMac } from '../ids.ts';
import { type Subnet, subnetOf } from '../subnet.ts';
import type { Clock } from './clock.ts';
import type { Exec } from './exec.ts';

/** The IPv4 addresses of this machine, with the interface each is on; loopback included. */
export function localAddresses(): { address: Ipv4; interface: string; loopback: boolean }[] {
  return Object.entries(networkInterfaces()).flatMap(([name, infos]) =>
    (infos ?? []).flatMap((info) => {
      const address = info.family === 'IPv4' ? parseIpv4(info.address) : undefined;
      return address ? [{ address, interface: name, loopback: info.internal }] : [];
    }),
  );
}

/** The subnet of an address of this machine; undefined when it has no such address. */
export function localSubnet(address: Ipv4): Subnet | undefined {
  const all = Object.values(networkInterfaces()).flatMap((infos) => infos ?? []);
  const mask = parseIpv4(all.find((info) => info.address === address)?.netmask ?? '');
  return mask && subnetOf(address, mask);
}

/** The interface of the default route with the lowest metric, from the text of /proc/net/route. */
export function parseDefaultRoute(text: string): string | undefined {
  const routes = text
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .filter((fields) => fields[1] === '00000000' && fields[7] === '00000000')
    .map((fields) => ({ name: fields[0], metric: Number(fields[6]) }));
  routes.sort((a, b) => a.metric - b.metric);
  return routes[0]?.name;
}

/** The interface that the default route leaves by, or undefined. */
export async function defaultInterface(): Promise<string | undefined> {
  return parseDefaultRoute(await readFile('/proc/net/route', 'utf8'));
}

/**
 * The complete entries of /proc/net/arp: address to MAC. Flag 0x2 (ATF_COM) says that the entry was answered for
 * (include/uapi/linux/if_arp.h); without it the MAC is all zero or stale.
 */
export function parseNeighbours(text: string): Map<Ipv4, Mac> {
  const neighbours = new Map<Ipv4, Mac>();
  for (const line of text.split('\n').slice(1)) {
    const [ip = '', , flags = '', hw = ''] = line.split(/\s+/);
    const [address, mac] = [parseIpv4(ip), parseMac(hw)];
    if (address && mac && (Number.parseInt(flags, 16) & 0x2) !== 0) neighbours.set(address, mac);
  }
  return neighbours;
}

/**
 * The MAC that the kernel's neighbour table shows at `address`, or undefined. Read in one go: it is asked for each boot file, the
 * kernel writes the table from memory, and five hops through the thread pool cost fifteen times as much.
 */
export async function neighbourOf(address: Ipv4): Promise<Mac | undefined> {
  return parseNeighbours(readFileSync('/proc/net/arp', 'utf8')).get(address);
}

const ESTABLISHED = '01';
/** An IPv4 address in an IPv6 one (RFC 4291 §2.5.5.2), as the kernel writes it. */
const MAPPED = '0000000000000000FFFF0000';

/**
 * The IPv4 addresses that have a connection to local port `port`, from the text of /proc/net/tcp or tcp6 (proc(5)): the bytes of each
 * 32-bit word of an address stand in the host's order, little-endian on all machines that run this.
 */
export function parseConnected(text: string, port: number): Set<Ipv4> {
  const connected = new Set<Ipv4>();
  for (const line of text.split('\n').slice(1)) {
    const [, local = '', remote = '', state] = line.trim().split(/\s+/);
    const hex = remote.split(':')[0]?.replace(new RegExp(`^${MAPPED}`), '') ?? '';
    if (state !== ESTABLISHED || hex.length !== 8 || Number.parseInt(local.split(':')[1] ?? '', 16) !== port) continue;
    connected.add(Buffer.from(hex, 'hex').reverse().join('.') as Ipv4);
  }
  return connected;
}

/** The addresses that have a connection to a TCP port of this machine. */
export async function connectedTo(port: number): Promise<Set<Ipv4>> {
  const texts = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')));
  return new Set(texts.flatMap((text) => [...parseConnected(text, port)]));
}

/** The discard service (RFC 863): nobody answers there, or a kernel says so. */
const DISCARD = 9;

/** Sends an empty datagram to `address`: the kernel then has to find out which board is there. A way that there is not is fine. */
export function nudge(address: Ipv4): Promise<void> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = () => socket.close(() => resolve());
    socket.once('error', end);
    socket.send('', DISCARD, address, () => {
      socket.off('error', end);
      end();
    });
  });
}

const Neighbours = z.array(
  z.object({ dst: z.string(), lladdr: z.string().optional(), state: z.array(z.string()).default([]) }),
);

/** The neighbours whose reachability is confirmed, from `ip -json neigh` (NUD states of rtnetlink(7)): they answer now. */
export function parseReachable(json: string): Map<Ipv4, Mac> {
  const reachable = new Map<Ipv4, Mac>();
  for (const neighbour of Neighbours.parse(JSON.parse(json.trim() === '' ? '[]' : json))) {
    const [address, mac] = [parseIpv4(neighbour.dst), parseMac(neighbour.lladdr ?? '')];
    if (address && mac && neighbour.state.includes('REACHABLE')) reachable.set(address, mac);
  }
  return reachable;
}

/** Who answers on this machine's wires now: address to MAC. */
export async function reachableNeighbours(exec: Exec): Promise<Map<Ipv4, Mac>> {
  return parseReachable((await exec('ip', ['-json', '-4', 'neigh', 'show'])).stdout);
}

/** The kernel asks a silent neighbour for 5 s by what it knows, then three times by ARP (arp(7)). */
const ANSWER_MS = 10_000;

/**
 * Which of `addresses` answer at this moment, and their MACs: a board that runs answers ARP, however idle it is. Each is nudged, so
 * that the kernel asks for it; the answer takes 10 s at most.
 */
export async function answeringNeighbours(
  addresses: readonly Ipv4[],
  { exec, clock }: { readonly exec: Exec; readonly clock: Clock },
): Promise<Map<Ipv4, Mac>> {
  const answering = new Map<Ipv4, Mac>();
  const until = clock.monotonic() + ANSWER_MS;
  await Promise.all(addresses.map(nudge));
  while (answering.size < addresses.length && clock.monotonic() < until) {
    await clock.sleep(500);
    const reachable = await reachableNeighbours(exec);
    for (const address of addresses) {
      const mac = reachable.get(address);
      if (mac) answering.set(address, mac);
    }
  }
  return answering;
}
