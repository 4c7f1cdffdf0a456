/** Where a kernel finds its root by `nfsroot=[server:]path[,options]` (Linux, Documentation/admin-guide/nfs/nfsroot.rst). */
export interface NfsRoot {
  readonly server: string;
  readonly path: string;
  readonly nfsPort: number;
  readonly mountPort: number;
}

const [NFS_PORT, MOUNT_PORT] = [2049, 20_048];

/** Reads it from a command line; undefined where there is none, or one that names no server. */
export function nfsRootOf(cmdline: string): NfsRoot | undefined {
  const told = /(?:^|\s)nfsroot=(\d+(?:\.\d+){3}):(\/[^\s,]*)(\S*)/.exec(cmdline);
  if (!told) return undefined;
  const [, server = '', path = '', options = ''] = told;
  const port = (name: string, usual: number) => Number(new RegExp(`,${name}=(\\d+)`).exec(options)?.[1] ?? usual);
  return { server, path, nfsPort: port('port', NFS_PORT), mountPort: port('mountport', MOUNT_PORT) };
}
