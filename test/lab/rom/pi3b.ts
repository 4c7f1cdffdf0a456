import { type BootChoice, evaluateConfig } from './config-txt.ts';
import { createRomTftp, type RomFile, type RomTftpSettings } from './tftp.ts';

/** What a Pi 3B has in memory when its firmware starts the kernel. */
export interface FetchedBoot {
  readonly choice: BootChoice;
  /** `<serial>/`, or empty where the server has no such folder. */
  readonly prefix: string;
  readonly kernel: Buffer;
  readonly deviceTree: Buffer;
  readonly initramfs: Buffer | undefined;
  /** The first line, which is what the firmware passes on. */
  readonly cmdline: string;
}

/** A request as the log of a boot tells it. */
export type RomRequest = Omit<RomFile, 'data'>;

/** A boot from the network, request by request. */
export interface RomRun {
  readonly requests: readonly RomRequest[];
  readonly boot: FetchedBoot | undefined;
  /** Why there is no boot, in plain words. */
  readonly failure: string | undefined;
}

class BootFailure extends Error {}

/** What bootcode.bin and start.elf ask for; the ROM itself sends no options. */
const STAGE_2: readonly string[] = ['tsize', '0'];
const ROM: readonly string[] = [];

/**
 * Boots a Pi 3B from the network up to the start of its kernel. The order of its requests is that of netboot-facts §2.3;
 * "x2" there is a probe and a read. That log shows no initramfs: it is asked for where a Pi 4 does (§2.4).
 */
export async function bootPi3b(
  settings: RomTftpSettings & {
    readonly serial: string;
    /** Called after each request. */
    readonly onRequest?: (request: RomRequest) => void;
  },
): Promise<RomRun> {
  const tftp = createRomTftp(settings);
  const requests: RomRequest[] = [];
  let prefix = `${settings.serial}/`;

  function note({ data, ...request }: RomFile): RomFile {
    requests.push(request);
    settings.onRequest?.(request);
    if (request.outcome === 'too-large')
      throw new BootFailure(`${request.path} has more blocks than there are numbers`);
    return { data, ...request };
  }
  const fetch = async (path: string, options = STAGE_2) => note(await tftp.fetch(path, options));
  const probe = async (name: string) => note(await tftp.probe(prefix + name, STAGE_2));
  const own = async (name: string) => (await fetch(prefix + name)).data;
  async function required(name: string): Promise<Buffer> {
    const { path, outcome, data } = await fetch(prefix + name);
    if (!data) throw new BootFailure(`no ${path} (${outcome})`);
    return data;
  }
  async function probed(name: string): Promise<Buffer> {
    const { path, outcome } = await probe(name);
    if (outcome !== 'exists') throw new BootFailure(`no ${path} (${outcome})`);
    return required(name);
  }
  /** Probed, and read if it is there. */
  const optional = async (name: string) => ((await probe(name)).outcome === 'exists' ? own(name) : undefined);

  /** The ROM, which knows no options, and bootcode.bin, which picks the folder. */
  async function bootloader(): Promise<void> {
    const { outcome } = await fetch('bootcode.bin', ROM);
    if (outcome !== 'fetched') throw new BootFailure(`no bootcode.bin (${outcome}): the ROM goes no further`);
    await fetch('bootsig.bin', ROM);
    if ((await probe('start.elf')).outcome !== 'exists') prefix = '';
    await own('autoboot.txt');
    await own('config.txt');
    await own('recovery.elf');
    await required('start.elf');
    // Without it a real board runs on with less memory.
    await own('fixup.dat');
  }

  /** start.elf: reads config.txt for itself, three times over, and loads the kernel. */
  async function firmware(): Promise<FetchedBoot> {
    const read = async (name: string) => (await optional(name))?.toString('latin1');
    const config = () => evaluateConfig(read, { models: ['pi3'], serial: settings.serial });
    await own('recovery.elf');
    await config();
    await own('dt-blob.bin');
    await own('recovery.elf');
    const choice = await config();
    await own('bootcfg.txt');
    const initramfs = await loadInitramfs(choice);
    const deviceTree = await probed(choice.deviceTree);
    await optional(`${choice.overlayPrefix}overlay_map.dtb`);
    await config();
    const cmdline = ((await probed(choice.cmdline)).toString('latin1').split('\n')[0] ?? '').trim();
    await own(choice.arm64 ? 'recovery8.img' : 'recovery7.img');
    await probe(choice.kernel);
    await own(choice.arm64 ? 'armstub8.bin' : 'armstub8-32.bin');
    const kernel = await probed(choice.kernel);
    return { choice, prefix, kernel, deviceTree, initramfs, cmdline };
  }

  async function loadInitramfs({ initramfs, initramfsOptional }: BootChoice): Promise<Buffer | undefined> {
    if (initramfs === undefined) return undefined;
    // A real board starts the kernel all the same, which then finds no root: here that is told at once.
    return initramfsOptional ? own(initramfs) : required(initramfs);
  }

  try {
    await bootloader();
    return { requests, boot: await firmware(), failure: undefined };
  } catch (error) {
    if (!(error instanceof BootFailure)) throw error;
    return { requests, boot: undefined, failure: error.message };
  }
}
