import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { BakeryError, describeError, isErrno } from '../../../core/errors.ts';
import { type Clock, systemClock } from '../../../core/host/clock.ts';
import { boundLog } from '../../../core/host/detached.ts';
import { type Exec, exec as hostExec } from '../../../core/host/exec.ts';
import { removeFile, writeFileAtomic } from '../../../core/host/files.ts';
import type { Log } from '../../../core/log.ts';
import { oneByOne } from '../../../core/one-by-one.ts';
import { readMounts } from '../../volumes/mountinfo.ts';
import type { NfsBackend, NfsExport } from '../backend.ts';
import { letGo, reachedBy, readCaches, settle } from './caches.ts';
import { expireHolders } from './held.ts';
import { countThreads } from './kernel.ts';
import { ETAB_FILE, EXPORTS_FILE, nfsdLayout } from './layout.ts';
import { isAnothers, type Plan, planRemove, planServe, rivalOf } from './plan.ts';
import {
  endServer,
  finishStart,
  isWhole,
  lookAtServer,
  MOUNTD_PORT,
  NFS_PORT,
  requireExportfs,
  type ServerContext,
  startServer,
} from './server.ts';
import { type Entry, ownExports, parseEtab, renderExports } from './table.ts';
import { createVisitors } from './visitors.ts';

/** How the nfsd backend is made. */
export interface NfsdOptions {
  /** BAKERY_ROOT, absolute; records and logs are in `<root>/nfs-server`. */
  readonly root: string;
  readonly log: Log;
  readonly exec?: Exec;
  readonly clock?: Clock;
  /** How long each part of a start may take to answer; default 15 s. */
  readonly startTimeoutMs?: number;
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  }
}

function refused(id: number, detail: string, cause?: unknown): BakeryError {
  const message = 'the NFS server refused an export';
  return new BakeryError('unavailable', 'export-refused', message, { detail: `export ${id}: ${detail}`, cause });
}

/**
 * The kernel's NFS server as a backend; see NfsBackend. Needs the Debian packages nfs-kernel-server and rpcbind, and a kernel with nfsd.
 * A server that runs already is used, with whatever else it exports, and not stopped. Making one does nothing yet.
 */
