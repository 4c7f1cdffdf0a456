import type { Ipv4, Mac, PiId } from '../../core/ids.ts';
import type { Subnet } from '../../core/subnet.ts';
import { OUI_OF_PI_1_TO_3 } from './client.ts';
import { CONSTANT_GUID, MENU_TEXT } from './pi-options.ts';

/** What a dnsmasq is to do. */
export interface DnsmasqPlan {
  /** Where Pis reach us: TFTP, NFS. */
  readonly server: Ipv4;
  readonly subnet: Subnet;
  /** Offers boot files beside another DHCP server, or is the DHCP server. */
  readonly mode: { readonly kind: 'proxy' } | FullMode;
  /** Those that are known; of others their boot ROM tells. */
  readonly pis: readonly { readonly id: PiId; readonly mac: Mac; readonly address: Ipv4 | undefined }[];
}

/** The site's DHCP server, with the addresses that it gives away. */
export interface FullMode {
  readonly kind: 'full';
  readonly first: Ipv4;
  readonly last: Ipv4;
  readonly router: Ipv4 | undefined;
}

/** `RPi4`, `RPi5`, and both read backwards: option 97 behind its type byte. */
const LETTERS = ['RPi4', '4iPR', 'RPi5', '5iPR'];

const colons = (hex: string) => hex.replace(/..(?!$)/g, '$&:');
const guid = (hex: string) => colons(`00${hex}`);

/**
 * The configuration file of a dnsmasq (2.80 or later) that has Pis boot from us: what `proxy.ts` and `quirks.ts` do, in its words.
 * Only what boots as a Pi does gets a word about booting.
 */
export function renderDnsmasq({ server, subnet, mode, pis }: DnsmasqPlan): string {
  const isProxy = mode.kind === 'proxy';
  const lines = [
    '# dnsmasq for the Pis of this Bakery. Made by GET /netboot/dnsmasq.conf: take it again when Pis come or go.',
    ...(isProxy
      ? [
          "# Offers boot files beside the site's DHCP server. It belongs on the machine of Bakery: Pis take the files from whoever",
          '# offers them. BAKERY_DHCP must not be proxy there.',
        ]
      : ["# The site's DHCP server. No other may give addresses on this wire, and BAKERY_DHCP must not be proxy."]),
    '',
    '# No DNS. Take this line out where this dnsmasq has to do DNS.',
    'port=0',
    '# Shares the DHCP port with Bakery, which reads too.',
    'bind-dynamic',
    '',
    '# What is a Pi: it boots from the network as one, and has the id, the MAC of a Pi 1 to 3, or the MAC of a Pi that is known.',
    'dhcp-vendorclass=set:pxe,PXEClient:Arch:00000',
    ...LETTERS.map((letters) => `dhcp-match=set:pi45,97,${guid(Buffer.from(letters).toString('hex'))}`),
    `dhcp-match=set:constant,97,${guid(CONSTANT_GUID)}`,
    `dhcp-mac=set:pi123,${OUI_OF_PI_1_TO_3}:*:*:*`,
    'tag-if=set:pi,tag:pxe,tag:pi45',
    'tag-if=set:pi,tag:pxe,tag:pi123',
    'tag-if=set:pi,tag:pxe,tag:known-pi',
    'tag-if=set:rom3b,tag:pxe,tag:pi123,tag:constant',
    '',
    '# The first ROM of the 3B wants three spaces, and an answer that is late.',
    `pxe-service=tag:rom3b,0,"${MENU_TEXT}   "`,
    `pxe-service=tag:pi,tag:!rom3b,0,"${MENU_TEXT}"`,
    'dhcp-reply-delay=tag:rom3b,1',
    `dhcp-boot=tag:pi,bootcode.bin,,${server}`,
    `dhcp-option=tag:pi,option:tftp-server,"${server}"`,
    '',
    ...(mode.kind === 'proxy'
      ? [`dhcp-range=${subnet.network},proxy,${subnet.mask}`, '# Nobody else gets an answer.', 'dhcp-ignore=tag:!pi']
      : [
          `dhcp-range=${mode.first},${mode.last},${subnet.mask},24h`,
          mode.router ? `dhcp-option=option:router,${mode.router}` : 'dhcp-option=option:router',
        ]),
    '',
    '# Known Pis. Their leases go by the MAC, whatever client id a system sends: the address must not change under an NFS root.',
    ...pis.map(({ id, mac, address }) => {
      const place = mode.kind === 'full' && address ? `,${address}` : '';
      return `dhcp-host=${mac},id:*,set:known-pi${place} # ${id}`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}
