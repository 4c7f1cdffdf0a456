import type { DhcpStage } from './models.ts';

/** What a DHCP answer says, as a boot ROM reads it; by nothing of the server's. */
export interface RomAnswer {
  /** Option 53: 2 OFFER, 5 ACK, 6 NAK. */
  readonly type: number | undefined;
  readonly xid: number;
  readonly mac: string;
  /** The address for the board; undefined in an offer of boot files alone. */
  readonly address: string | undefined;
  readonly siaddr: string;
  readonly options: ReadonlyMap<number, Buffer>;
}

const dotted = (bytes: Buffer) => [...bytes].join('.');

/** Reads an answer; undefined when it is none, or reaches over its end. */
export function readAnswer(datagram: Buffer): RomAnswer | undefined {
  if (datagram.length < 240 || datagram[0] !== 2 || datagram.readUInt32BE(236) !== 0x63825363) return undefined;
  const options = new Map<number, Buffer>();
  for (let at = 240; datagram[at] !== 255; ) {
    const code = datagram[at++];
    if (code === undefined) return undefined;
    if (code === 0) continue;
    const length = datagram[at++];
    if (length === undefined || at + length > datagram.length) return undefined;
    options.set(code, datagram.subarray(at, at + length));
    at += length;
  }
  const yiaddr = dotted(datagram.subarray(16, 20));
  return {
    type: options.get(53)?.[0],
    xid: datagram.readUInt32BE(4),
    mac: datagram.toString('hex', 28, 34).replace(/..(?!$)/g, '$&:'),
    address: yiaddr === '0.0.0.0' ? undefined : yiaddr,
    siaddr: dotted(datagram.subarray(20, 24)),
    options,
  };
}

/** The sub-options of option 43; undefined when they reach over its end or have none. */
function readMenu(bytes: Buffer): Map<number, Buffer> | undefined {
  const found = new Map<number, Buffer>();
  for (let at = 0; bytes[at] !== 255; ) {
    const code = bytes[at++];
    const length = bytes[at++];
    if (code === undefined || length === undefined || at + length > bytes.length) return undefined;
    found.set(code, bytes.subarray(at, at + length));
    at += length;
  }
  return found;
}

/**
 * Why a board does not boot by an offer; undefined when it does. `guid` is what it said of itself (hex). What is wanted, and by whom:
 * raspberry-pi/boot-net.adoc (menu, three spaces), rpi-eeprom#182 and raspberrypi/firmware#1265 (no menu, no file), notes of a Pi 5
 * (sub-option 6), RFC 4578 §2.3 (option 97 comes back). The same notes want the name of a boot file; a Pi 5 boots by a dnsmasq all the
 * same, which names none beside another server.
 */
export function refuseOffer(answer: RomAnswer, stage: DhcpStage, guid: string): string | undefined {
  const vendor = answer.options.get(43);
  if (answer.options.get(60)?.toString('latin1') !== 'PXEClient') return 'it is not for PXE clients';
  if (!vendor) return 'it has no menu';
  if (answer.options.get(97)?.toString('hex') !== `00${guid}`) return 'option 97 did not come back';
  const menu = readMenu(vendor);
  // Type (2 bytes), length, text.
  const entry = menu?.get(9);
  if (!menu || !entry || entry.length !== 3 + (entry[2] ?? 0)) return 'its menu cannot be read';
  const text = entry.toString('latin1', 3);
  const isMeant = stage.menu === 'begins' ? text.startsWith('Raspberry Pi Boot') : text === 'Raspberry Pi Boot   ';
  if (!isMeant) return `its menu says ${JSON.stringify(text)}`;
  if (!stage.isPicky) return undefined;
  return menu.get(6)?.toString('hex') === '03' ? undefined : 'its menu has no sub-option 6';
}

/** Where an offer says that TFTP is. */
export function tftpServerOf(answer: RomAnswer, stage: DhcpStage): string {
  if (stage.tftpFrom === 'siaddr') return answer.siaddr;
  // A dnsmasq sends no option 66 beside another server, and every Pi 4 boots by one.
  if (stage.tftpFrom === 'option-66') return answer.options.get(66)?.toString('latin1') ?? answer.siaddr;
  return dotted(answer.options.get(54) ?? Buffer.alloc(4));
}

/** The address, its prefix length and the server of an address offer. */
export function leaseOf(answer: RomAnswer): { address: string; prefix: number; server: string } {
  const mask = answer.options.get(1)?.readUInt32BE(0) ?? 0xffffff00;
  const prefix = mask.toString(2).replaceAll('0', '').length;
  return { address: answer.address ?? '', prefix, server: dotted(answer.options.get(54) ?? Buffer.alloc(4)) };
}
