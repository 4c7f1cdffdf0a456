import { readFile } from 'node:fs/promises';
import { BakeryError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

/** A capability (capabilities(7)) that root has on a machine of its own, and in a container only where it is given. */
export interface Capability {
  /** Without `CAP_`, as containers name it. */
  readonly name: string;
  /** Its number in include/uapi/linux/capability.h. */
  readonly bit: bigint;
  readonly why: string;
  /** True where the server does its work without it, a little worse. */
  readonly optional?: true;
}

/** All that the server, its NFS server and their tools use; docker/compose.yaml gives these and no other. */
export const CAPABILITIES: readonly Capability[] = [
  { name: 'CHOWN', bit: 0n, why: 'files of images keep their owners' },
  { name: 'DAC_OVERRIDE', bit: 1n, why: "files on Pis' roots are whoever's" },
  { name: 'DAC_READ_SEARCH', bit: 2n, why: 'the NFS server opens files by their handles' },
  { name: 'FOWNER', bit: 3n, why: 'files of images keep their modes and times' },
  { name: 'FSETID', bit: 4n, why: 'files of images keep their set-user-ID bits' },
  { name: 'KILL', bit: 5n, why: 'rpcbind runs as another user and is ended when the server is stopped' },
  { name: 'SETGID', bit: 6n, why: 'the NFS server acts as the group that a Pi names' },
  { name: 'SETUID', bit: 7n, why: 'the NFS server acts as the user that a Pi names' },
  { name: 'NET_BIND_SERVICE', bit: 10n, why: 'TFTP, DHCP, rpcbind and NFS have ports below 1024' },
  { name: 'SYS_ADMIN', bit: 21n, why: 'volumes are mounted, on loop devices' },
  { name: 'SYS_NICE', bit: 23n, why: 'boot files go before bakes and uploads', optional: true },
  { name: 'SYS_RESOURCE', bit: 24n, why: 'a disk grows while its Pi uses it', optional: true },
  { name: 'MKNOD', bit: 27n, why: 'images have device nodes' },
  { name: 'SETFCAP', bit: 31n, why: 'files of images keep their capabilities' },
];

/** Those of `CAPABILITIES` that are not in the CapEff line of /proc/[pid]/status (proc(5)); all where there is none. */
export function missingCapabilities(status: string): Capability[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return CAPABILITIES.filter(({ bit }) => ((effective >> bit) & 1n) === 0n);
}

const list = (capabilities: readonly Capability[]) =>
  capabilities.map(({ name, why }) => `CAP_${name} (${why})`).join(', ');

/** What the server does only where it may. */
export interface Abilities {
  /** Grow a file system while it is mounted: EXT4_IOC_RESIZE_FS wants CAP_SYS_RESOURCE (the kernel's ext4_resize_begin). */
  readonly growsMounted: boolean;
}

/** What is left without those. */
export function abilitiesWithout(missing: readonly Capability[]): Abilities {
  return { growsMounted: !missing.some(({ name }) => name === 'SYS_RESOURCE') };
}

/**
 * Tells what this process may not do, before it is half done.
 * @throws BakeryError `not-root` (forbidden); `capability-missing` (unavailable) with the names of those that it cannot do without.
 */
export async function checkRoot(log: Log): Promise<Abilities> {
  if (process.getuid?.() !== 0) {
    throw new BakeryError('forbidden', 'not-root', 'the server mounts and exports file systems: run it as root');
  }
  const missing = missingCapabilities(await readFile('/proc/self/status', 'utf8'));
  const needed = missing.filter(({ optional }) => !optional);
  if (needed.length > 0) {
    const message = `the server lacks ${list(needed)}; docker/compose.yaml names all that a container needs`;
    throw new BakeryError('unavailable', 'capability-missing', message);
  }
  const wanted = missing.map(({ name }) => `CAP_${name}`);
  if (wanted.length > 0) log.info({ missing: wanted }, `it works without ${list(missing)}`);
  return abilitiesWithout(missing);
}
