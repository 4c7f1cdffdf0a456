import type { PiId } from '../../core/ids.ts';
import { mayHaveMac } from '../../core/pi.ts';
import { type DhcpPacket, OPTION } from './packet.ts';
import { bootsAs, decodeGuid } from './pi-options.ts';

/**
 * Which program of a Pi sends a packet:
 *
 * - `rom-3b`    the boot ROM of a Pi 2B v1.2 or 3B
 * - `bootcode`  bootcode.bin of these, or the ROM of a 3B+: nothing tells them apart
 * - `pi4-2019`  a Pi 4 with firmware of before March 2020, or with `DHCP_OPTION97=0`
 * - `pi4`, `pi5` their EEPROMs
 * - `by-mac`    boots from the network as a Pi does, under a MAC that Bakery knows; its option 97 is nobody's
 * - `os`        does not boot from the network, under a MAC that Bakery knows: its kernel or its system
 */
export type Sender = BootRom | 'os';
/** Those that boot from the network. */
export type BootRom = 'rom-3b' | 'bootcode' | 'pi4-2019' | 'pi4' | 'pi5' | 'by-mac';

/** A Pi that sent a packet, and what it says of itself. */
export interface PiClient {
  readonly sender: Sender;
  readonly serial: PiId | undefined;
  /** Its revision code. */
  readonly revision: number | undefined;
}

/** All boards up to the Pi 3 have it, and nothing else has. */
export const OUI_OF_PI_1_TO_3 = 'b8:27:eb';

/**
 * Who sent `packet`; undefined when it is no Pi. It is one by option 97, or by a MAC that is known (`isKnown`); a Raspberry Pi's
 * MAC prefix alone proves nothing. A PC is never one.
 */
export function identify(packet: DhcpPacket, { isKnown }: { readonly isKnown: boolean }): PiClient | undefined {
  const boots = bootsAs(packet);
  if (boots === 'other') return undefined;
  return bySelf(packet) ?? (isKnown ? byMac(boots) : undefined);
}

function byMac(boots: 'bios' | undefined): PiClient {
  return { sender: boots ? 'by-mac' : 'os', serial: undefined, revision: undefined };
}

/** The Pi that `packet` tells by itself to be one. */
function bySelf(packet: DhcpPacket): PiClient | undefined {
  const guid = decodeGuid(packet.options.get(OPTION.guid));
  const isOld = packet.mac.startsWith(OUI_OF_PI_1_TO_3);
  if (guid?.form === 'structured') {
    const { generation, revision, serial } = guid;
    // A REQUEST of early 2020 has no option 60 (rpi-eeprom#82); four letters are proof enough.
    return { sender: generation === 4 ? 'pi4' : 'pi5', serial, revision };
  }
  // The other forms could be anybody's: the rest must be a Pi's too.
  if (!guid || bootsAs(packet) !== 'bios') return undefined;
  if (guid.form === 'constant') return isOld ? { sender: 'rom-3b', serial: undefined, revision: undefined } : undefined;
  if (!mayHaveMac(guid.serial, packet.mac)) return undefined;
  return { sender: isOld ? 'bootcode' : 'pi4-2019', serial: guid.serial, revision: undefined };
}
