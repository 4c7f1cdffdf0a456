import { BakeryError } from '../../core/errors.ts';
import type { Ipv4, PiId } from '../../core/ids.ts';

/** Where a Pi's root is. */
export interface CmdlineTarget {
  readonly nfsServer: Ipv4;
  /** Absolute path of the exported root. */
  readonly nfsRoot: string;
  readonly piId: PiId;
  /** Ports of an NFS server that is not where rpcbind would say (2049). */
  readonly ports?: { readonly nfs: number; readonly mountd: number };
}

/** COMMAND_LINE_SIZE of arm64 (arch/arm64/include/uapi/asm/setup.h). */
const MAX_BYTES = 2048;

/**
 * Tokens of an image's own line that would stop or hurt a netboot: another root, first-boot work on a card's partitions,
 * file system checks and an obsolete scheduler (netboot-facts: documentation of network booting, pi-gen's cmdline).
 */
const DROPPED = [
  /^root=/,
  /^rootfstype=/,
  /^rootflags=/,
  /^nfsroot=/,
  /^ip=/,
  /^init=\/usr\/lib\/raspberrypi-sys-mods\//,
  /^init=\S*\/init_resize\.sh$/,
  /^resize$/,
  /^fsck\.(repair|mode)=/,
  /^r[ow]$/,
  /^rootwait(=|$)/,
  /^rootdelay=/,
  /^systemd\.run/,
  // Where Imager's systemd.run= belongs to: without it this target starts next to nothing.
  /^systemd\.unit=kernel-command-line\.target$/,
  /^elevator=/,
];

/** The first line that says something: the firmware reads no other. */
function firstLine(source: string): string {
  const lines = source
    .replaceAll('\r', '')
    .split('\n')
    .map((line) => line.trim());
  return lines.find((line) => line !== '') ?? '';
}

/** Words of a kernel command line; blanks inside double quotes belong to the word. */
function words(line: string): string[] {
  return line.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
}

function nfsOptions(target: CmdlineTarget): string {
  // No proto=: klibc's nfsmount in Debian's initramfs does not know it and would try for ever.
  const ports = target.ports ? `,port=${target.ports.nfs},mountport=${target.ports.mountd}` : '';
  return `vers=3${ports}`;
}

/**
 * The kernel command line a Pi boots with, made from its image's own `cmdline.txt`. A template of the original Bakery
 * (`{{.NfsServer}}`, `{{.NfsRoot}}`, `{{.PiId}}`) is filled in; any other line loses what belongs to a card and gets an
 * NFS root at its end.
 * @throws BakeryError `cmdline-too-long` (invalid) when the kernel would cut it.
 */
export function renderCmdline(source: string, target: CmdlineTarget): string {
  const line = firstLine(source);
  const template = /\{\{\s*\.(NfsServer|NfsRoot|PiId)\s*\}\}/;
  const rendered = template.test(line) ? fillTemplate(line, target) : netbootLine(line, target);
  if (Buffer.byteLength(rendered) >= MAX_BYTES) {
    throw new BakeryError('invalid', 'cmdline-too-long', `the kernel command line is longer than ${MAX_BYTES} bytes`);
  }
  return `${rendered}\n`;
}

function fillTemplate(line: string, target: CmdlineTarget): string {
  const values: Readonly<Record<string, string>> = {
    NfsServer: target.nfsServer,
    NfsRoot: target.nfsRoot,
    PiId: target.piId,
  };
  const filled = line.replaceAll(/\{\{\s*\.(\w+)\s*\}\}/g, (whole, name: string) => values[name] ?? whole);
  const { ports } = target;
  if (!ports) return filled;
  return filled.replace(/\bnfsroot=\S+/, (token) => `${token},port=${ports.nfs},mountport=${ports.mountd}`);
}

function netbootLine(line: string, target: CmdlineTarget): string {
  // The kernel reads "root=x" as root=x.
  const dropped = (word: string) => DROPPED.some((pattern) => pattern.test(word.replaceAll('"', '')));
  const all = words(line);
  // What follows a -- is init's (Documentation/admin-guide/kernel-parameters.rst): the root must be named before it.
  const end = all.includes('--') ? all.indexOf('--') : all.length;
  const kept = all.slice(0, end).filter((word) => !dropped(word));
  const root = `nfsroot=${target.nfsServer}:${target.nfsRoot},${nfsOptions(target)}`;
  return [...kept, 'root=/dev/nfs', root, 'rw', 'ip=dhcp', 'rootwait', ...all.slice(end)].join(' ');
}
