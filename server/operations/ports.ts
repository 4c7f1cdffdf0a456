import type { Bakeform } from '../../core/bakeform.ts';
import type { NewFileSystem } from '../../core/disk.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { DiskId, Ipv4, PiId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { Db } from '../../db/open.ts';

/** A data disk to copy: perhaps mounted at `at`, perhaps written on. */
export interface LiveDisk {
  readonly kind: 'disk';
  readonly id: string;
  readonly at: string;
  readonly inUse: boolean;
}

/** A data disk as it was in a snapshot. */
export interface KeptDisk {
  readonly kind: 'snapshot';
  readonly id: string;
}

/** The volumes on the pool, as the operations need them (fulfilled by exports/volumes). Every call may be repeated. */
export interface VolumePort {
  /** Makes a data volume that holds one `disk.img` of `sizeMiB`, with a file system in it where one is wished. */
  createDisk(volume: {
    id: string;
    fsUuid: string;
    sizeMiB: number;
    fileSystem?: NewFileSystem | undefined;
  }): Promise<void>;
  /** Makes a data volume from a disk or a snapshot, under a UUID of its own. */
  copyDisk(copy: { id: string; from: LiveDisk | KeptDisk; fsUuid: string; growTo?: number }): Promise<void>;
  /** Keeps a disk as it is at one moment. */
  snapshot(copy: { id: string; from: LiveDisk }): Promise<void>;
  /** Deletes a snapshot and its half-made forms; fine when there is none. */
  removeSnapshot(snapshot: { id: string }): Promise<void>;
  /** Prepares what is to replace the volume of a disk that is not mounted: a snapshot, or itself; grown. */
  stage(next: { id: string; from?: KeptDisk; growTo?: number }): Promise<void>;
  /** Deletes what was prepared; fine when nothing is. */
  unstage(disk: { id: string }): Promise<void>;
  /** Puts it in the place of the volume; fine when that was done. */
  replace(disk: { id: string }): Promise<void>;
  /**
   * Makes room for a larger disk.img in a volume that stays mounted; nobody sees it.
   * @throws BakeryError `growth-needs-interruption` where the kernel does not let it.
   */
  extend(disk: { id: string; at: string; sizeMiB: number }): Promise<void>;
  /** Makes its disk.img that long. */
  lengthen(disk: { id: string; at: string; sizeMiB: number }): Promise<void>;
  /** Makes a root volume from a golden one, under a UUID of its own, grown to `bytes` when that is more. */
  clone(volume: { golden: string; id: string; fsUuid: string; bytes?: number | undefined }): Promise<void>;
  /** The size of a golden volume, in bytes. */
  goldenBytes(id: string): Promise<number>;
  /** Mounts it, after checking its UUID; adopts a mount that is there. */
  mount(volume: { id: string; fsUuid: string; at: string }): Promise<void>;
  /** Unmounts it and waits until nothing on this machine holds it; fine when it is not mounted. */
  unmount(volume: { id: string; at: string }): Promise<void>;
  /** Unmounts it wherever among these places it is mounted; what else is mounted there stays. */
  unmountFrom(volume: { id: string; places: readonly string[] }): Promise<void>;
  /** Checks and repairs the file system of a volume that is not mounted. */
  check(volume: { id: string }): Promise<void>;
  /** Moves it to the trash; fine when it is there or never was. */
  discard(volume: { id: string }): Promise<void>;
  /** Takes it back out of the trash; fine when it is back. */
  recover(volume: { id: string }): Promise<void>;
  /** Deletes it from the trash; fine when it is gone. */
  purge(volume: { id: string }): Promise<void>;
  /** Deletes it and its half-made forms; with `fsUuid` only the volume that has it. Fine when there is none. */
  remove(volume: { id: string; fsUuid?: string }): Promise<void>;
  /** Deletes a golden volume and its half-made forms; fine when there is none. */
  removeGolden(id: string): Promise<void>;
}

/** What a root gets beside its identity. */
export interface Furnishing {
  readonly user?: { readonly name: string; readonly passwordHash?: string | undefined } | undefined;
  /** For the user, or for root when there is none. */
  readonly authorizedKeys?: readonly string[] | undefined;
  /** For cloud-init. */
  readonly seed?: { readonly userData: string; readonly instanceId: string; readonly hostname: string } | undefined;
}

