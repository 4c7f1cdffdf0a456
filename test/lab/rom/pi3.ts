import { type Asking, BootFailure } from './ask.ts';
import type { Board } from './config-txt.ts';
import { createFirmware, type FetchedBoot, firstLine } from './firmware.ts';

/** What bootcode.bin and start.elf ask for; the ROM itself sends no options. */
const ROM: readonly string[] = [];

/**
 * Boots a Pi 3B or 3B+ up to the start of its kernel. The order of its requests is that of a 3B+ with tftpd-hpa (log in
 * PexMor/raspi-netboot, 33 requests), for 32 bits that of raspberrypi/firmware#1605 and #1292; "x2" there is a probe and a read.
 * Those logs show no initramfs: it is asked for where a Pi 4 does. `turnTo` is the second DHCP.
 */
export async function bootPi3(
  ask: Asking,
  board: Board,
  { options, turnTo }: { readonly options: readonly string[]; turnTo(stage: number): Promise<void> },
): Promise<FetchedBoot> {
  /** The ROM, which knows no options, and bootcode.bin, which picks the folder. */
  async function bootloader(): Promise<void> {
    ask.options = ROM;
    await turnTo(0);
    const { outcome } = await ask.path('bootcode.bin');
    if (outcome !== 'fetched') throw new BootFailure(`no bootcode.bin (${outcome}): the ROM goes no further`);
    await ask.path('bootsig.bin');
    await turnTo(1);
    ask.options = options;
    if (!(await ask.exists('start.elf'))) ask.prefix = '';
    await ask.own('autoboot.txt');
    await ask.own('config.txt');
    await ask.own('recovery.elf');
    await ask.required('start.elf');
    // Without it a real board runs on with less memory.
    await ask.own('fixup.dat');
  }

  /** start.elf: reads config.txt for itself, three times over, and loads the kernel. */
  async function loadSystem(): Promise<FetchedBoot> {
    const firmware = createFirmware(ask, board);
    await ask.own('recovery.elf');
    await firmware.config();
    await ask.own('dt-blob.bin');
    await ask.own('recovery.elf');
    const choice = await firmware.settle(await firmware.config());
    await ask.own('bootcfg.txt');
    const initramfs = await firmware.initramfs(choice);
    const deviceTree = await ask.probed(choice.deviceTree);
    await ask.optional(`${choice.overlayPrefix}overlay_map.dtb`);
    await firmware.config();
    const overlays = await firmware.overlays(choice);
    const cmdline = firstLine(await ask.probed(choice.cmdline));
    await ask.own(choice.arm64 ? 'recovery8.img' : 'recovery7.img');
    const kernel = await firmware.findKernel(choice);
    await ask.own(choice.arm64 ? 'armstub8.bin' : 'armstub8-32.bin');
    const image = await ask.probed(kernel);
    return {
      choice: { ...choice, kernel },
      prefix: ask.prefix,
      kernel: image,
      deviceTree,
      initramfs,
      overlays,
      cmdline,
    };
  }

  await bootloader();
  return loadSystem();
}
