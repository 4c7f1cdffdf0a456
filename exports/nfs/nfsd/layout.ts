import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../../core/errors.ts';
import { writeFileAtomic } from '../../../core/host/files.ts';

/** Bakery's own file among those of exports(5). */
export const EXPORTS_FILE = '/etc/exports.d/bakery.exports';
/** exportfs ends with 1, whatever it did, where this one is missing. */
export const MAIN_EXPORTS_FILE = '/etc/exports';
/** What exportfs has, and mountd serves (exportfs(8)). */
export const ETAB_FILE = '/var/lib/nfs/etab';
/** Bakery's own file among those of nfs.conf(5), there while it runs a mountd of its own. */
export const CONF_FILE = '/etc/nfs.conf.d/bakery.conf';

/**
 * Debian's nfs.conf has manage-gids on: mountd would look up the groups of a Pi's users on this machine, which does not know them, and
 * files that a user may reach by a group would be closed to him.
 */
export const CONF_TEXT =
  '# Written by Bakery for its own rpc.mountd; removed when that is stopped.\n[mountd]\nmanage-gids=n\n';

/** Where the records and logs of what Bakery started are. */
export interface NfsdLayout {
  readonly folder: string;
  readonly record: string;
  readonly mountdLog: string;
  readonly rpcbindLog: string;
  readonly records: { readonly mountd: string; readonly rpcbind: string };
}

/** The layout below `root`, an absolute path. */
export function nfsdLayout(root: string): NfsdLayout {
  const folder = join(root, 'nfs-server');
  return {
    folder,
    record: join(folder, 'nfsd.json'),
    mountdLog: join(folder, 'mountd.log'),
    rpcbindLog: join(folder, 'nfsd-rpcbind.log'),
    records: { mountd: join(folder, 'mountd.process.json'), rpcbind: join(folder, 'nfsd-rpcbind.process.json') },
  };
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** Notes that the kernel's server is started by us, before it is: a server that was there before is never stopped. */
export async function writeStarted(layout: NfsdLayout): Promise<void> {
  await writeFileAtomic(layout.record, `${JSON.stringify({ bootId: await bootId() })}\n`, 0o600);
}

/** True when Bakery has started the server since this machine's boot. */
export async function hasStarted(layout: NfsdLayout): Promise<boolean> {
  try {
    const value: unknown = JSON.parse(await readFile(layout.record, 'utf8'));
    if (typeof value !== 'object' || value === null || !('bootId' in value)) return false;
    return value.bootId === (await bootId());
  } catch (error) {
    if (isErrno(error, 'ENOENT') || error instanceof SyntaxError) return false;
    throw error;
  }
}
