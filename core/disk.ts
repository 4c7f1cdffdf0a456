import type { DiskId, PiId, SnapshotId } from './ids.ts';

/** What a disk is: a Pi's root file system, or a folder that holds one `disk.img`. */
export type DiskRole = 'root' | 'data';

/** What is made in a new `disk.img`: the label is that of mkfs, at most 16 characters of ext4, 12 of xfs. */
export interface NewFileSystem {
  readonly type: 'ext4' | 'xfs';
  readonly label?: string | undefined;
}

/** `making` until its volume is whole, `removing` once its end has begun. Only `ready` disks are shown and exported. */
export type DiskState = 'making' | 'ready' | 'removing';

/** An exported folder: a volume with its mount point and its place at a Pi. */
export interface Disk {
  readonly id: DiskId;
  readonly role: DiskRole;
  readonly state: DiskState;
  /** MiB of `disk.img`; 0 for a root. */
  readonly sizeMiB: number;
  /** The Pi it is attached to; a root always has one. */
  readonly pi: PiId | undefined;
  /** Its place in the Pi's list, 0 for the root. Grows with every attach and never changes by itself. */
  readonly position: number | undefined;
  /** UUID of the ext4 file system on its volume; what is mounted there must have it. */
  readonly fsUuid: string;
  /** Export_Id and fsid, 1 to 65535, stable for the life of the disk so that NFS handles survive a restart. */
  readonly exportId: number;
  /** Exported to nobody for a moment: an operation works on its volume. */
  readonly isWithheld?: boolean;
}

/** A disk as it was at one moment, kept on the pool; never mounted, never exported. It lives as long as its disk does. */
export interface Snapshot {
  readonly id: SnapshotId;
  readonly disk: DiskId;
  readonly name: string | undefined;
  readonly state: DiskState;
  /** MiB of `disk.img` at that moment. */
  readonly sizeMiB: number;
  readonly fsUuid: string;
  /** ms since the epoch. */
  readonly createdAt: number;
}
