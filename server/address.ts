import { BakeryError } from '../core/errors.ts';
import type { Ipv4 } from '../core/ids.ts';

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
