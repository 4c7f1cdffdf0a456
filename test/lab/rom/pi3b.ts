import { type BootChoice, evaluateConfig } from './config-txt.ts';
import { createRomTftp, type RomFile } from './tftp.ts';

/** What a Pi 3B has in memory when its firmware starts the kernel. */
export interface FetchedBoot {
  readonly choice: BootChoice;
  /** `<serial>/`, or empty where the server has no such folder. */
  readonly prefix: string;
  readonly kernel: Buffer;
  readonly deviceTree: Buffer;
  readonly initramfs: Buffer | undefined;
  readonly cmdline: string;
}

/** A boot from the network, request by request. */
export interface RomRun {
  readonly requests: readonly Omit<RomFile, 'data'>[];
  readonly boot: FetchedBoot | undefined;
  /** Why there is no boot, in plain words. */
  readonly failure: string | undefined;
}

class BootFailure extends Error {}

/** What bootcode.bin and start.elf ask for; the ROM itself sends no options. */
const STAGE_2 = ['tsize', '0'];

/** Boots a Pi 3B: the order of its requests is that of netboot-facts §2.3. */
export async function bootPi3b(settings: {
  server: string;
  port?: number;
  serial: string;
  firstPort?: number;
  fileTimeoutMs?: number;
  resendMs?: number;
  onRequest?: (path: string) => void;
}): Promise<RomRun> {
  const tftp = createRomTftp(settings);
  const requests: Omit<RomFile, 'data'>[] = [];
  const note = ({ data: _data, ...facts }: RomFile) => void requests.push(facts);
  let prefix = `${settings.serial}/`;

  async function fetch(name: string, options: readonly string[] = STAGE_2): Promise<Buffer | undefined> {
    const file = await tftp.fetch(name, options);
    note(file);
    if (file.outcome === 'too-large') throw new BootFailure(`${name} has more than 65535 blocks`);
    return file.data;
  }
  const own = (name: string) => fetch(prefix + name);
  async function probe(name: string): Promise<boolean> {
    const file = await tftp.probe(name, STAGE_2);
    note(file);
    return file.outcome === 'exists';
  }
  /** Opened, closed, opened again and read: what start.elf does with files it needs. */
  async function needed(name: string): Promise<Buffer> {
    const data = (await probe(prefix + name)) ? await own(name) : undefined;
    if (!data) throw new BootFailure(`${prefix}${name} is missing`);
    return data;
  }

  async function bootloader(): Promise<void> {
    if (!(await fetch('bootcode.bin', []))) throw new BootFailure('no bootcode.bin: the ROM goes no further');
    await fetch('bootsig.bin', []);
    if (!(await probe(`${prefix}start.elf`))) prefix = '';
    await own('autoboot.txt');
    await own('config.txt');
    await own('recovery.elf');
    if (!(await own('start.elf'))) throw new BootFailure('no start.elf');
    // Without it a Pi has less memory, and boots.
    await own('fixup.dat');
  }

  async function firmware(): Promise<FetchedBoot> {
    await own('recovery.elf');
    const text = async (name: string) => (await own(name))?.toString('latin1');
    const choice = await evaluateConfig(text, { models: ['pi3'], serial: settings.serial });
    await own('dt-blob.bin');
    await own('bootcfg.txt');
    const initramfs = choice.initramfs === undefined ? undefined : await own(choice.initramfs);
    if (choice.initramfs !== undefined && !initramfs && !choice.initramfsOptional)
      throw new BootFailure(`${prefix}${choice.initramfs} is missing`);
    const deviceTree = await needed(choice.deviceTree);
    await own(`${choice.overlayPrefix}overlay_map.dtb`);
    const cmdline = (await own(choice.cmdline))?.toString('latin1').split('\n')[0]?.trim();
    if (!cmdline) throw new BootFailure(`${prefix}${choice.cmdline} is missing`);
    await own('recovery8.img');
    await probe(prefix + choice.kernel);
    await own('armstub8.bin');
    const kernel = await needed(choice.kernel);
    return { choice, prefix, kernel, deviceTree, initramfs, cmdline };
  }

  try {
    await bootloader();
    return { requests, boot: await firmware(), failure: undefined };
  } catch (error) {
    if (!(error instanceof BootFailure)) throw error;
    return { requests, boot: undefined, failure: error.message };
  }
}
