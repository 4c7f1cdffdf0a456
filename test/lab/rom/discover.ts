/**
 * DHCP packets as boot ROMs send them, byte by byte and by nothing of the server's: what it takes wrongly it must not also make
 * wrongly. Sources: captures in raspberry-pi/boot-net.adoc, raspberrypi/firmware#871 and #1605, rpi-eeprom#58, #69 and #182.
 */
export interface RomPacket {
  /** `b8:27:eb:64:24:7d` */
  readonly mac: string;
  readonly xid?: number;
  /** Option 53: 1 DISCOVER, 3 REQUEST. */
  readonly type?: number;
  /** Hex of option 97 without its type byte. */
  readonly guid?: string;
  /** Option 60; the default is what every Pi says. */
  readonly vendorClass?: string | null;
  /** Option 93; 0 is what every Pi says, 7 a PC with UEFI, 11 an ARM64 board with it. */
  readonly architecture?: number | null;
  /** Options 50 and 54 of a REQUEST. */
  readonly asksFor?: string;
  readonly server?: string;
  readonly giaddr?: string;
  readonly ciaddr?: string;
  /** 0x8000 asks for an answer by broadcast; no Pi does. */
  readonly flags?: number;
  /** Option 55; the default is a Pi 4's. */
  readonly parameters?: readonly number[];
  /** PADs between the options. */
  readonly pads?: number;
}

/** Option 97 of the ROM of a 3B, which is the same for all. */
export const CONSTANT_GUID = '44'.repeat(16);

/** Bytes of a little-endian u32, as hex. */
const little = (hex: string) => (hex.match(/../g) ?? []).reverse().join('');

/** Option 97 of bootcode.bin and the 3B+. */
export const serialGuid = (serial: string) => little(serial).repeat(4);

/** Option 97 of a Pi 4 or 5; `letters` as `RPi4` or `4iPR`. */
export function structuredGuid(letters: string, board: { revision: string; mac: string; serial: string }): string {
  const tail = board.mac.replaceAll(':', '').slice(4);
  return `${Buffer.from(letters).toString('hex')}${little(board.revision.padStart(8, '0'))}${tail}${little(board.serial)}`;
}

/** The datagram. */
export function romPacket(packet: RomPacket): Buffer {
  const { vendorClass = 'PXEClient:Arch:00000:UNDI:002001', architecture = 0, pads = 0 } = packet;
  const { parameters = [1, 3, 43, 60, 66, 67, 128, 129, 130, 131, 132, 133, 134, 135] } = packet;
  const address = (text: string) => Buffer.from(text.split('.').map(Number));
  const head = Buffer.alloc(240);
  // BOOTREQUEST, ethernet, 6 bytes of MAC, no hops.
  head.set([1, 1, 6, 0]);
  head.writeUInt32BE(packet.xid ?? 0x26f30339, 4);
  head.writeUInt16BE(packet.flags ?? 0, 10);
  if (packet.ciaddr) address(packet.ciaddr).copy(head, 12);
  if (packet.giaddr) address(packet.giaddr).copy(head, 24);
  Buffer.from(packet.mac.replaceAll(':', ''), 'hex').copy(head, 28);
  head.set([0x63, 0x82, 0x53, 0x63], 236);
  const options: [number, Buffer][] = [
    [53, Buffer.from([packet.type ?? 1])],
    [55, Buffer.from(parameters)],
  ];
  if (packet.asksFor) options.push([50, address(packet.asksFor)]);
  if (packet.server) options.push([54, address(packet.server)]);
  if (architecture !== null) options.push([93, Buffer.from([0, architecture])]);
  if (architecture !== null) options.push([94, Buffer.from([1, 2, 1])]);
  if (packet.guid !== undefined) options.push([97, Buffer.from(`00${packet.guid}`, 'hex')]);
  if (vendorClass !== null) options.push([60, Buffer.from(vendorClass, 'latin1')]);
  const body = options.flatMap(([code, value]) => [Buffer.alloc(pads), Buffer.from([code, value.length]), value]);
  const whole = Buffer.concat([head, ...body, Buffer.from([255])]);
  return Buffer.concat([whole], Math.max(whole.length, 320));
}
