import type { RomFile, RomTftp } from './tftp.ts';

/** A request as the log of a boot tells it. */
export type RomRequest = Omit<RomFile, 'data'>;

/** Why a board goes no further, in plain words. */
export class BootFailure extends Error {}

/** How firmware asks for files. Names are below `prefix`, which may be cleared. */
export interface Asking {
  readonly requests: readonly RomRequest[];
  prefix: string;
  /** What is sent with each request from now on. */
  options: readonly string[];
  /** Reads a file by its whole path. */
  path(path: string): Promise<RomFile>;
  /** Asks whether it is there, and ends the transfer as soon as it begins. */
  probe(name: string): Promise<RomFile>;
  exists(name: string): Promise<boolean>;
  /** Reads it if it can be had. */
  own(name: string): Promise<Buffer | undefined>;
  /** Reads it. @throws BootFailure */
  required(name: string): Promise<Buffer>;
  /** Probes it, then reads it. @throws BootFailure */
  probed(name: string): Promise<Buffer>;
  /** Probes it, then reads it if it is there. */
  optional(name: string): Promise<Buffer | undefined>;
}

/** Builds it; `onRequest` is called after each request. */
export function createAsking(
  tftp: RomTftp,
  settings: {
    readonly serial: string;
    /** Absent: `<serial>/`. */
    readonly prefix?: string;
    readonly onRequest?: (request: RomRequest) => void;
  },
): Asking {
  const requests: RomRequest[] = [];

  function note({ data, ...request }: RomFile): RomFile {
    requests.push(request);
    settings.onRequest?.(request);
    if (request.outcome === 'too-large')
      throw new BootFailure(`${request.path} has more blocks than there are numbers`);
    return { data, ...request };
  }
  const asking: Asking = {
    requests,
    prefix: settings.prefix ?? `${settings.serial}/`,
    options: [],
    path: async (path) => note(await tftp.fetch(path, asking.options)),
    probe: async (name) => note(await tftp.probe(asking.prefix + name, asking.options)),
    exists: async (name) => (await asking.probe(name)).outcome === 'exists',
    own: async (name) => (await asking.path(asking.prefix + name)).data,
    async required(name) {
      const { path, outcome, data } = await asking.path(asking.prefix + name);
      if (!data) throw new BootFailure(`no ${path} (${outcome})`);
      return data;
    },
    async probed(name) {
      const { path, outcome } = await asking.probe(name);
      if (outcome !== 'exists') throw new BootFailure(`no ${path} (${outcome})`);
      return asking.required(name);
    },
    optional: async (name) => ((await asking.exists(name)) ? asking.own(name) : undefined),
  };
  return asking;
}
