/** What the firmware takes from config.txt to load a kernel. Names are below the boot folder, os_prefix included. */
export interface BootChoice {
  readonly kernel: string;
  readonly initramfs: string | undefined;
  /** By auto_initramfs: the firmware goes on without it. */
  readonly initramfsOptional: boolean;
  readonly deviceTree: string;
  readonly cmdline: string;
  readonly overlayPrefix: string;
}

/** The board that reads it. */
export interface Board {
  /** Model filters it answers to: `pi3` for a Pi 3B. */
  readonly models: readonly string[];
  /** 8 hex digits. */
  readonly serial: string;
}

const MODEL = /^(pi\d|pi\d\+|pi0w|pi02|pi400|pi500|cm\d\w*|board-type=.*)$/;
/** The firmware reads no more of a line. */
const MAX_LINE = 98;
const MAX_INCLUDES = 16;

interface Filters {
  model: boolean;
  serial: boolean;
  other: boolean;
}

/** A filter's effect: `[all]` lifts all; filters of one kind replace each other, those of different kinds must all hold. */
function applyFilter(filters: Filters, name: string, board: Board): void {
  if (name === 'all') Object.assign(filters, { model: true, serial: true, other: true });
  else if (name === 'none') filters.other = false;
  else if (MODEL.test(name)) filters.model = board.models.includes(name);
  else if (/^0x[0-9a-f]{1,8}$/.test(name))
    filters.serial = Number.parseInt(name.slice(2), 16) === Number.parseInt(board.serial, 16);
  // EDID, gpio and tryboot conditions: none of them holds on a board without a screen and switches.
  else filters.other = false;
}

async function settings(
  read: (name: string) => Promise<string | undefined>,
  board: Board,
): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  const filters: Filters = { model: true, serial: true, other: true };
  let includes = 0;
  async function file(name: string): Promise<void> {
    for (const raw of ((await read(name)) ?? '').split('\n')) {
      const line = raw.slice(0, MAX_LINE).trim();
      const filter = /^\[([^\]]*)\]$/.exec(line)?.[1];
      if (line === '' || line.startsWith('#')) continue;
      if (filter !== undefined) applyFilter(filters, filter.toLowerCase(), board);
      else if (filters.model && filters.serial && filters.other) await setting(line);
    }
  }
  async function setting(line: string): Promise<void> {
    const include = /^include\s+(\S+)$/.exec(line)?.[1];
    const initramfs = /^initramfs\s+(\S+)/.exec(line)?.[1];
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (include !== undefined) {
      includes++;
      if (includes <= MAX_INCLUDES) await file(include);
    } else if (initramfs !== undefined) values.set('initramfs', initramfs);
    else if (key === 'ramfsfile') values.set('initramfs', value?.trim() ?? '');
    else if (key !== undefined) values.set(key, value?.trim() ?? '');
  }
  await file('config.txt');
  return values;
}

/**
 * Reads config.txt as the firmware of a Pi 3B does: conditional filters, include, later values over earlier ones (firmware
 * documentation, "config.txt": file format, conditional filters, boot options).
 */
export async function evaluateConfig(
  read: (name: string) => Promise<string | undefined>,
  board: Board,
): Promise<BootChoice> {
  const values = await settings(read, board);
  const prefix = values.get('os_prefix') ?? '';
  const on = (key: string) => values.get(key) === '1';
  const kernel = values.get('kernel') ?? (on('arm_64bit') ? 'kernel8.img' : 'kernel7.img');
  const automatic = on('auto_initramfs') ? kernel.replace(/^kernel/, 'initramfs').replace(/\.img$/, '') : undefined;
  const named = values.get('initramfs');
  const initramfs = named ?? automatic;
  const tree = on('upstream_kernel') ? 'bcm2837-rpi-3-b.dtb' : 'bcm2710-rpi-3-b.dtb';
  return {
    kernel: prefix + kernel,
    initramfs: initramfs === undefined || initramfs === '' ? undefined : prefix + initramfs,
    initramfsOptional: named === undefined,
    deviceTree: prefix + (values.get('device_tree') ?? tree),
    cmdline: prefix + (values.get('cmdline') ?? 'cmdline.txt'),
    overlayPrefix: values.get('overlay_prefix') ?? `${prefix}overlays/`,
  };
}
