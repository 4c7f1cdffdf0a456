import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { z } from 'zod';
import { type Ipv4, type Mac, parseIpv4, parseMac } from '../ids.ts';
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

/** The MAC that the kernel's neighbour table shows at `address`, or undefined. */
export async function neighbourOf(address: Ipv4): Promise<Mac | undefined> {
  return parseNeighbours(await readFile('/proc/net/arp', 'utf8')).get(address);
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
