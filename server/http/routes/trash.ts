import { z } from 'zod';
import { requireDiskId } from '../../../core/ids.ts';
import { requireReadyDisk } from '../../../db/disks.ts';
import { listTrash, type TrashedDisk } from '../../../db/trash.ts';
import { planRestore } from '../../operations/trash.ts';
import { DiskInfo } from '../../schema/disk.ts';
import { Problem } from '../../schema/problem.ts';
import { type TrashedDiskInfo, TrashList } from '../../schema/trash.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { answerOnce, IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { iso } from '../operation-views.ts';
import { diskInfo } from '../views.ts';

const DiskParam = z.object({ diskId: z.string() });

function trashedInfo(disk: TrashedDisk, keepMs: number): TrashedDiskInfo {
  return {
    id: disk.id,
    role: disk.role,
    size: disk.sizeMiB,
    ...(disk.pi ? { pi: disk.pi } : {}),
    ...(disk.bakeform ? { bakeform: disk.bakeform } : {}),
    discardedAt: iso(disk.discardedAt),
    keptForSeconds: Math.round(disk.keptMs / 1000),
    secondsLeft: Math.max(0, Math.round((keepMs - disk.keptMs) / 1000)),
  };
}

/** Destroyed disks, while they can still be restored. */
export function trashRoutes(app: Api, ports: ApiPorts): void {
  const { db, engine } = ports;

  app.get(
    '/trash',
    {
      schema: {
        operationId: 'listTrash',
        tags: ['trash'],
        summary: 'List destroyed disks that can be restored, oldest first',
        response: { 200: TrashList, default: Problem },
      },
    },
    async () => ({ disks: (await listTrash(db)).map((disk) => trashedInfo(disk, ports.trashKeepMs)) }),
  );

  app.post(
    '/trash/:diskId/restore',
    {
      schema: {
        operationId: 'restoreDisk',
        tags: ['trash'],
        summary: 'Take a destroyed disk out of the trash',
        description:
          'A data disk comes back attached to nothing. A root comes back under its Pi, which must be in the fridge and is baked then.',
        headers: IdempotencyHeaders,
        params: DiskParam,
        response: { 201: DiskInfo, default: Problem },
      },
    },
    async (request, reply) => {
      const id = requireDiskId(request.params.diskId);
      const started = await engine.start('restore', (trx) => planRestore(trx, id), {
        by: requesterOf(request),
        key: keyOf(request),
      });
      return answerOnce(db, { request, reply, started }, async () => {
        await started.done;
        return { status: 201, body: diskInfo(await requireReadyDisk(db, id), ports) };
      });
    },
  );

  app.delete(
    '/trash/:diskId',
    {
      schema: {
        operationId: 'purgeDisk',
        tags: ['trash'],
        summary: 'Delete a disk from the trash for good',
        params: DiskParam,
        response: { 200: z.object({}), default: Problem },
      },
    },
    async (request) => {
      const id = requireDiskId(request.params.diskId);
      const started = await engine.start('purge', { disk: id }, { by: requesterOf(request) });
      request.operation = started.id;
      await started.done;
      return {};
    },
  );
}
