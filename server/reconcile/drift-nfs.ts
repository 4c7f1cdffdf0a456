import type { Clock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import { listDisks } from '../../db/disks.ts';
import { addFeedEvent } from '../../db/events.ts';
import type { Db } from '../../db/open.ts';
import type { NfsBackend } from '../../exports/nfs/backend.ts';
import type { ExportDrift } from '../../exports/nfs/converge.ts';
import type { DriftingExportKeeper } from '../operations/exports.ts';

/** Starts the NFS server again when it, or a part of it, is gone. */
export async function repairNfs(ports: {
  db: Db;
  backend: Pick<NfsBackend, 'name' | 'alive'>;
  exports: Pick<DriftingExportKeeper, 'start'>;
  clock: Clock;
  log: Log;
}): Promise<void> {
  const { db, backend, exports, clock, log } = ports;
  if (await backend.alive()) return;
  log.warn({}, 'the NFS server is gone; starting it again');
  if (!(await exports.start())) return;
  await addFeedEvent(db, { type: 'nfs.restarted', data: { backend: backend.name } }, clock.now());
}

/** Tells that somebody else had changed what is served, which it is no more. */
export async function tellExportDrift(ports: { db: Db; clock: Clock; log: Log }, drift: ExportDrift): Promise<void> {
  const { db, clock, log } = ports;
  log.warn({ ...drift }, 'repaired exports that somebody had changed');
  const concerned = new Set([...drift.missing, ...drift.changed]);
  const disks = (await listDisks(db)).filter(({ exportId }) => concerned.has(exportId)).map(({ id }) => id);
  await addFeedEvent(db, { type: 'export.repaired', data: { ...drift, disks } }, clock.now());
}
