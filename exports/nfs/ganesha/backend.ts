import { writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { allOf } from '../../../core/all-of.ts';
import { BakeryError, describeError, isErrno } from '../../../core/errors.ts';
import { type Clock, systemClock } from '../../../core/host/clock.ts';
import { boundLog, logTail } from '../../../core/host/detached.ts';
import { type Exec, exec as hostExec } from '../../../core/host/exec.ts';
import { removeFile } from '../../../core/host/files.ts';
import type { Log } from '../../../core/log.ts';
import { oneByOne } from '../../../core/one-by-one.ts';
import type { NfsBackend, NfsExport } from '../backend.ts';
import { type CallBus, clientManager, exportManager, GaneshaRefusal, openBus } from './bus.ts';
import { renderExport } from './config.ts';
import { tellDevices } from './devices.ts';
import { unitLayout } from './layout.ts';
import { endUnit, startUnit, type UnitContext, unitAnswers, wholeUnit } from './unit.ts';

/** How the ganesha backend is made. */
export interface GaneshaOptions {
  /** BAKERY_ROOT, absolute; the unit lives in `<root>/nfs-server`. */
  readonly root: string;
  readonly log: Log;
  /** Default 2049. */
  readonly nfsPort?: number;
  /** Default 20048. */
  readonly mountdPort?: number;
  readonly exec?: Exec;
  /** Around every call over the bus. */
  readonly bus?: ((call: CallBus) => CallBus) | undefined;
  readonly clock?: Clock;
  /** How long a start without exports may take; default 15 s. */
  readonly startTimeoutMs?: number;
}

/** The files of exports; what cannot be expressed keeps no other from being served, and is told when it is added. */
function renderable(exports: readonly NfsExport[]): string[] {
  return exports.flatMap((entry) => {
    try {
      return [renderExport(entry)];
    } catch (error) {
      if (error instanceof BakeryError && error.code === 'export-invalid') return [];
      throw error;
    }
  });
}

function notRunning(): BakeryError {
  return new BakeryError('unavailable', 'nfs-unavailable', 'the NFS server does not run');
}

/** Calls at once when every export is read back: ganesha answers one after another. */
const READERS = 4;

/**
 * nfs-ganesha (4.3) and its private bus as a backend; see NfsBackend. Needs the Debian packages nfs-ganesha,
 * nfs-ganesha-vfs, gcc, libc6-dev, dbus-daemon and rpcbind. Making one does nothing yet: no process, no file.
 */
export function ganeshaBackend(options: GaneshaOptions): NfsBackend {
  if (!isAbsolute(options.root)) throw new BakeryError('internal', 'root-not-absolute', 'the root must be absolute');
  const ports = { nfs: options.nfsPort ?? 2049, mountd: options.mountdPort ?? 20048 };
  const exec = options.exec ?? hostExec;
  const bus = openBus(async () => {
    const unit = await wholeUnit(context);
    if (unit) return unit.socket;
    throw notRunning();
  });
  const context: UnitContext = {
    layout: unitLayout(options.root),
    ports,
    exec,
    bus: options.bus?.(bus) ?? bus,
    clock: options.clock ?? systemClock,
    log: options.log,
    startTimeoutMs: options.startTimeoutMs ?? 15_000,
  };
  const { layout } = context;

  // One change at a time: AddExport, UpdateExport and RemoveExport of one id must not overtake each other, nor a restart.
  const inTurn = oneByOne();

  const server = exportManager(context.bus);
  const visitors = clientManager(context.bus);

  /** Turns ganesha's refusals into errors of the backend; its log has the reason that its answer lacks. */
  const refusals = async <T>(id: number, act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof GaneshaRefusal)) throw error;
      const lines = (await logTail(layout.serverLog, 4_000)).split('\n').filter((line) => line.includes(' :CRIT :'));
      throw new BakeryError('unavailable', 'export-refused', 'the NFS server refused an export', {
        detail: `export ${id}: ${error.errorName}: ${error.message.trim()}\n${lines.slice(-4).join('\n')}`,
        cause: error,
      });
    }
  };

  const confFile = (id: number): string => join(layout.exports, `${id}.conf`);

  /** Tries `first` (what is most likely right), then looks at what the server has under that id. */
  const serve = async (wanted: NfsExport, first: 'add' | 'update'): Promise<void> => {
    const text = renderExport(wanted);
    const file = confFile(wanted.id);
    // Not synced: both matter only while the call below runs. The server never reads them again.
    const writes = [
      () => writeFile(file, text, { mode: 0o600 }),
      () => tellDevices(layout.devices, wanted.path, context.clock.now()),
    ];
    await allOf(writes, (write) => write()).catch((error: unknown) => {
      // Their folders are made by the first start.
      throw isErrno(error, 'ENOENT') ? notRunning() : error;
    });
    try {
      await server[first](file, wanted.id);
    } catch (error) {
      if (!(error instanceof GaneshaRefusal)) throw error;
      const now = await server.display(wanted.id);
      if (now?.path === wanted.path) {
        if (first === 'update') throw error;
        return await server.update(file, wanted.id);
      }
      if (now) await server.remove(wanted.id);
      else if (first === 'add') throw error;
      await server.add(file, wanted.id);
    }
  };

  return {
    name: 'ganesha',
    ports: () => ports,
    start: (exports = async () => []) =>
      inTurn(async () => {
        const unit = await wholeUnit(context);
        if (unit && (await unitAnswers(context))) return { adopted: true };
        await endUnit(context);
        await startUnit(context, renderable(await exports()));
        return { adopted: false };
      }),
    alive: async () => {
      const unit = await wholeUnit(context);
      if (!unit) return false;
      // All write in append mode, so their logs may be cut while they run. A full disk is no reason to call a server dead.
      for (const file of [layout.serverLog, layout.busLog, layout.rpcbindLog]) {
        await boundLog(file).catch((error) =>
          options.log.warn({ file, error: describeError(error) }, 'log not bounded'),
        );
      }
      return unitAnswers(context);
    },
    list: async () => {
      const ids = (await server.show()).map(({ id }) => id).sort((a, b) => a - b);
      const found = new Map<number, NfsExport>();
      const queue = ids.values();
      await Promise.all(
        Array.from({ length: READERS }, async () => {
          for (const id of queue) {
            const entry = await server.display(id);
            if (entry) found.set(id, entry);
          }
        }),
      );
      return ids.flatMap((id) => found.get(id) ?? []);
    },
    outline: () => server.show(),
    add: (wanted) => inTurn(() => refusals(wanted.id, () => serve(wanted, 'add'))),
    update: (wanted) => inTurn(() => refusals(wanted.id, () => serve(wanted, 'update'))),
    remove: (id) =>
      inTurn(async () => {
        await refusals(id, () => server.remove(id));
        await removeFile(confFile(id));
      }),
    clients: () => visitors.show(),
    operations: (client) => visitors.operations(client),
    stop: () => inTurn(() => endUnit(context)),
  };
}
