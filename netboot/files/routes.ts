import { BakeryError, isErrno } from '../../core/errors.ts';
import { openBeneath, readBeneath } from '../../core/host/files.ts';
import type { TftpAnswer } from '../tftp/messages.ts';
import { type CmdlineTarget, renderCmdline } from './cmdline.ts';

/** A boot file that is asked for, of a Pi whose root is mounted. */
export interface BootFileRequest {
  /** Path below the boot folder. */
  readonly rest: string;
  /** Mount point of the Pi's root. */
  readonly mountPoint: string;
  /** Folder in it that holds the boot files, `boot/firmware` or `boot`. */
  readonly bootFolder: string;
  readonly target: CmdlineTarget;
}

/** One way to answer; undefined leaves the request to the next. */
export type BootFileRoute = (request: BootFileRequest) => Promise<TftpAnswer | undefined>;

const MAX_CMDLINE = 64 * 1024;

/** Read by the system that is booted, from its root, and by no firmware. They hold passwords and keys, and TFTP asks for none. */
const SECRETS = ['user-data', 'network-config', 'userconf', 'userconf.txt', 'wpa_supplicant.conf', 'custom.toml'];

/** To the firmware a file that is refused (a link, a folder) is as good as missing. */
function missing(error: unknown): undefined {
  if (isErrno(error, 'ENOENT') || (error instanceof BakeryError && error.code === 'path-refused')) return undefined;
  throw error;
}

/** `cmdline.txt`, below an os_prefix too, is made from the Pi's own for the root it has now. */
const cmdline: BootFileRoute = async (request) => {
  if (request.rest.split('/').at(-1) !== 'cmdline.txt') return undefined;
  const source = await readBeneath(request.mountPoint, `${request.bootFolder}/${request.rest}`, MAX_CMDLINE).catch(
    missing,
  );
  if (!source) return undefined;
  return { kind: 'bytes', bytes: Buffer.from(renderCmdline(source.toString('utf8'), request.target)) };
};

/**
 * Everything else is the Pi's own: its kernel lives in its own root, so an upgrade on the Pi boots next time. Opened from the
 * mount point on, so that a link in place of the boot folder is refused too.
 */
const ownFile: BootFileRoute = async ({ mountPoint, bootFolder, rest }) => {
  if (SECRETS.includes(rest.split('/').at(-1)?.toLowerCase() ?? '')) return undefined;
  const path = `${bootFolder}/${rest}`;
  try {
    await (await openBeneath(mountPoint, path)).close();
    return { kind: 'file', root: mountPoint, path };
  } catch (error) {
    return missing(error);
  }
};

const ROUTES: readonly BootFileRoute[] = [cmdline, ownFile];

/** The answer of the first route that has one; undefined: there is no such file. */
export async function bootFile(request: BootFileRequest): Promise<TftpAnswer | undefined> {
  for (const route of ROUTES) {
    const answer = await route(request);
    if (answer) return answer;
  }
  return undefined;
}
