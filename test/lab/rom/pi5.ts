import type { Asking } from './ask.ts';
import { type Board, withKernel } from './config-txt.ts';
import { createFirmware, type FetchedBoot, firstLine } from './firmware.ts';

/**
 * Boots a Pi 5 up to the start of its kernel; its firmware is all in the EEPROM. The order is that of notes of a boot with the EEPROM of
 * 2026-05-26 (`config.txt` and `cmdline.txt` with two slashes); where initramfs and overlays come in is that of a CM5's (cmprovision#61) and
 * else a Pi 4's. Left out: boot_ramdisk=1 and signed boot.
 */
export async function bootPi5(
  ask: Asking,
  board: Board,
  { options, turnTo }: { options: readonly string[]; turnTo(stage: number): Promise<void> },
): Promise<FetchedBoot> {
  await turnTo(0);
  ask.options = options;
  // The folder is the Pi's own when it has a config.txt.
  if (!(await ask.own('config.txt'))) {
    ask.prefix = '';
    await ask.own('config.txt');
  }
  const doubled = ask.prefix === '' ? '' : '/';
  const firmware = createFirmware(ask, board, doubled);
  await ask.own('pieeprom.sig');
  const wished = await firmware.settle(await firmware.config());
  const kernel = await firmware.findKernel(wished);
  const choice = withKernel(wished, kernel);
  const initramfs = await firmware.initramfs(choice);
  const deviceTree = await ask.own(choice.deviceTree);
  if (deviceTree) await ask.optional(`${choice.overlayPrefix}overlay_map.dtb`);
  const overlays = await firmware.overlays(choice);
  const cmdline = firstLine(await ask.own(doubled + choice.cmdline));
  await ask.own('armstub8-2712.bin');
  const image = await ask.required(kernel);
  return { choice, prefix: ask.prefix, kernel: image, deviceTree, initramfs, overlays, cmdline };
}