/** Image intake, as the operations need it (fulfilled by exports/images). `id` names the golden volume to be. */
export interface ImagePort {
  /** Streams the upload to the pool and hashes it. */
  receive(
    body: AsyncIterable<Uint8Array>,
    image: { id: string; signal: AbortSignal; onBytes(done: number): void },
  ): Promise<{ bytes: number; sha256: string }>;
  /** Takes an upload that came in pieces for what was received. */
  adopt(image: {
    id: string;
    upload: { readonly id: string; readonly bytes: number };
    signal: AbortSignal;
    onBytes(done: number): void;
  }): Promise<{ bytes: number; sha256: string }>;
  /** Unpacks what was received, until it is an image or a root. */
  unpack(image: {
    id: string;
    signal: AbortSignal;
    onBytes(done: number, total: number): void;
  }): Promise<{ content: 'image' | 'tree'; layers: readonly string[] }>;
  /** Checks the image and turns it into a golden volume. */
  makeGolden(image: { id: string; signal: AbortSignal; onBytes(done: number, total: number): void }): Promise<void>;
  /** Makes the golden volume fit to netboot; says what it did, or, with `isLeft`, what it would have done. */
  prepare(image: {
    id: string;
    signal: AbortSignal;
    isLeft: boolean;
  }): Promise<Pick<Bakeform, 'notes' | 'lint' | 'root'> & { bootFolder: string }>;
  /** Removes everything of an intake but the golden volume: the received file, temporary folders and mounts. */
  tidy(image: { id: string }): Promise<void>;
  /** Gives a mounted root what must be its own: host name, machine-id, SSH host keys. */
  giveIdentity(root: { mountPoint: string; piId: PiId }): Promise<void>;
  /** Puts a user, keys and data for cloud-init into a mounted root. */
  furnish(root: Furnishing & { mountPoint: string }): Promise<void>;
  /** Carries the files of /piConfig from one mounted root into another. */
  carryPiConfig(roots: { from: string; to: string }): Promise<{ files: number; skipped: number }>;
  /** Replaces the list of its disks on a mounted root. */
  writeDiskList(root: { mountPoint: string; text: string }): Promise<void>;
  /** The ids of the disks that the Pi of a mounted root says it has set up. */
  readDiskState(root: { mountPoint: string }): Promise<readonly string[]>;
}

/** Copies of what the original Bakery kept in plain folders (fulfilled by exports/legacy). Every call may be repeated. */
export interface TakeoverPort {
  /** Makes an empty root volume that is large enough for a tree and its boot files. */
  createRoot(volume: { id: string; fsUuid: string; from: string; boot?: string | undefined }): Promise<void>;
  /** Copies a root's tree, or a data disk's bytes, into a volume that is mounted nowhere. */
  fill(volume: { id: string; fsUuid: string; role: 'root' | 'data'; from: string; signal: AbortSignal }): Promise<void>;
  /** Ends what a broken `fill` left mounted; fine when nothing is. */
  unfill(volume: { id: string }): Promise<void>;
  /** Puts the boot files that the original served into a mounted root. */
  placeBoot(root: { mountPoint: string; from: string }): Promise<void>;
}

/** Brings the NFS server's exports to what the inventory says. */
export interface ExportKeeper {
  /**
   * Throws what went wrong with one of the exports `concerned`; failures of others are logged and tried again later. With `only` no others are looked at,
   * where it is known how the last convergence left them: for who has changed nothing else, among a thousand.
   */
  converge(concerned: readonly number[], scope?: 'only' | 'all'): Promise<void>;
}

/** Power of one Pi, with the wish committed before the act. */
export interface PiPower {
  /** Wishes "on" and switches on when it is its turn to boot. Ends early when `off` is asked meanwhile, or `signal` is aborted. */
  on(pi: PiId, signal?: AbortSignal): Promise<void>;
  /** Off at once, pause, on in its turn; wishes "on" first. Ends early as `on` does. */
  cycle(pi: PiId, signal?: AbortSignal): Promise<void>;
  /** Wishes "off" and switches off; `unconfirmed` where only a person can. */
  off(pi: PiId, signal?: AbortSignal): Promise<'off' | 'unconfirmed'>;
  /** True when a driver can switch this Pi. */
  controls(pi: PiId): boolean;
  /** Through a port of a switch, only by asking a person, or not at all. */
  reach(pi: PiId): 'port' | 'by-hand' | 'none';
  /** Why not at all, where there is more to say than that it is bound to no port. */
  whyNone(pi: PiId): string | undefined;
  /** How long until one more cycle of this Pi is not one too many, in ms; 0 for now. `cycle` itself refuses none. */
  cycleWaitMs(pi: PiId): number;
  /** A request of it is under way. */
  isSwitching(pi: PiId): boolean;
  /** What the switch says now; undefined where it cannot tell. */
  observe(pi: PiId, signal?: AbortSignal): Promise<'on' | 'off' | 'unknown' | undefined>;
}

/** Where things are. */
export interface Places {
  /** The mount point of a Pi's root: what it mounts over NFS. */
  root(pi: PiId): string;
  /** The mount point of a data disk. */
  disk(id: DiskId): string;
  /** What the API tells as a bakeform's location. */
  bakeform(volumeId: string): string;
}

/** Everything the operations act through. */
export interface OperationPorts {
  readonly db: Db;
  readonly volumes: VolumePort;
  readonly images: ImagePort;
  readonly takeover: TakeoverPort;
  readonly exports: ExportKeeper;
  readonly power: PiPower;
  readonly places: Places;
  /** Destroyed disks are kept for a while, or gone at once. */
  readonly keepsTrash: boolean;
  /** Where Pis mount from. */
  readonly nfsAddress: Ipv4;
  readonly clock: Clock;
  readonly log: Log;
}
