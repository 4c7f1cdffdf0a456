import { type Asking, BootFailure } from './ask.ts';
import type { Board } from './config-txt.ts';
import type { FetchedBoot } from './firmware.ts';
import { runStartElf } from './start-elf.ts';

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

  // The EEPROM.
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
  // It shows that with its LED, and asks for nothing more (raspberry-pi/led_blink_warnings.adoc).
  if (isTooNew) throw new BootFailure('start4.elf is too old for this board');
  return runStartElf(ask, board, {
    recovery: ['recovery8.img', 'recovery7l.img'],
    stub: ['armstub8-gic.bin', 'armstub8-32-gic.bin'],
    read: ask.required,
    probesAgain: 2,
  });
}
