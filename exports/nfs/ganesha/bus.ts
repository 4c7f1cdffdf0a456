import { BakeryError } from '../../../core/errors.ts';
import type { Ipv4 } from '../../../core/ids.ts';
import type { NfsClient, NfsExport, NfsOperations } from '../backend.ts';
import { type BusConnection, BusGone, connectBus } from './connection.ts';
import type { DbusArgument } from './dbus-call.ts';
import { DbusFault, type DbusValue } from './dbus-message.ts';
import { parseClientOperations, parseDisplayExport, parseShowClients, parseShowExports, unreadable } from './reply.ts';

/** What ganesha said instead of an answer; `name` is the D-Bus error's. */
export class GaneshaRefusal extends Error {
  readonly errorName: string;
  constructor(errorName: string, message: string) {
    super(message);
    this.name = 'GaneshaRefusal';
    this.errorName = errorName;
  }
}

/** ganesha's export manager, one method each; thin. All throw `nfs-unavailable` when nobody answers. */
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

/** A call of a method of one of ganesha's objects. */
export interface BusCall {
  readonly object: 'ExportMgr' | 'ClientMgr';
  readonly method: string;
  readonly args?: readonly DbusArgument[];
  /** How long the answer may take; 15 s. */
  readonly timeoutMs?: number;
}

/** Makes it, and gives the values of the answer. @throws GaneshaRefusal; BakeryError `nfs-unavailable`, `nfs-reply-unreadable`. */
export type CallBus = (call: BusCall) => Promise<readonly DbusValue[]>;

const CALL_MS = 15_000;

/**
 * Calls over a connection that stays, to the bus at the socket that `find` names (a path, see PLAIN_SOCKET). It is asked for
 * again when the bus has gone.
 */
export function openBus(find: () => Promise<string>, options: { idleMs?: number } = {}): CallBus {
  let connection: BusConnection | undefined;
  async function connected(): Promise<BusConnection> {
    if (connection?.isOpen()) return connection;
    const socket = await find();
    // Somebody else may have waited for the same.
    if (!connection?.isOpen()) connection = connectBus(socket, options.idleMs);
    return connection;
  }
  return async ({ object, method, args = [], timeoutMs = CALL_MS }) => {
    const [name, member = ''] = method.split('.');
    const call = {
      destination: 'org.ganesha.nfsd',
      path: `/org/ganesha/nfsd/${object}`,
      interface: `org.ganesha.nfsd.${name}`,
      member,
      args,
    };
    const to = await connected();
    const {
      type,
      errorName = '',
      body,
    } = await to.call(call, timeoutMs).catch((error: unknown) => {
      if (error instanceof BusGone) throw unavailable(error.message);
      if (error instanceof DbusFault) throw unreadable(error.message);
      throw error;
    });
    if (type !== 'error') return body;
    const message = String(body[0] ?? '');
    if (errorName === '' || NOBODY.test(errorName)) throw unavailable(`${errorName}: ${message}`);
    throw new GaneshaRefusal(errorName, message);
  };
}

/** ganesha's client manager. Both throw `nfs-unavailable` when nobody answers. */
export interface ClientManager {
  show(): Promise<readonly NfsClient[]>;
  operations(client: Ipv4): Promise<NfsOperations>;
}

/** The client manager behind a bus. */
export function clientManager(bus: CallBus): ClientManager {
  const call = (method: string, ...args: readonly DbusArgument[]) => bus({ object: 'ClientMgr', method, args });
  return {
    show: async () => parseShowClients(await call('clientmgr.ShowClients')),
    // It listens on IPv6 and names its IPv4 clients so.
    operations: async (client) => parseClientOperations(await call('clientstats.GetClientIOops', `::ffff:${client}`)),
  };
}

/** The export manager behind a bus; each answer may take `timeoutMs`. */
export function exportManager(bus: CallBus, timeoutMs = CALL_MS): ExportManager {
  const call = (method: string, ...args: readonly DbusArgument[]) =>
    bus({ object: 'ExportMgr', method: `exportmgr.${method}`, args, timeoutMs });
  const unlessMissing = async <T>(act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await act();
    } catch (error) {
      if (error instanceof GaneshaRefusal && error.message.includes(NO_SUCH_EXPORT)) return undefined;
      throw error;
    }
  };
  return {
    show: async () => parseShowExports(await call('ShowExports')),
    display: (id) => unlessMissing(async () => parseDisplayExport(await call('DisplayExport', id))),
    add: async (confFile, id) => void (await call('AddExport', confFile, `EXPORT(Export_Id=${id})`)),
    update: async (confFile, id) => void (await call('UpdateExport', confFile, `EXPORT(Export_Id=${id})`)),
    remove: async (id) => (await unlessMissing(() => call('RemoveExport', id))) !== undefined,
  };
}
