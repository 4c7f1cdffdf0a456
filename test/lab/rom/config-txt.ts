import type { BoardModel } from './models.ts';

/** What the firmware takes from config.txt. Every name is below the boot folder and has `osPrefix` in front already. */
export interface BootChoice {
  /** The one that the documentation names. */
  readonly kernel: string;
  /** One that config.txt names, or the default ones, of which the first that is there is taken. */
  readonly kernels: readonly string[];
  readonly initramfs: string | undefined;
  /** The initramfs comes from auto_initramfs=1: the firmware goes on without it when the file is missing. */
  readonly initramfsOptional: boolean;
  readonly deviceTree: string;
  readonly cmdline: string;
  readonly osPrefix: string;
  /** Where overlays are, `osPrefix` in front. */
  readonly overlayPrefix: string;
  /** Files of the overlays that are asked for, in their order. */
  readonly overlays: readonly string[];
  readonly arm64: boolean;
  readonly upstreamKernel: boolean;
  /** config.txt and what it includes, in the order they were asked for, missing ones too. */
  readonly filesRead: readonly string[];
}

/** The board that reads it. */
export interface Board extends Pick<BoardModel, 'filters' | 'arm64' | 'kernels' | 'deviceTree'> {
  /** 8 hex digits. */
  readonly serial: string;
}

/** Filters by model: the documentation's list, and what it may grow. */
const MODEL = /^(pi\d+[a-z]*\+?|cm\d+[a-z]*\+?|board-type=.*)$/;
const SERIAL = /^0x([0-9a-f]{1,8})$/;
/** The firmware reads no more of a line. */
const MAX_LINE = 98;
/** Ends a file that includes itself. The firmware has a limit of its own; no document tells it. */
const MAX_FILES = 32;

interface Filters {
  model: boolean;
  serial: boolean;
  other: boolean;
}

/** Filters of one kind replace each other, those of different kinds must all hold, `[all]` lifts every one. */
function applyFilter(filters: Filters, name: string, board: Board): void {
  const serial = SERIAL.exec(name)?.[1];
  if (name === 'all') Object.assign(filters, { model: true, serial: true, other: true });
  else if (MODEL.test(name)) filters.model = board.filters.includes(name);
  else if (serial !== undefined) filters.serial = Number.parseInt(serial, 16) === Number.parseInt(board.serial, 16);
  // [none] "prevents any settings that follow". [gpio…], [EDID=…], [tryboot], …: a board in a rack has no screen and no
  // switches, and is not trying an update.
  else filters.other = false;
}

/** What config.txt says to a board. */
export interface Settings {
  readonly values: ReadonlyMap<string, string>;
  /** Names of overlays, in their order. */
  readonly overlays: readonly string[];
  readonly filesRead: readonly string[];
}

/**
 * Reads config.txt as the firmware does (Raspberry Pi documentation, "config.txt": file format, conditional filters). `read`
 * gives a file of the boot folder or undefined; config.txt itself may be missing.
 */
export async function readSettings(
  read: (name: string) => Promise<string | undefined>,
  board: Board,
): Promise<Settings> {
  const values = new Map<string, string>();
  const overlays: string[] = [];
  const filesRead: string[] = [];
  const filters: Filters = { model: true, serial: true, other: true };

  async function file(name: string): Promise<void> {
    if (filesRead.length >= MAX_FILES) return;
    filesRead.push(name);
    for (const raw of ((await read(name)) ?? '').split('\n')) {
      const line = raw.slice(0, MAX_LINE).trim();
      const filter = /^\[([^\]]*)\]$/.exec(line)?.[1];
      if (line === '' || line.startsWith('#')) continue;
      if (filter !== undefined) applyFilter(filters, filter.trim().toLowerCase(), board);
      else if (filters.model && filters.serial && filters.other) await setting(line);
    }
  }

  async function setting(line: string): Promise<void> {
    const include = /^include\s+(\S+)$/.exec(line)?.[1];
    // No equals sign; what follows the name is an address or `followkernel`, which only a real firmware needs.
    const initramfs = /^initramfs\s+(\S+)/.exec(line)?.[1];
    const [, key, value] = /^(\w+)\s*=(.*)$/.exec(line) ?? [];
    // "Inserted into the current file": its filters go on after the include.
    if (include !== undefined) await file(include);
    else if (initramfs !== undefined) values.set('ramfsfile', initramfs);
    // Without a name it only ends the parameters of the one before.
    else if (key === 'dtoverlay') overlays.push(...(value ?? '').trim().split(/[,:]/).slice(0, 1).filter(Boolean));
    else if (key !== undefined) values.set(key, (value ?? '').trim());
  }

  await file('config.txt');
  return { values, overlays, filesRead };
}

