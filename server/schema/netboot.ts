import { z } from 'zod';
import { type Ipv4, parseIpv4 } from '../../core/ids.ts';
import { parseSubnet } from '../../core/subnet.ts';

const address = (description: string, example: string) =>
  z
    .string()
    .refine((text) => parseIpv4(text) !== undefined, 'must be an IPv4 address')
    .transform((text) => text as Ipv4)
    .optional()
    .meta({ description, example });

/** What a dnsmasq is to do. */
export const DnsmasqQuery = z.object({
  mode: z.enum(['proxy', 'full']).default('proxy').meta({
    description: "`proxy` offers boot files beside the site's DHCP server, `full` is that server",
    example: 'full',
  }),
  subnet: z
    .string()
    .refine((text) => parseSubnet(text) !== undefined, 'must be a subnet, as 10.0.0.0/24')
    .optional()
    .meta({ description: "the wire's; the default is that of the server's address", example: '10.0.0.0/24' }),
  first: address('of the addresses that are given away; `full` needs it', '10.0.0.100'),
  last: address('of the addresses that are given away; `full` needs it', '10.0.0.200'),
  router: address('the default route of the clients; the default is none', '10.0.0.254'),
});
export type DnsmasqQuery = z.output<typeof DnsmasqQuery>;
