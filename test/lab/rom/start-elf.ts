import type { Asking } from './ask.ts';
import type { Board } from './config-txt.ts';
import { createFirmware, type FetchedBoot, firstLine } from './firmware.ts';

/** In what start.elf of a Pi 3 and start4.elf of a Pi 4 differ. */
export interface StartElf {
  /** What may stand in the place of a kernel, and what is put before it, for 64 bits and for 32. */
  readonly recovery: readonly [arm64: string, arm32: string];
  readonly stub: readonly [arm64: string, arm32: string];
  /** How it reads cmdline.txt and the kernel. */
  readonly read: (name: string) => Promise<Buffer>;
  /** How often it probes a kernel that it has found. */
  readonly probesAgain: number;
}

/** Reads config.txt for itself, three times over, and loads the kernel. */
export async function runStartElf(ask: Asking, board: Board, how: StartElf): Promise<FetchedBoot> {
  const firmware = createFirmware(ask, board);
  await ask.own('recovery.elf');
  await firmware.config();
  await ask.own('dt-blob.bin');
  await ask.own('recovery.elf');
  const choice = await firmware.settle(await firmware.config());
  const bits = choice.arm64 ? 0 : 1;
  await ask.own('bootcfg.txt');
  const initramfs = await firmware.initramfs(choice);
  const deviceTree = await ask.probed(choice.deviceTree);
  await ask.optional(`${choice.overlayPrefix}overlay_map.dtb`);
  await firmware.config();
  const overlays = await firmware.overlays(choice);
  const cmdline = firstLine(await how.read(choice.cmdline));
  await ask.own(how.recovery[bits]);
  const kernel = await firmware.findKernel(choice);
  for (let i = 0; i < how.probesAgain; i++) await ask.probe(kernel);
  await ask.own(how.stub[bits]);
  const image = await how.read(kernel);
  return { choice: { ...choice, kernel }, prefix: ask.prefix, kernel: image, deviceTree, initramfs, overlays, cmdline };
}
