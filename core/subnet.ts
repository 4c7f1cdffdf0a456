import { type Ipv4, parseIpv4 } from './ids.ts';

/** A subnet of IPv4. */
export interface Subnet {
  readonly network: Ipv4;
  readonly mask: Ipv4;
}

const toNumber = (address: Ipv4) => address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
const toAddress = (bits: number) => [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.') as Ipv4;

/** The subnet that `address` is in, by its mask. */
export function subnetOf(address: Ipv4, mask: Ipv4): Subnet {
  return { network: toAddress(toNumber(address) & toNumber(mask)), mask };
}

/** `10.0.0.0/24` as a subnet, or undefined. Bits behind the prefix are ignored. */
export function parseSubnet(text: string): Subnet | undefined {
  const [, word = '', bits = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const address = parseIpv4(word);
  if (!address || Number(bits) > 32) return undefined;
  // A shift by 32 is none.
  const mask = Number(bits) === 0 ? 0 : 0xffffffff << (32 - Number(bits));
  return subnetOf(address, toAddress(mask));
}

/** True when `address` is in `subnet`. */
export function isInside(address: Ipv4, subnet: Subnet): boolean {
  return subnetOf(address, subnet.mask).network === subnet.network;
}
