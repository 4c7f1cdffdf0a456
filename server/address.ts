import { BakeryError } from '../core/errors.ts';
import type { Ipv4 } from '../core/ids.ts';
import { isInside, type Subnet } from '../core/subnet.ts';

/** An address of this machine. */
export interface LocalAddress {
  readonly address: Ipv4;
  readonly interface: string;
  readonly loopback: boolean;
}

/**
 * The address Pis reach us at: the wished one, else that of the default route's interface, else the only one there is,
 * else loopback (which says `lonely`: no Pi can reach it).
 * @throws BakeryError `bad-setting` (invalid) when there are several candidates, which it lists.
 */
export function chooseAddress(facts: {
  wished: Ipv4 | undefined;
  addresses: readonly LocalAddress[];
  defaultInterface: string | undefined;
}): { address: Ipv4; lonely: boolean } {
  if (facts.wished) return { address: facts.wished, lonely: false };
  const outside = facts.addresses.filter((a) => !a.loopback);
  const onDefault = outside.filter((a) => a.interface === facts.defaultInterface);
  const candidates = onDefault.length > 0 ? onDefault : outside;
  const [first, second] = candidates;
  if (!first) return { address: '127.0.0.1' as Ipv4, lonely: true };
  if (second) {
    const list = candidates.map((a) => `${a.address} (${a.interface})`).join(', ');
    throw new BakeryError(
      'invalid',
      'bad-setting',
      `BAKERY_ADDRESS must say where Pis reach this server; it has ${list}`,
    );
  }
  return { address: first.address, lonely: false };
}

/**
 * Those of `addresses` that are on the interfaces named; all when none is. Loopback stays: relays ask from there.
 * @throws BakeryError `bad-setting` (invalid) when one of them has no address.
 */
export function onInterfaces(addresses: readonly LocalAddress[], names: readonly string[]): readonly LocalAddress[] {
  const missing = names.find((name) => !addresses.some((a) => a.interface === name));
  if (missing !== undefined) {
    const known = [...new Set(addresses.map((a) => a.interface))].join(', ');
    const message = `BAKERY_INTERFACES names ${missing}, which has no IPv4 address; those that have are ${known}`;
    throw new BakeryError('invalid', 'bad-setting', message);
  }
  return names.length === 0 ? addresses : addresses.filter((a) => a.loopback || names.includes(a.interface));
}

/** True for somebody else's address on a wire of ours; `subnetOf` gives the subnet of an address of this machine. */
export function isOnOurWires(
  to: Ipv4,
  addresses: readonly LocalAddress[],
  subnetOf: (own: Ipv4) => Subnet | undefined,
): boolean {
  return addresses.some(({ address, loopback }) => {
    const wire = loopback ? undefined : subnetOf(address);
    return wire !== undefined && address !== to && isInside(to, wire);
  });
}

/** One address for each wire, the one that Pis reach us at where it is one of several: a Pi gets one offer, not two. */
export function oneOnEachWire(addresses: readonly LocalAddress[], preferred: Ipv4): readonly Ipv4[] {
  const wires = Map.groupBy(
    addresses.filter((a) => !a.loopback),
    (a) => a.interface,
  );
  return [...wires.values()].flatMap((all) => (all.find((a) => a.address === preferred) ?? all[0])?.address ?? []);
}
