import type { RomRequest } from './ask.ts';
import type { RomModel } from './models.ts';

/** Files by their names. */
export type Files = Readonly<Record<string, string>>;

/** What every model can boot from; whole blocks of none of the sizes that are asked for. */
export const BOOT: Files = {
  'start.elf': 's'.repeat(3_000),
  'fixup.dat': 'f',
  'start4.elf': 's'.repeat(3_001),
  'fixup4.dat': 'f',
  'config.txt': 'arm_64bit=1\nauto_initramfs=1\ndtoverlay=disable-bt\ndtoverlay=missing\n',
  'cmdline.txt': 'console=tty1 root=/dev/nfs\n',
  'bcm2710-rpi-3-b.dtb': 'd',
  'bcm2710-rpi-3-b-plus.dtb': 'd',
  'bcm2711-rpi-4-b.dtb': 'd',
  'bcm2712-rpi-5-b.dtb': 'd',
  'overlays/overlay_map.dtb': 'm',
  'overlays/disable-bt.dtbo': 'o',
  'kernel8.img': 'k'.repeat(5_000),
  'kernel_2712.img': 'K'.repeat(5_000),
  initramfs8: 'i',
  initramfs_2712: 'I',
};

/** What was asked, `S` for the serial: `?` behind a probe that found something, `-` behind what is missing, `!` behind what failed. */
export function transcript(requests: readonly RomRequest[], serial: string): string[] {
  return requests.map((request) => told(request, serial));
}

const told = ({ path, outcome }: RomRequest, serial: string) => {
  const sign = { exists: '?', missing: '-', fetched: '', timeout: '!', 'too-large': '!' }[outcome];
  return path.replace(`${serial}/`, 'S/') + sign;
};
/** The words of a transcript that is written down. */
export const words = (text: string) => text.trim().split(/\s+/);

const PI_3 = (tree: string) => `
  bootcode.bin bootsig.bin- S/start.elf? S/autoboot.txt- S/config.txt S/recovery.elf- S/start.elf S/fixup.dat
  S/recovery.elf- S/config.txt? S/config.txt S/dt-blob.bin- S/recovery.elf- S/config.txt? S/config.txt S/bootcfg.txt-
  S/initramfs8 S/${tree}? S/${tree} S/overlays/overlay_map.dtb? S/overlays/overlay_map.dtb S/config.txt? S/config.txt
  S/overlays/disable-bt.dtbo? S/overlays/disable-bt.dtbo S/overlays/missing.dtbo- S/cmdline.txt? S/cmdline.txt
  S/recovery8.img- S/kernel8.img? S/armstub8.bin- S/kernel8.img? S/kernel8.img`;
const PI_4 = (usb: string) => `
  S/start4.elf? S/config.txt ${usb} S/pieeprom.sig- S/recover4.elf- S/recovery.elf- S/start4.elf S/fixup4.dat
  S/recovery.elf- S/config.txt? S/config.txt S/dt-blob.bin- S/recovery.elf- S/config.txt? S/config.txt S/bootcfg.txt-
  S/initramfs8 S/bcm2711-rpi-4-b.dtb? S/bcm2711-rpi-4-b.dtb S/overlays/overlay_map.dtb? S/overlays/overlay_map.dtb
  S/config.txt? S/config.txt S/overlays/disable-bt.dtbo? S/overlays/disable-bt.dtbo S/overlays/missing.dtbo- S/cmdline.txt
  S/recovery8.img- S/kernel8.img? S/kernel8.img? S/kernel8.img? S/armstub8-gic.bin- S/kernel8.img`;
/** `kernel` are its probes. */
export const PI_5 = (kernel: string, initramfs: string) => `
  S/config.txt S/pieeprom.sig- S//config.txt? S//config.txt ${kernel} S/${initramfs}
  S/bcm2712-rpi-5-b.dtb S/overlays/overlay_map.dtb? S/overlays/overlay_map.dtb
  S/overlays/disable-bt.dtbo? S/overlays/disable-bt.dtbo S/overlays/missing.dtbo- S//cmdline.txt S/armstub8-2712.bin-`;

/** raspberry-pi/boot-net.adoc and the logs that models.ts and its neighbours name. */
export const TRANSCRIPTS: Readonly<Record<RomModel, string>> = {
  '3b': PI_3('bcm2710-rpi-3-b.dtb'),
  '3b+': PI_3('bcm2710-rpi-3-b-plus.dtb'),
  '4-2020': PI_4('S/vl805.sig- S/vl805.bin-'),
  '4-2022': PI_4(''),
  '5': `${PI_5('S/kernel_2712.img?', 'initramfs_2712')} S/kernel_2712.img`,
};
/** What goes with each request but those of a Pi 3's ROM. */
export const OPTIONS: Readonly<Record<RomModel, string>> = {
  '3b': 'tsize 0',
  '3b+': 'tsize 0',
  '4-2020': 'tsize 0 blksize 1024',
  '4-2022': 'tsize 0 blksize 1468',
  '5': 'tsize 0 blksize 1468',
};
