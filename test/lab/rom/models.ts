/**
 * The boards whose boot from the network is played here (sources: raspberry-pi/boot-net.adoc and
 * eeprom-bootloader.adoc, captures in issues of raspberrypi/firmware and rpi-eeprom, UART logs of others).
 */
export type RomModel = '3b' | '3b+' | '4-2020' | '4-2022' | '5';

/** One program that asks by DHCP. */
export interface DhcpStage {
  readonly name: 'rom' | 'bootcode' | 'eeprom';
  /** What it says of itself in option 97; `structured-no-mac` as until 2020-03-16. */
  readonly guid: 'constant' | 'serial' | 'structured' | 'structured-no-mac';
  /** The letters of a structured one. */
  readonly letters?: string;
  /** Option 55. */
  readonly parameters: readonly number[];
  /** Absent: another for each boot. */
  readonly xid?: number;
  /** Sends a REQUEST and waits for its ACK; else the address is used as it was offered. */
  readonly confirms: boolean;
  /** The REQUEST carries no option 60. */
  readonly isTerse?: boolean;
  readonly everyMs: number;
  /** DISCOVERs before it gives up. */
  readonly tries: number;
  /** What it wants of the text in the boot menu. */
  readonly menu: 'three-spaces' | 'begins';
  /** Wants sub-option 6 with the value 3. */
  readonly isPicky?: boolean;
  /**
   * An offer of boot files that comes earlier than so long after the DISCOVER locks it up. Measured from the sending on, so
   * that a slow machine only makes it longer.
   */
  readonly minimumDelayMs?: number;
  /** Answers nobody who asks by ARP who has its address, while it fetches files; it asks itself (raspberry-pi/boot-net.adoc, known problems). */
  readonly isArpSilent?: true;
  /** Where it reads the address of the TFTP server. Which board reads which is not told anywhere; a good offer says the same in all. */
  readonly tftpFrom: 'server-id' | 'siaddr' | 'option-66';
}

/** One board. */
export interface BoardModel {
  readonly dhcp: readonly DhcpStage[];
  /** Filters of config.txt that it answers to. */
  readonly filters: readonly string[];
  readonly arm64: 'unless-told' | 'when-told' | 'always';
  /** Kernels by their default names, tried in this order; the first is the one of the documentation. */
  readonly kernels: { readonly arm64: readonly string[]; readonly arm32: readonly string[] };
  readonly deviceTree: { readonly downstream: string; readonly upstream: string };
  /** What its programs send with an RRQ, the ROM of a Pi 3 excepted. */
  readonly options: readonly string[];
  /** The local port of the first request; absent: any. */
  readonly firstPort?: number;
  /** Block numbers begin again at 0 behind 65535. */
  readonly wraps: boolean;
}

const VENDOR = [128, 129, 130, 131, 132, 133, 134, 135];
const OF_ROM = [43, 60, 67, ...VENDOR, 66];
const OF_BOOTCODE = [...OF_ROM, 1, 3];
const OF_EEPROM = [1, 3, 43, 60, 66, 67, ...VENDOR];
/** The same for all boards and all attempts (raspberrypi/firmware#871). */
const XID_OF_PI_3 = 0x26f30339;

/** 5 DISCOVERs, 5 s apart, then nothing until the power is cut (raspberry-pi/boot-net.adoc). */
const ROM_3B: DhcpStage = {
  name: 'rom',
  guid: 'constant',
  parameters: OF_ROM,
  xid: XID_OF_PI_3,
  confirms: false,
  everyMs: 5_000,
  tries: 5,
  menu: 'three-spaces',
  minimumDelayMs: 900,
  isArpSilent: true,
  tftpFrom: 'server-id',
};
/** Gives up after about a minute (raspberrypi/firmware#1124). */
const BOOTCODE: DhcpStage = {
  name: 'bootcode',
  guid: 'serial',
  parameters: OF_BOOTCODE,
  xid: XID_OF_PI_3,
  confirms: false,
  everyMs: 5_000,
  tries: 12,
  menu: 'begins',
  tftpFrom: 'server-id',
};
/** DHCP_REQ_TIMEOUT 4000, DHCP_TIMEOUT 45000. */
const EEPROM = {
  name: 'eeprom',
  parameters: OF_EEPROM,
  confirms: true,
  everyMs: 4_000,
  tries: 11,
  menu: 'begins',
} as const;

const PI_3: Omit<BoardModel, 'dhcp' | 'filters' | 'deviceTree'> = {
  arm64: 'when-told',
  // A 32-bit kernel that cannot be had is looked for under the older names (raspberrypi/firmware#1605 and #1292).
  kernels: { arm64: ['kernel8.img'], arm32: ['kernel8-32.img', 'kernel7.img', 'kernel.img'] },
  options: ['tsize', '0'],
  firstPort: 49_152,
  wraps: false,
};
const PI_4: Omit<BoardModel, 'dhcp' | 'options'> = {
  filters: ['pi4'],
  arm64: 'unless-told',
  kernels: { arm64: ['kernel8.img'], arm32: ['kernel7l.img'] },
  deviceTree: { downstream: 'bcm2711-rpi-4-b.dtb', upstream: 'bcm2711-rpi-4-b.dtb' },
  wraps: false,
};

/** What is known of each. */
export const MODELS: Readonly<Record<RomModel, BoardModel>> = {
  '3b': {
    ...PI_3,
    dhcp: [ROM_3B, BOOTCODE],
    filters: ['pi3'],
    deviceTree: { downstream: 'bcm2710-rpi-3-b.dtb', upstream: 'bcm2837-rpi-3-b.dtb' },
  },
  '3b+': {
    ...PI_3,
    dhcp: [{ ...BOOTCODE, name: 'rom', tries: 5 }, BOOTCODE],
    filters: ['pi3', 'pi3+'],
    deviceTree: { downstream: 'bcm2710-rpi-3-b-plus.dtb', upstream: 'bcm2837-rpi-3-b-plus.dtb' },
  },
  '4-2020': {
    ...PI_4,
    dhcp: [{ ...EEPROM, guid: 'structured-no-mac', letters: '4iPR', isTerse: true, tftpFrom: 'option-66' }],
    options: ['tsize', '0', 'blksize', '1024'],
  },
  '4-2022': {
    ...PI_4,
    dhcp: [{ ...EEPROM, guid: 'structured', letters: 'RPi4', tftpFrom: 'siaddr' }],
    options: ['tsize', '0', 'blksize', '1468'],
  },
  '5': {
    dhcp: [{ ...EEPROM, guid: 'structured', letters: 'RPi5', isPicky: true, tftpFrom: 'siaddr' }],
    filters: ['pi5'],
    arm64: 'always',
    kernels: { arm64: ['kernel_2712.img', 'kernel8.img'], arm32: [] },
    deviceTree: { downstream: 'bcm2712-rpi-5-b.dtb', upstream: 'bcm2712-rpi-5-b.dtb' },
    options: ['tsize', '0', 'blksize', '1468'],
    wraps: true,
  },
};