/** `kernel8.img` → `initramfs8`, `kernel.img` → `initramfs`; a kernel of another name has no automatic initramfs. */
function automaticInitramfs(kernel: string): string | undefined {
  const variant = /^kernel(.*)\.img$/.exec(kernel)?.[1];
  return variant === undefined ? undefined : `initramfs${variant}`;
}

function isArm64(board: Board, told: string | undefined, kernel: string | undefined): boolean {
  if (board.arm64 === 'always') return true;
  // "If the name given in an explicit kernel option matches one of the known kernels then arm_64bit will be set accordingly."
  if (kernel !== undefined && /^kernel8(_.*)?\.img$/.test(kernel)) return true;
  if (kernel !== undefined && /^kernel(7l?|8-32)?\.img$/.test(kernel)) return false;
  // "If set to non-zero."
  return told === undefined ? board.arm64 === 'unless-told' : /^[1-9]/.test(told);
}

/**
 * What the firmware boots with these settings (Raspberry Pi documentation, "config.txt": boot options). `osPrefix` replaces the one that
 * they name, `overlayPrefix` the place of the overlays: see os-prefix.ts.
 *
 * Left out: the parameters of overlays, and the other names that overlay_map.dtb has for them. Several initramfs files (`a,b`)
 * stay one name.
 */
export function chooseBoot(
  settings: Settings,
  board: Board,
  ignored: { readonly osPrefix?: true; readonly overlayPrefix?: true } = {},
): BootChoice {
  const { values, filesRead } = settings;
  // An empty value is no name: the default stays.
  const text = (key: string) => values.get(key) || undefined;
  const on = (key: string) => /^[1-9]/.test(values.get(key) ?? '');
  const upstreamKernel = on('upstream_kernel');
  // "Sets os_prefix to upstream/, unless it has been explicitly set to something else."
  const wished = text('os_prefix') ?? (upstreamKernel ? 'upstream/' : '');
  const osPrefix = ignored.osPrefix ? '' : wished;
  // "Any user-specified OS file can bypass all prefixes by using an absolute path" (with respect to the boot folder).
  const place = (name: string, prefix = osPrefix) => (name.startsWith('/') ? name.slice(1) : prefix + name);
  const named = text('kernel');
  const arm64 = isArm64(board, text('arm_64bit'), named);
  const kernels = named === undefined ? board.kernels[arm64 ? 'arm64' : 'arm32'] : [named];
  // The automatic initramfs goes by the default name of the documentation, which a Pi 3 of 32 bits has in second place.
  const usual = kernels.find((name) => name !== 'kernel8-32.img') ?? '';
  const ramfs = text('ramfsfile');
  const initramfs = ramfs ?? (on('auto_initramfs') ? automaticInitramfs(usual) : undefined);
  const overlayPrefix = place(text('overlay_prefix') ?? 'overlays/', ignored.overlayPrefix ? '' : osPrefix);
  return {
    kernel: place(usual),
    kernels: kernels.map((name) => place(name)),
    initramfs: initramfs === undefined ? undefined : place(initramfs),
    initramfsOptional: ramfs === undefined,
    deviceTree: place(text('device_tree') ?? board.deviceTree[upstreamKernel ? 'upstream' : 'downstream']),
    cmdline: place(text('cmdline') ?? 'cmdline.txt'),
    osPrefix,
    overlayPrefix,
    overlays: settings.overlays.map((name) => `${overlayPrefix}${name}.dtbo`),
    arm64,
    upstreamKernel,
    filesRead,
  };
}

/** The automatic initramfs of a kernel that was found under another than its first name; the rest stays. */
export function withKernel(choice: BootChoice, kernel: string): BootChoice {
  const name = kernel.slice(choice.osPrefix.length);
  const follows = choice.initramfs !== undefined && choice.initramfsOptional;
  const automatic = follows ? automaticInitramfs(name) : undefined;
  const initramfs = automatic === undefined ? {} : { initramfs: choice.osPrefix + automatic };
  return { ...choice, kernel, ...initramfs };
}
