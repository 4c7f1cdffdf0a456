import { type Asking, BootFailure } from './ask.ts';
import { type Board, type BootChoice, readSettings, type Settings } from './config-txt.ts';
import { settleBoot } from './os-prefix.ts';

/** What a Pi has in memory when its firmware starts the kernel. */
export interface FetchedBoot {
  readonly choice: BootChoice;
  /** `<serial>/`, or empty where the server has no such folder. */
  readonly prefix: string;
  readonly kernel: Buffer;
  /** Only a Pi 5 goes on without. */
  readonly deviceTree: Buffer | undefined;
  readonly initramfs: Buffer | undefined;
  /** Those that were there. */
  readonly overlays: readonly string[];
  /** The first line, which is what the firmware passes on. */
  readonly cmdline: string;
}

/** The steps that all firmware has in common; each asks as the logs of real boards show it. */
export interface Firmware {
  /** Reads config.txt and what it includes, once more. */
  config(): Promise<Settings>;
  settle(settings: Settings): Promise<BootChoice>;
  initramfs(choice: BootChoice): Promise<Buffer | undefined>;
  overlays(choice: BootChoice): Promise<string[]>;
  /** Probes the kernels until one is there. @throws BootFailure */
  findKernel(choice: BootChoice): Promise<string>;
}

/** `dir` is what stands between the prefix and config.txt, `/` on a Pi 5. */
export function createFirmware(ask: Asking, board: Board, dir = ''): Firmware {
  const read = async (name: string) => (await ask.optional(dir + name))?.toString('latin1');
  return {
    config: () => readSettings(read, board),
    settle: (settings) => settleBoot(settings, board, ask.exists),
    async initramfs({ initramfs, initramfsOptional }) {
      if (initramfs === undefined) return undefined;
      // A real board starts the kernel all the same, which then finds no root: here that is told at once.
      return initramfsOptional ? ask.own(initramfs) : ask.required(initramfs);
    },
    async overlays({ overlays }) {
      const found: string[] = [];
      for (const name of overlays) if (await ask.optional(name)) found.push(name);
      return found;
    },
    async findKernel({ kernels }) {
      const told: string[] = [];
      for (const name of kernels) {
        const { path, outcome } = await ask.probe(name);
        if (outcome === 'exists') return name;
        told.push(`no ${path} (${outcome})`);
      }
      throw new BootFailure(told.at(-1) ?? 'there is no name for a kernel');
    },
  };
}

/** The first line of cmdline.txt. */
export function firstLine(cmdline: Buffer | undefined): string {
  return (cmdline?.toString('latin1').split('\n')[0] ?? '').trim();
}
