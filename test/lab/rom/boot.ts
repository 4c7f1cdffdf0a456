import { type Asking, BootFailure, createAsking, type RomRequest } from './ask.ts';
import type { FetchedBoot } from './firmware.ts';
import { type DhcpStage, MODELS, type RomModel } from './models.ts';
import { bootPi3 } from './pi3.ts';
import { bootPi4 } from './pi4.ts';
import { bootPi5 } from './pi5.ts';
import { createRomTftp, type RomTftpSettings } from './tftp.ts';

/** A boot from the network, request by request. */
export interface RomRun {
  readonly requests: readonly RomRequest[];
  readonly boot: FetchedBoot | undefined;
  /** Why there is no boot, in plain words. */
  readonly failure: string | undefined;
}

/** How it is booted. */
export interface RomSettings extends Omit<RomTftpSettings, 'server'> {
  readonly model: RomModel;
  readonly serial: string;
  /** What stands before its names, by TFTP_PREFIX in an EEPROM's configuration; `<serial>/` by default. */
  readonly prefix?: string;
  /** Newer than its firmware knows of, which then stops. */
  readonly isTooNew?: boolean;
  /** Where files are, or how one of its programs finds that out. @throws BootFailure */
  readonly server: string | ((stage: DhcpStage) => Promise<string>);
  /** Called after each request. */
  readonly onRequest?: (request: RomRequest) => void;
}

/** Boots a board from the network up to the start of its kernel. */
export async function bootRom(settings: RomSettings): Promise<RomRun> {
  const { model, serial, server } = settings;
  const board = MODELS[model];
  const { firstPort, wraps, options, dhcp } = board;
  const tftp = createRomTftp({
    ...(firstPort === undefined ? {} : { firstPort }),
    ...(wraps ? { maxBlocks: Number.POSITIVE_INFINITY } : {}),
    ...settings,
    server: typeof server === 'string' ? server : '',
  });
  const ask = createAsking(tftp, settings);
  async function turnTo(number: number): Promise<void> {
    const stage = dhcp[number];
    if (typeof server !== 'string' && stage) tftp.turnTo(await server(stage));
  }
  function firmware(asking: Asking): Promise<FetchedBoot> {
    const reader = { ...board, serial };
    if (model === '5') return bootPi5(asking, reader, { options, turnTo });
    if (model === '3b' || model === '3b+') return bootPi3(asking, reader, { options, turnTo });
    return bootPi4(asking, reader, {
      options,
      isOld: model === '4-2020',
      isTooNew: settings.isTooNew === true,
      turnTo,
    });
  }
  try {
    return { boot: await firmware(ask), failure: undefined, requests: ask.requests };
  } catch (error) {
    if (!(error instanceof BootFailure)) throw error;
    return { boot: undefined, failure: error.message, requests: ask.requests };
  }
}
