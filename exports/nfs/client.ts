import { parseIpv4 } from '../../core/ids.ts';
import type { ExportClient } from './backend.ts';

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** `a.b.c.d/n` with the host bits cleared, or undefined when it is no IPv4 subnet. */
export function canonicalSubnet(cidr: string): string | undefined {
  const [text = '', bits = '', ...rest] = cidr.split('/');
  const address = parseIpv4(text);
  if (!address || rest.length > 0 || !/^(3[0-2]|[12]?\d)$/.test(bits)) return undefined;
  const size = 2 ** (32 - Number(bits));
  return `${toAddress(Math.floor(toNumber(address) / size) * size)}/${bits}`;
}

/**
 * One text per set of clients, so that two spellings of the same set compare equal: `a.b.c.d/32`, a subnet without host
 * bits, two addresses with a comma between in the order of their text, or `*`. Undefined for a subnet or address that is none.
 */
export function canonicalClient(client: ExportClient): string | undefined {
  switch (client.kind) {
    case 'any':
      return '*';
    case 'address': {
      const both = [client.address, ...(client.also === undefined ? [] : [client.also])];
      const texts = both.map((address) => canonicalSubnet(`${address}/32`));
      return texts.includes(undefined) ? undefined : [...new Set(texts)].toSorted().join(', ');
    }
    case 'subnet': {
      const cidr = canonicalSubnet(client.cidr);
      return cidr === '0.0.0.0/0' ? '*' : cidr;
    }
  }
}

/**
 * The client a server's own text means. A text that Bakery never writes comes back as a subnet with that text in it, which
 * equals no client anyone can want: so it is put right at the next convergence.
 */
export function parseClient(text: string): ExportClient {
  if (text === '*') return { kind: 'any' };
  const [host = '', bits] = text.split('/');
  const address = parseIpv4(host);
  return address && (bits === undefined || bits === '32')
    ? { kind: 'address', address }
    : { kind: 'subnet', cidr: text };
}