export function nfsdBackend(options: NfsdOptions): NfsBackend {
  if (!isAbsolute(options.root)) throw new BakeryError('internal', 'root-not-absolute', 'the root must be absolute');
  const { log, exec = hostExec, clock = systemClock, startTimeoutMs = 15_000 } = options;
  const layout = nfsdLayout(options.root);
  const context: ServerContext = { layout, exec, clock, log, startTimeoutMs };
  const visitors = createVisitors({ mountdLog: layout.mountdLog, exec, clock, log });

  // One change at a time: each reads etab, and writes the whole of our own file.
  const inTurn = oneByOne();

  const entries = async (): Promise<readonly Entry[]> => parseEtab(await textOf(ETAB_FILE));
  async function requireServer(): Promise<void> {
    if (((await countThreads()) ?? 0) > 0) return;
    throw new BakeryError('unavailable', 'nfs-unavailable', 'the NFS server does not run');
  }

  /** Our own file first: after a crash in between, the next convergence or anybody's `exportfs -r` does what is missing. */
  async function write(own: readonly NfsExport[]): Promise<void> {
    const text = renderExports(own);
    if ((await textOf(EXPORTS_FILE)) !== text) await writeFileAtomic(EXPORTS_FILE, text);
  }

  /**
   * exportfs in an empty network namespace: etab is a file, and is changed all the same; but the flush that it ends with goes nowhere. Ours
   * comes after it, and only when something is stale (see caches.ts): a second flush in one second keeps volumes from being unmounted.
   */
  async function apply({ own, calls }: Plan): Promise<void> {
    await write(own);
    for (const call of calls) await exec('unshare', ['--net', 'exportfs', ...call]);
  }

  /** @throws BakeryError `export-refused`, `export-invalid`. */
  async function serve(wanted: NfsExport): Promise<void> {
    const now = await entries();
    const plan = planServe(wanted, now);
    const rival = rivalOf(wanted, now);
    if (rival) throw refused(wanted.id, `${rival.path} is exported already, to ${rival.client}`);
    if (!(await readMounts()).some(({ mountPoint }) => mountPoint === wanted.path))
      throw refused(wanted.id, `nothing is mounted at ${wanted.path}`);
    const before = ownExports(now).filter(({ id }) => id === wanted.id);
    try {
      await apply(plan);
    } catch (error) {
      if (!(error instanceof BakeryError) || error.code !== 'tool-failed') throw error;
      // exportfs keeps what it refused.
      await apply(planRemove(wanted.id, await entries())).catch(() => undefined);
      throw refused(wanted.id, error.detail ?? error.message, error);
    }
    if (plan.calls.length > 0) await settle([wanted, ...before]);
  }

  /** Ends an export, and whatever keeps its volume from being unmounted. */
  async function withdraw(id: number): Promise<void> {
    const now = await entries();
    const [before] = ownExports(now).filter((entry) => entry.id === id);
    await apply(planRemove(id, now));
    if (!before) return;
    await settle([before]);
    const device = (await readMounts()).findLast(({ mountPoint }) => mountPoint === before.path)?.device;
    const expired = device === undefined ? 0 : await expireHolders(device);
    const isFree = await letGo(before.path, clock);
    if (expired > 0 || !isFree) log.info({ id, expired, isFree }, 'a volume was in use when its export was removed');
  }

  async function serveAll(wanted: readonly NfsExport[]): Promise<void> {
    const ids = new Set(wanted.map(({ id }) => id));
    for (const { id } of ownExports(await entries())) if (!ids.has(id)) await apply(planRemove(id, await entries()));
    for (const entry of wanted) {
      await serve(entry).catch((error) => log.warn({ error: describeError(error) }, 'an export is not served yet'));
    }
  }

  /** Exports with an fsid of Bakery's that are none of ours: two on one server would each take away what the other serves. */
  async function anothers(): Promise<readonly NfsExport[]> {
    const mounted = new Set((await readMounts()).map(({ mountPoint }) => mountPoint));
    return ownExports(await entries()).filter((entry) => isAnothers(entry, options.root, mounted));
  }
  async function refuseAnother(): Promise<void> {
    const [entry] = await anothers();
    if (!entry) return;
    throw new BakeryError('unavailable', 'foreign-nfs-server', 'another Bakery uses the NFS server of this host', {
      detail: `it serves ${entry.path}; stop it (npm start -- stop with its root)`,
    });
  }

  const change = (act: () => Promise<void>) =>
    inTurn(async () => {
      await requireServer();
      await act();
    });

  return {
    name: 'nfsd',
    ports: () => ({ nfs: NFS_PORT, mountd: MOUNTD_PORT }),
    start: (exports = async () => []) =>
      inTurn(async () => {
        await requireExportfs(exec);
        await refuseAnother();
        const adopted = isWhole(await lookAtServer(exec));
        if (adopted) await finishStart(layout);
        else await startServer(context, async () => serveAll(await exports()));
        await visitors.open();
        return { adopted };
      }),
    alive: async () => {
      if (!isWhole(await lookAtServer(exec).catch(() => ({ threads: 0, rpcbind: false, nfs: false, mountd: false }))))
        return false;
      for (const file of [layout.mountdLog, layout.rpcbindLog]) {
        await boundLog(file).catch((error) => log.warn({ file, error: describeError(error) }, 'log not bounded'));
      }
      return true;
    },
    list: async () => {
      await requireServer();
      return ownExports(await entries());
    },
    outline: async () => {
      await requireServer();
      return ownExports(await entries()).map(({ id, path }) => ({ id, path }));
    },
    add: (wanted) => change(() => serve(wanted)),
    update: (wanted) => change(() => serve(wanted)),
    remove: (id) => change(() => withdraw(id)),
    clients: async () => {
      await requireServer();
      return visitors.clients();
    },
    operations: async (client) => {
      await requireServer();
      const { v3, v4 } = await visitors.requests(client);
      // It does not say which failed: all of one that has reached no volume since the last change.
      return { v3, v4, v4Failed: reachedBy(await readCaches(), client).length > 0 ? 0 : v4 };
    },
    stop: () =>
      inTurn(async () => {
        const others = await anothers();
        const kept = new Set(others.map(({ id }) => id));
        for (const { id } of ownExports(await entries())) if (!kept.has(id)) await withdraw(id);
        if (others.length > 0) return;
        await removeFile(EXPORTS_FILE);
        await visitors.close();
        await endServer(context);
      }),
  };
}
