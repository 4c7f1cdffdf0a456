import { type Asking, BootFailure } from './ask.ts';
import type { Board } from './config-txt.ts';
import { createFirmware, type FetchedBoot, firstLine } from './firmware.ts';

/**
 * Boots a Pi 4 up to the start of its kernel, in the order of the logs in piPXE's README and of an Ubuntu 20.04 boot (about 30
 * requests). `isOld` is an EEPROM of 2020, which asks for the firmware of the USB chip too (rpi-eeprom#417).
 */
export async function bootPi4(
  ask: Asking,
  board: Board,
  how: { options: readonly string[]; isOld: boolean; isTooNew: boolean; turnTo(stage: number): Promise<void> },
): Promise<FetchedBoot> {
  const { options, isOld, isTooNew, turnTo } = how;

  /** Whether the folder has firmware: `start4.elf`, or an older name; one that does not answer is not passed over for the other. */
  async function pickFolder(): Promise<string> {
    for (const name of ['start4.elf', 'start.elf']) {
      const { path, outcome } = await ask.probe(name);
      if (outcome === 'exists') return name;
      if (outcome === 'timeout') throw new BootFailure(`no ${path} (${outcome})`);
    }
    ask.prefix = '';
    return 'start4.elf';
  }

  async function eeprom(): Promise<void> {
    await turnTo(0);
    ask.options = options;
    const firmware = await pickFolder();
    await ask.own('config.txt');
    if (isOld) {
      await ask.own('vl805.sig');
      await ask.own('vl805.bin');
    }
    await ask.own('pieeprom.sig');
    await ask.own('recover4.elf');
    await ask.own('recovery.elf');
    await ask.required(firmware);
    await ask.own('fixup4.dat');
  }

  /** start4.elf. */
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
    const cmdline = firstLine(await ask.required(choice.cmdline));
    await ask.own(choice.arm64 ? 'recovery8.img' : 'recovery7l.img');
    const kernel = await firmware.findKernel(choice);
    for (const again of [kernel, kernel]) await ask.probe(again);
    await ask.own(choice.arm64 ? 'armstub8-gic.bin' : 'armstub8-32-gic.bin');
    const image = await ask.required(kernel);
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

  await eeprom();
  // It shows that with its LED, and asks for nothing more (raspberry-pi/led_blink_warnings.adoc).
  if (isTooNew) throw new BootFailure('start4.elf is too old for this board');
  return loadSystem();
}
