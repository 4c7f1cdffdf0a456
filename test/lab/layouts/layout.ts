/** One file of a stock image that matters to a netboot: as it is there, or as much of it as does something. */
export interface LayoutFile {
  /** In the root; below `boot/firmware` it is put into the FAT partition. */
  readonly path: string;
  /** Where it is told: a repository and a path in it, or a page. */
  readonly source: string;
  /** Its text. `@DISK@` is the disk's identifier, `@VERSION@` the kernel's version. */
  readonly text?: string;
  /** It is a link to this. */
  readonly link?: string;
  /** 0644 when not told. */
  readonly mode?: number;
}

/** What makes a stock image of one distribution other than the shared Debian root below it. */
export interface Layout {
  readonly name: string;
  /** Volume labels of its two partitions. */
  readonly labels: { readonly boot: string; readonly root: string };
  /** What it calls the files that the firmware takes from its boot partition. */
  readonly bootNames: { readonly kernel: string; readonly initramfs: string; readonly deviceTree: string };
  readonly files: readonly LayoutFile[];
}

/** A unit that is started with that target. */
export function enabled(unit: string, target: string, source: string): LayoutFile {
  return { path: `etc/systemd/system/${target}.wants/${unit}`, link: `/lib/systemd/system/${unit}`, source };
}
