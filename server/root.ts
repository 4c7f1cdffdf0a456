import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exec } from '../core/host/exec.ts';
import type { Log } from '../core/log.ts';
import type { NfsBackend } from '../exports/nfs/backend.ts';
import { type GaneshaOptions, ganeshaBackend } from '../exports/nfs/ganesha/backend.ts';
import { nfsdBackend } from '../exports/nfs/nfsd/backend.ts';
import { noBackend } from '../exports/nfs/none.ts';
import type { RetryLimits } from '../netboot/boots/retry.ts';
import type { BootLimits } from '../netboot/boots/storm.ts';
import type { Config } from './config.ts';
import type { ExportPolicy } from './operations/exports.ts';
import type { Places } from './operations/ports.ts';

/** Mount points are compared as the kernel writes them: without links. */
export async function withRealRoot(config: Config): Promise<Config> {
  // Pis' mount points are below: others may pass through, not list.
  await mkdir(config.BAKERY_ROOT, { recursive: true, mode: 0o711 });
  return { ...config, BAKERY_ROOT: await realpath(config.BAKERY_ROOT) };
}

/** Whether there are bakeforms and disks; all that needs root is for them. */
export const keepsVolumes = (config: Pick<Config, 'BAKERY_STORAGE'>) => config.BAKERY_STORAGE === 'volumes';

/** The database file. */
export const databaseOf = (config: Config) => config.DB_PATH ?? join(config.BAKERY_ROOT, 'bakery.db');

/** The key of credentials in the database: beside it, and in none of its backups. */
export const keyFileOf = (config: Config) => config.BAKERY_KEY_FILE ?? join(config.BAKERY_ROOT, 'secrets.key');

/** Where mount points and golden volumes are below a root. */
export function placesOf(root: string): Places {
  return {
    root: (pi) => join(root, 'nfs', pi),
    disk: (id) => join(root, 'nfs', id),
    bakeform: (volumeId) => join(root, 'pool', 'golden', `${volumeId}.ext4`),
  };
}

/** Who may mount, as the settings say. */
export function policyOf(config: Config): ExportPolicy {
  if (config.BAKERY_EXPORT_POLICY !== 'subnet') return { kind: config.BAKERY_EXPORT_POLICY };
  return { kind: 'subnet', cidr: config.BAKERY_EXPORT_SUBNET ?? '' };
}

/** How many Pis may boot at a time. */
export function bootLimitsOf(config: Config): BootLimits {
  return {
    atOnce: config.BAKERY_BOOTS_AT_ONCE,
    firstRomAtOnce: config.BAKERY_FIRST_ROM_BOOTS_AT_ONCE,
    staggerMs: config.BAKERY_BOOT_STAGGER_SECONDS * 1_000,
  };
}

/** How long what was destroyed is kept, in ms; 0: it is gone at once. */
export const trashKeepMsOf = (config: Config) => config.BAKERY_TRASH_HOURS * 3_600_000;

/** The pause after the first power-cycle of a Pi that gave up booting. */
const RETRY_PAUSE_MS = 3 * 60_000;

/** How often a Pi that gave up booting is cycled. */
export function retryLimitsOf(config: Config): RetryLimits {
  return { tries: config.BAKERY_BOOT_RETRIES, pauseMs: RETRY_PAUSE_MS };
}

/** The NFS server that the settings ask for. */
export function backendOf(
  config: Config,
  log: Log,
  seams: { readonly exec: Exec } & Pick<GaneshaOptions, 'bus'>,
): NfsBackend {
  if (!keepsVolumes(config)) return noBackend({ nfs: config.BAKERY_NFS_PORT, mountd: config.BAKERY_MOUNTD_PORT });
  const { exec } = seams;
  if (config.BAKERY_NFS_BACKEND === 'nfsd') return nfsdBackend({ root: config.BAKERY_ROOT, exec, log });
  return ganeshaBackend({
    root: config.BAKERY_ROOT,
    nfsPort: config.BAKERY_NFS_PORT,
    mountdPort: config.BAKERY_MOUNTD_PORT,
    ...seams,
    log,
  });
}
