import { BakeryError } from '../../../core/errors.ts';
import type { Exec } from '../../../core/host/exec.ts';
import type { Ipv4 } from '../../../core/ids.ts';
import type { NfsClient, NfsExport, NfsOperations } from '../backend.ts';
import { parseClientOperations, parseDisplayExport, parseShowClients, parseShowExports } from './reply.ts';

/** What ganesha said instead of an answer; `name` is the D-Bus error's. */
export class GaneshaRefusal extends Error {
  readonly errorName: string;
  constructor(errorName: string, message: string) {
    super(message);
    this.name = 'GaneshaRefusal';
    this.errorName = errorName;
  }
}

/** ganesha's export manager over its private bus, one method each; thin. All throw `nfs-unavailable` when nobody answers. */
export interface ExportManager {
  show(): Promise<readonly { readonly id: number; readonly path: string }[]>;
  /** Undefined when there is no such export. */
  display(id: number): Promise<NfsExport | undefined>;
  /** @throws GaneshaRefusal */
  add(confFile: string, id: number): Promise<void>;
  /** @throws GaneshaRefusal */
  update(confFile: string, id: number): Promise<void>;
  /** False when there was none. @throws GaneshaRefusal */
  remove(id: number): Promise<boolean>;
}

// Errors of the bus itself or of a server that is gone; everything else is ganesha's own answer.
const NOBODY =
  /^org\.freedesktop\.DBus\.Error\.(ServiceUnknown|NoReply|NameHasNoOwner|Disconnected|NoServer|Timeout|TimedOut)$/;
const NO_SUCH_EXPORT = 'Export id not found';

function unavailable(detail: string): BakeryError {
  return new BakeryError('unavailable', 'nfs-unavailable', 'the NFS server does not answer', { detail });
}

/** Calls methods of one of ganesha's objects; gives what dbus-send prints. */
function caller(exec: Exec, { socket, object, timeoutMs }: { socket: string; object: string; timeoutMs: number }) {
  return async (method: string, ...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await exec(
      'dbus-send',
      [
        '--system',
        '--print-reply',
        `--reply-timeout=${timeoutMs}`,
        '--dest=org.ganesha.nfsd',
        `/org/ganesha/nfsd/${object}`,
        `org.ganesha.nfsd.${method}`,
        ...args,
      ],
      { env: { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}` }, okCodes: [0, 1], timeoutMs: timeoutMs + 5_000 },
    );
    if (code === 0) return stdout;
    const said = stderr.trim();
    const [, name = '', message = ''] = /^Error (\S+): ([\s\S]*)$/.exec(said) ?? [];
    if (name === '' || NOBODY.test(name)) throw unavailable(said);
    throw new GaneshaRefusal(name, message);
  };
}

/** ganesha's client manager over its private bus. Both throw `nfs-unavailable` when nobody answers. */
export interface ClientManager {
  show(): Promise<readonly NfsClient[]>;
  operations(client: Ipv4): Promise<NfsOperations>;
}

/** The client manager behind the bus at `socket`. */
export function clientManager(exec: Exec, socket: string, timeoutMs = 10_000): ClientManager {
  const call = caller(exec, { socket, object: 'ClientMgr', timeoutMs });
  return {
    show: async () => parseShowClients(await call('clientmgr.ShowClients')),
    // It listens on IPv6 and names its IPv4 clients so.
    operations: async (client) =>
      parseClientOperations(await call('clientstats.GetClientIOops', `string:::ffff:${client}`)),
  };
}

/** The export manager behind the bus at `socket` (a path that needs no escaping, see PLAIN_SOCKET). */
export function exportManager(exec: Exec, socket: string, timeoutMs = 10_000): ExportManager {
  const call = caller(exec, { socket, object: 'ExportMgr', timeoutMs });
  const unlessMissing = async <T>(act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await act();
    } catch (error) {
      if (error instanceof GaneshaRefusal && error.message.includes(NO_SUCH_EXPORT)) return undefined;
      throw error;
    }
  };
  return {
    show: async () => parseShowExports(await call('exportmgr.ShowExports')),
    display: (id) =>
      unlessMissing(async () => parseDisplayExport(await call('exportmgr.DisplayExport', `uint16:${id}`))),
    add: async (confFile, id) => {
      await call('exportmgr.AddExport', `string:${confFile}`, `string:EXPORT(Export_Id=${id})`);
    },
    update: async (confFile, id) => {
      await call('exportmgr.UpdateExport', `string:${confFile}`, `string:EXPORT(Export_Id=${id})`);
    },
    remove: async (id) => (await unlessMissing(() => call('exportmgr.RemoveExport', `uint16:${id}`))) !== undefined,
  };
}
