import { type Asking, BootFailure } from './ask.ts';
import type { Board } from './config-txt.ts';
import type { FetchedBoot } from './firmware.ts';
import { runStartElf } from './start-elf.ts';

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
  // The ROM, which knows no options, and bootcode.bin, which picks the folder.
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
  return runStartElf(ask, board, {
    recovery: ['recovery8.img', 'recovery7.img'],
    stub: ['armstub8.bin', 'armstub8-32.bin'],
    read: ask.probed,
    probesAgain: 0,
  });
}
