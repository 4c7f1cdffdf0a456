import { type PiId, parsePiId } from '../../core/ids.ts';
import { type DhcpPacket, OPTION } from './packet.ts';

/** What a Pi says of itself in option 97. */
export type PiGuid =
  /** The boot ROM of a Pi 2B v1.2 or 3B: the same for all boards. */
  | { readonly form: 'constant' }
  /** bootcode.bin, a 3B+, a Pi 4 before March 2020 or one with `DHCP_OPTION97=0`: its serial four times. */
  | { readonly form: 'serial'; readonly serial: PiId }
  /** A Pi 4 or 5: what it is, and its serial. */
  | { readonly form: 'structured'; readonly generation: 4 | 5; readonly revision: number; readonly serial: PiId };

/** `RPi4` and `RPi5`; firmware sends the four letters in either order. */
const FOURCC = /^(?:RPi([45])|([45])iPR)$/;
/** "DDDD…" (raspberry-pi/boot-net.adoc: "UUID constant"). */
export const CONSTANT_GUID = '44'.repeat(16);

/**
 * Decodes option 97 (RFC 4578 §2.3): type 0, then 16 bytes.
 *
 * | form | bytes |
 * |---|---|
 * | constant | 16 times 0x44 |
 * | serial | the low 32 bits of the serial number, little-endian, four times |
 * | structured | 4 letters, revision code, bytes 2 to 5 of the MAC, serial; both numbers little-endian |
 *
 * @returns undefined for whatever no Pi sends. PCs without an id of their own send one byte 16 times: that is no serial.
 */
export function decodeGuid(value: Uint8Array | undefined): PiGuid | undefined {
  if (value?.length !== 17 || value[0] !== 0) return undefined;
  const guid = Buffer.from(value.subarray(1));
  if (guid.toString('hex') === CONSTANT_GUID) return { form: 'constant' };
  const generation = FOURCC.exec(guid.toString('latin1', 0, 4));
  const serial = parsePiId(guid.readUInt32LE(12).toString(16).padStart(8, '0'));
  if (!serial) return undefined;
  if (generation) {
    return {
      form: 'structured',
      generation: (generation[1] ?? generation[2]) === '4' ? 4 : 5,
      revision: guid.readUInt32LE(4),
      serial,
    };
  }
  const isRepeated = [4, 8, 12].every((at) => guid.readUInt32LE(at) === guid.readUInt32LE(0));
  const isOneByte = guid.every((byte) => byte === guid[0]);
  return isRepeated && !isOneByte ? { form: 'serial', serial } : undefined;
}

/** Every Pi says that it is a PC with a BIOS (architecture 0); a board that runs UEFI says another number, and is no Pi here. */
const PXE_CLIENT = /^PXEClient(?::Arch:00000(?::|$)|$)/;

/** How a client says that it boots from the network (options 60 and 93). */
export function bootsAs(packet: DhcpPacket): 'bios' | 'other' | undefined {
  const architecture = packet.options.get(OPTION.architecture);
  if (architecture?.some((byte) => byte !== 0)) return 'other';
  const vendorClass = packet.options.get(OPTION.vendorClass);
  const text = vendorClass ? Buffer.from(vendorClass).toString('latin1') : '';
  if (PXE_CLIENT.test(text)) return 'bios';
  return /^(?:PXE|HTTP)Client/.test(text) ? 'other' : undefined;
}

/** The text that a Pi looks for in the menu; it does not boot without. */
export const MENU_TEXT = 'Raspberry Pi Boot';

/** Option 43 (Intel, Preboot Execution Environment 2.1, §2.2.3) with `text` as the only entry of the boot menu. */
export function renderMenu(text: string): Uint8Array {
  const label = Buffer.from(text, 'latin1');
  const prompt = Buffer.from('PXE', 'latin1');
  return Buffer.concat([
    // PXE_DISCOVERY_CONTROL: bit 0 no broadcast, bit 1 no multicast discovery. A Pi 5 asks for ever without it.
    Buffer.from([6, 1, 3]),
    // PXE_MENU_PROMPT: after 0 seconds the first entry is taken.
    Buffer.from([10, 1 + prompt.length, 0]),
    prompt,
    // PXE_BOOT_MENU: an entry of type 0 (2 bytes), the length of its text (1 byte), its text.
    Buffer.from([9, 3 + label.length, 0, 0, label.length]),
    label,
    // The end of the sub-options.
    Buffer.from([255]),
  ]);
}
