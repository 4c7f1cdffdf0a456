import { BakeryError } from '../../../core/errors.ts';
import type { NfsExport, NfsPorts } from '../backend.ts';
import { requireExport, requirePath } from '../servable.ts';

/** What the server's configuration depends on. */
export interface GaneshaConfig {
  readonly ports: NfsPorts;
  /** Folder for NFSv4 client records. */
  readonly recoveryRoot: string;
}

/** A path as ganesha's lexer (src/config_parsing/conf_lex.l) takes it between double quotes: everything stands for itself. */
export function quotePath(path: string): string {
  return `"${requirePath(path)}"`;
}

/**
 * The server's own part of its file, in front of its exports (`renderExport`). Dir_Chunk: ganesha takes what has changed in a folder since it
 * last looked for the work of the client whose call it has just done, and goes on with the names that it knows; a file that was replaced by
 * somebody else within that second is served as it was for as long as it is open, and ganesha leaves what was read open (measured with 4.3).
 * Without it a folder that a client lists again takes twice as long, 70 ms for 10,000 names, and a lookup as long as before (measured).
 */
export function renderGaneshaConf(config: GaneshaConfig): string {
  return `# Written by Bakery. Never send SIGHUP: ganesha would drop every export that is not in here.
NFS_CORE_PARAM {
  Protocols = 3,4;
  NFS_Port = ${config.ports.nfs};
  MNT_Port = ${config.ports.mountd};
  Enable_NLM = false;
  Enable_RQUOTA = false;
  # initramfs clients may ask mountd over UDP; NFS itself is TCP only.
  Enable_UDP = Mount;
  # NFSv3 and NFSv4 mount the same path.
  mount_path_pseudo = true;
}
NFSv4 {
  Graceless = true;
  Only_Numeric_Owners = true;
  RecoveryBackend = "fs";
  RecoveryRoot = ${quotePath(config.recoveryRoot)};
}
MDCACHE {
  # No names are remembered: what Bakery puts in the place of a file was never seen where the client had changed the folder, too.
  Dir_Chunk = 0;
}
NFS_KRB5 {
  Active_krb5 = false;
}
LOG {
  Default_Log_Level = EVENT;
  COMPONENTS {
    # Below FATAL it writes a line for each client that hangs up.
    TIRPC = FATAL;
  }
}
`;
}

/**
 * The file of one export. Nobody has access but the one client named. Filesystem_id is the fsid NFSv4 clients see: stable
 * by the export's id, and never 152.152, the pseudo root's own. Attr_Expiration_Time: what Bakery itself writes into a volume
 * is seen within 2 s; with ganesha's default of 60 s clients get old sizes and listings that long (measured), and 0 makes
 * listings 2 to 4 times slower (measured).
 * @throws BakeryError `export-invalid` (invalid).
 */
export function renderExport(wanted: NfsExport): string {
  const client = requireExport(wanted);
  const path = quotePath(wanted.path);
  return `EXPORT {
  Export_Id = ${wanted.id};
  Path = ${path};
  Pseudo = ${path};
  Filesystem_id = ${wanted.id}.1;
  Protocols = 3,4;
  Transports = TCP;
  SecType = sys;
  Squash = No_Root_Squash;
  Access_Type = None;
  Attr_Expiration_Time = 1;
  FSAL {
    Name = VFS;
  }
  CLIENT {
    Clients = ${client};
    Access_Type = ${wanted.access === 'rw' ? 'RW' : 'RO'};
  }
}
`;
}

/** Socket paths that need no escaping in a D-Bus address or in XML; the D-Bus specification lists the characters. */
export const PLAIN_SOCKET = /^\/[-0-9A-Za-z_/.]{1,99}$/;

/**
 * Configuration of the private bus: one socket, root only, nothing started on demand. `system` because ganesha asks for
 * the system bus; DBUS_SYSTEM_BUS_ADDRESS names this one.
 */
export function renderBusConf(socket: string): string {
  if (!PLAIN_SOCKET.test(socket)) throw new BakeryError('internal', 'bus-socket-invalid', 'bad D-Bus socket path');
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <deny user="*"/>
    <allow user="root"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
  </policy>
  <policy user="root">
    <allow own="org.ganesha.nfsd"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`;
}
