import type { Ipv4, PiId } from './ids.ts';

/**
 * How far a boot can get, in the order in which it does. A Pi asks for its command line before it reads its kernel. Not every
 * stage is seen of every boot: power may come from a person, DHCP may not be read, and few images tell that they are ready.
 */
export const BOOT_STAGES = [
  'power-on',
  'dhcp',
  'first-file',
  'firmware',
  'cmdline',
  'kernel',
  'root-mounted',
  'ready',
] as const;
export type BootStage = (typeof BOOT_STAGES)[number];

/** Names of missing files that are remembered of a boot, the first ones. */
export const MAX_MISSED = 24;

/** One attempt of a Pi to boot, as far as it was seen. All times are ms since the epoch. */
export interface Boot {
  readonly id: string;
  readonly pi: PiId;
  readonly startedAt: number;
  /** The last sign of it. */
  readonly heardAt: number;
  /** When each stage was reached; what was not seen is not there. */
  readonly stages: { readonly [S in BootStage]?: number };
  /** Why no more is expected of it: the next attempt began, or its power was taken. */
  readonly ended: { readonly at: number; readonly by: 'next' | 'off' } | undefined;
  /** It was told that it stopped. */
  readonly isStopTold: boolean;
  readonly facts: BootFacts;
}

/** What is known of a boot beside its stages. */
export interface BootFacts {
  /** Which program of the Pi asked last by DHCP, as netboot/dhcp/client.ts names them; never its kernel. */
  readonly sender?: string;
  /** DISCOVERs of boot ROMs, and when one asked for the address that it was offered. */
  readonly discovers: number;
  readonly requestedAt?: number;
  /** When its kernel, or what the kernel started, asked for an address of its own. */
  readonly kernelAskedAt?: number;
  /** Files that were sent whole, and their bytes, also those of files that were not. */
  readonly files: number;
  readonly bytes: number;
  /** Requests that were answered with "there is no such file"; firmware asks for many such. */
  readonly misses: number;
  readonly missed: readonly string[];
  /** What the files were for that were sent whole, each once, as netboot/boots/files.ts names it. */
  readonly got: readonly string[];
  /** The last file asked for, and the last whose transfer broke off. */
  readonly lastFile?: string;
  readonly brokenFile?: string;
  /** Files were asked for that a first-stage ROM does not know of. */
  readonly isPastRom: boolean;
  /** The Pi was not baked when it asked for its files. */
  readonly isUnbaked: boolean;
  /** When the NFS server last heard of it after its files, and from which address when it is not the Pi's. */
  readonly nfsAskedAt?: number;
  readonly nfsAskedFrom?: Ipv4;
  /** By how much its clock was ahead of ours when it was ready, in ms. */
  readonly clockAheadMs?: number;
  /** The last call of the power driver failed, and how. */
  readonly powerFailure?: string;
}

/** The furthest stage that a boot was seen to reach; undefined when its power could not be switched on. */
export function stageOf(boot: Pick<Boot, 'stages'>): BootStage | undefined {
  return BOOT_STAGES.findLast((stage) => boot.stages[stage] !== undefined);
}

/** True when the Pi got as far as a root of its own. */
export function isUp(boot: Pick<Boot, 'stages'>): boolean {
  return boot.stages['root-mounted'] !== undefined || boot.stages.ready !== undefined;
}
