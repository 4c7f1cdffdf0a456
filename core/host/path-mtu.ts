import { networkInterfaces } from 'node:os';
import { z } from 'zod';
import { type Ipv4, parseIpv4 } from '../ids.ts';
import { isInside, subnetOf } from '../subnet.ts';
import type { Clock } from './clock.ts';
import type { Exec } from './exec.ts';

const Routes = z.array(
  z.object({ dev: z.string().optional(), metrics: z.array(z.object({ mtu: z.number().optional() })).default([]) }),
);
const Links = z.array(z.object({ mtu: z.number().optional() }));

/**
 * What `ip -json route get` says of a way: its interface, and the MTU that its route or what routers told of it (RFC 1191) set.
 * Undefined for what it does not print.
 */
export function parseRoute(json: string): { interface: string | undefined; mtu: number | undefined } | undefined {
  try {
    const [route] = Routes.parse(JSON.parse(json));
    return route && { interface: route.dev, mtu: route.metrics.find(({ mtu }) => mtu !== undefined)?.mtu };
  } catch {
    return undefined;
  }
}

/** The MTU of an interface, from what `ip -json link show` says of it; undefined for what it does not print. */
export function parseLink(json: string): number | undefined {
  try {
    return Links.parse(JSON.parse(json))[0]?.mtu;
  } catch {
    return undefined;
  }
}

/** An answer is kept for so long: a board asks for thirty files in a few seconds. */
const FRESH_MS = 30_000;
/** Answers kept at most, the newest. */
const MAX_KEPT = 1_024;

/** The largest IP packet that gets from `local`, an address of ours, to `client` in one piece; undefined when nobody knows. */
export type PathMtu = (local: Ipv4, client: Ipv4) => Promise<number | undefined>;

/**
 * Asks for the interface's where the client is on its wire, else the kernel for the way there, each at most once in 30 s. Not sysfs: it
 * shows the interfaces of the network namespace that it was mounted in. Never throws.
 */
export function createPathMtu(exec: Exec, clock: Pick<Clock, 'monotonic'>): PathMtu {
  const kept = new Map<string, { readonly at: number; readonly mtu: Promise<number | undefined> }>();

  function onceInAWhile(key: string, ask: () => Promise<number | undefined>): Promise<number | undefined> {
    const now = clock.monotonic();
    const known = kept.get(key);
    if (known && now - known.at < FRESH_MS) return known.mtu;
    kept.delete(key);
    const mtu = ask().catch(() => undefined);
    kept.set(key, { at: now, mtu });
    const [oldest] = kept.keys();
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    return mtu;
  }

  const ofInterface = (name: string) =>
    onceInAWhile(name, async () => parseLink((await exec('ip', ['-json', 'link', 'show', 'dev', name])).stdout));

  return async (local, client) => {
    for (const [name, infos = []] of Object.entries(networkInterfaces())) {
      const mask = parseIpv4(infos.find(({ address }) => address === local)?.netmask ?? '');
      if (mask && isInside(client, subnetOf(local, mask))) return ofInterface(name);
    }
    return onceInAWhile(`${local} ${client}`, async () => {
      const route = parseRoute((await exec('ip', ['-json', '-4', 'route', 'get', client, 'from', local])).stdout);
      return route?.mtu ?? (route?.interface === undefined ? undefined : ofInterface(route.interface));
    });
  };
}
