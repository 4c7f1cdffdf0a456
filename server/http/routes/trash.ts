import { z } from 'zod';
import { requireDiskId } from '../../../core/ids.ts';
import { requireReadyDisk } from '../../../db/disks.ts';
import { listTrashPage, type TrashedDisk } from '../../../db/trash.ts';
import { planRestore } from '../../operations/trash.ts';
import { DiskInfo } from '../../schema/disk.ts';
import { PageQuery } from '../../schema/page.ts';
import { type TrashedDiskInfo, TrashList } from '../../schema/trash.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { answerOnce, IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { iso } from '../operation-views.ts';
import { cutPage, readCursor } from '../paging.ts';
import { CHANGING, ONCE, together, WAITING } from '../problems.ts';
import { diskInfo } from '../views.ts';

const DiskParam = z.object({ diskId: z.string() });

/** Where a disk stands in the list. */
const Place = z.tuple([z.int(), z.string()]);

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
      config: { scope: 'viewer', problems: { 400: ['bad-cursor'] } },
      schema: {
        operationId: 'listTrash',
        tags: ['trash'],
        summary: 'List destroyed disks that can be restored, oldest first',
        querystring: PageQuery,
        response: { 200: TrashList },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const [discardedAt, id] = readCursor(cursor, Place) ?? [];
      const after = discardedAt === undefined || id === undefined ? undefined : { discardedAt, id };
      const found = await listTrashPage(db, { after, limit: limit + 1 });
      const { items, ...next } = cutPage(found, { limit, place: (disk) => [disk.discardedAt, disk.id] });
      return { disks: items.map((disk) => trashedInfo(disk, ports.trashKeepMs)), ...next };
    },
  );

  app.post(
    '/trash/:diskId/restore',
    {
      config: {
        scope: 'operator',
        problems: together(WAITING, CHANGING, ONCE, {
          400: ['bad-disk-id'],
          404: ['not-in-trash', 'pi-unknown'],
          409: ['restore-without-pi', 'pi-in-use', 'exports-exhausted'],
        }),
      },
      schema: {
        operationId: 'restoreDisk',
        tags: ['trash'],
        summary: 'Take a destroyed disk out of the trash',
        description:
          'A data disk comes back attached to nothing. A root comes back under its Pi, which must be in the fridge and is baked then.',
        headers: IdempotencyHeaders,
        params: DiskParam,
        response: { 201: DiskInfo },
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
      config: {
        scope: 'operator',
        problems: together(WAITING, CHANGING, { 400: ['bad-disk-id'], 404: ['not-in-trash'] }),
      },
      schema: {
        operationId: 'purgeDisk',
        tags: ['trash'],
        summary: 'Delete a disk from the trash for good',
        params: DiskParam,
        response: { 200: z.object({}) },
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
