import type { Ipv4 } from '../../core/ids.ts';
import type { BootRom } from './client.ts';
import { addressBytes, type DhcpPacket, messageTypeBytes, NO_ADDRESS, OPTION } from './packet.ts';
import { MENU_TEXT, renderMenu } from './pi-options.ts';

/** An answer while the rows below write on it. */
export interface Draft {
  /** How long it is held back, in ms. */
  delayMs: number;
  siaddr: Ipv4;
  file: string;
  readonly options: Map<number, Uint8Array>;
}

/** Something that boot ROMs want of an answer, beyond the RFCs. */
export interface Quirk {
  readonly name: string;
  /** Of which it is true; the rest does well with it where it says `all`. */
  readonly roms: 'all' | readonly BootRom[];
  apply(draft: Draft, facts: { readonly request: DhcpPacket; readonly server: Ipv4 }): void;
  readonly why: string;
  readonly source: string;
}

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const BOOT_FILE = 'bootcode.bin';

/** In the order in which they are applied. */
export const QUIRKS: readonly Quirk[] = [
  {
    name: 'PXEClient',
    roms: 'all',
    apply: ({ options }) => options.set(OPTION.vendorClass, latin1('PXEClient')),
    why: 'an offer without it is that of a DHCP server, and its menu is not read; 9 bytes, no NUL',
    source: 'raspberry-pi/boot-net.adoc, capture of a 3B',
  },
  {
    name: 'echo of option 97',
    roms: 'all',
    apply({ options }, { request }) {
      const guid = request.options.get(OPTION.guid);
      if (guid) options.set(OPTION.guid, guid);
    },
    why: 'the PXE specification wants it, and every server that Pis are known to boot from does it',
    source: 'raspberrypi/firmware#1605; RFC 4578 §2.3',
  },
  {
    name: 'menu',
    roms: 'all',
    apply: ({ options }) => options.set(OPTION.vendorSpecific, renderMenu(MENU_TEXT)),
    why: 'without this text no Pi asks for a file; a Pi 5 wants sub-option 6 too',
    source: 'raspberry-pi/boot-net.adoc; rpi-eeprom#182; raspberrypi/firmware#1265',
  },
  {
    name: 'three spaces',
    roms: ['rom-3b'],
    apply: ({ options }) => options.set(OPTION.vendorSpecific, renderMenu(`${MENU_TEXT}   `)),
    why: 'the first boot ROM takes the length of the text wrongly; the 3B+ has it right',
    source: 'raspberry-pi/boot-net.adoc, known problems; raspberrypi/firmware#941',
  },
  {
    name: 'late answer',
    roms: ['rom-3b'],
    apply(draft) {
      draft.delayMs = 1_000;
    },
    why: 'this ROM locks up when DHCP and TFTP both answer at once',
    source: 'raspberrypi/firmware#934, #859 and #764 (22 boards: 3 booted without, 10 with it)',
  },
  {
    name: 'TFTP server in siaddr and option 66',
    roms: 'all',
    apply(draft, { server }) {
      draft.siaddr = server;
      draft.options.set(OPTION.tftpServer, latin1(server));
    },
    why: 'a Pi 5 reads siaddr only, some Pi 4 option 66; a NUL at its end is taken for a part of it by a Pi 3',
    source: 'rpi5-uefi#22; tinkerbell/smee#23; raspberrypi/firmware#871',
  },
  {
    name: 'a boot file',
    roms: 'all',
    apply(draft) {
      draft.file = BOOT_FILE;
      draft.options.set(OPTION.bootFile, latin1(BOOT_FILE));
    },
    why: 'its name is not used, but a Pi 5 has been seen to pass over offers that name none',
    source: 'raspberrypi/firmware#1850 for the first, notes of a Pi 5 with the EEPROM of 2026-05-26 for the second',
  },
];

/** What goes into the offer for a boot ROM, and how late. */
export function draftOffer(rom: BootRom, request: DhcpPacket, server: Ipv4): Draft {
  const options = new Map([
    [OPTION.messageType, messageTypeBytes('offer')],
    [OPTION.serverId, addressBytes(server)],
  ]);
  const draft: Draft = { delayMs: 0, siaddr: NO_ADDRESS, file: '', options };
  for (const quirk of QUIRKS) {
    if (quirk.roms === 'all' || quirk.roms.includes(rom)) quirk.apply(draft, { request, server });
  }
  return draft;
}
