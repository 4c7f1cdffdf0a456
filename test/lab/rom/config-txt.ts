/** What the firmware takes from config.txt. Every name is below the boot folder and has `osPrefix` in front already. */
export interface BootChoice {
  readonly kernel: string;
  readonly initramfs: string | undefined;
  /** The initramfs comes from auto_initramfs=1: the firmware goes on without it when the file is missing. */
  readonly initramfsOptional: boolean;
  readonly deviceTree: string;
  readonly cmdline: string;
  readonly osPrefix: string;
  /** Where overlays are, `osPrefix` in front. */
  readonly overlayPrefix: string;
  readonly arm64: boolean;
  readonly upstreamKernel: boolean;
  /** config.txt and what it includes, in the order they were asked for, missing ones too. */
  readonly filesRead: readonly string[];
}

/** The board that reads it. */
export interface Board {
  /** Model filters it answers to, without brackets: `['pi3']` is a Pi 3B; a 3B+ answers to `pi3` and `pi3+`. */
  readonly models: readonly string[];
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
  else if (MODEL.test(name)) filters.model = board.models.includes(name);
  else if (serial !== undefined) filters.serial = Number.parseInt(serial, 16) === Number.parseInt(board.serial, 16);
  // [none] "prevents any settings that follow". [gpio…], [EDID=…], [tryboot], …: a board in a rack has no screen and no
  // switches, and is not trying an update.
  else filters.other = false;
}

interface Settings {
  readonly values: ReadonlyMap<string, string>;
  readonly filesRead: readonly string[];
}

async function readSettings(read: (name: string) => Promise<string | undefined>, board: Board): Promise<Settings> {
  const values = new Map<string, string>();
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
    else if (key !== undefined) values.set(key, (value ?? '').trim());
  }

  await file('config.txt');
  return { values, filesRead };
}

/** `kernel8.img` → `initramfs8`, `kernel.img` → `initramfs`; a kernel of another name has no automatic initramfs. */
function automaticInitramfs(kernel: string): string | undefined {
  const variant = /^kernel(.*)\.img$/.exec(kernel)?.[1];
  return variant === undefined ? undefined : `initramfs${variant}`;
}

/**
 * Reads config.txt as the firmware of a Pi 3B does (Raspberry Pi documentation, "config.txt": file format, conditional
 * filters, boot options). `read` gives a file of the boot folder or undefined; config.txt itself may be missing.
 *
 * Left out: dtoverlay= (QEMU's board has nothing to overlay) and what needs more than config.txt: the firmware ignores
 * os_prefix when the kernel and the device tree are not there, and tries os_prefix=upstream/ of its own accord with
 * upstream_kernel=1. Several initramfs files (`a,b`) stay one name.
 */
export async function evaluateConfig(
  read: (name: string) => Promise<string | undefined>,
  board: Board,
): Promise<BootChoice> {
  const { values, filesRead } = await readSettings(read, board);
  // An empty value is no name: the default stays.
  const text = (key: string) => values.get(key) || undefined;
  // "If set to non-zero."
  const on = (key: string) => /^[1-9]/.test(values.get(key) ?? '');
  const osPrefix = text('os_prefix') ?? '';
  // "Any user-specified OS file can bypass all prefixes by using an absolute path" (with respect to the boot folder).
  const place = (name: string) => (name.startsWith('/') ? name.slice(1) : osPrefix + name);
  const arm64 = on('arm_64bit');
  const upstreamKernel = on('upstream_kernel');
  const kernel = text('kernel') ?? (arm64 ? 'kernel8.img' : 'kernel7.img');
  const named = text('ramfsfile');
  const initramfs = named ?? (on('auto_initramfs') ? automaticInitramfs(kernel) : undefined);
  const tree = upstreamKernel ? 'bcm2837-rpi-3-b.dtb' : 'bcm2710-rpi-3-b.dtb';
  return {
    kernel: place(kernel),
    initramfs: initramfs === undefined ? undefined : place(initramfs),
    initramfsOptional: named === undefined,
    deviceTree: place(text('device_tree') ?? tree),
    cmdline: place(text('cmdline') ?? 'cmdline.txt'),
    osPrefix,
    overlayPrefix: place(text('overlay_prefix') ?? 'overlays/'),
    arm64,
    upstreamKernel,
    filesRead,
  };
}
