import { z } from 'zod';
import { parseDiskId, requireDiskId } from '../../../core/ids.ts';
import { findDisk, listDisks, requireReadyDisk } from '../../../db/disks.ts';
import { findOperation } from '../../../db/journal.ts';
import { planCreateDisk } from '../../operations/disks.ts';
import { CreateDisk, DiskInfo, DiskMap } from '../../schema/disk.ts';
import { Problem } from '../../schema/problem.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { answerOnce, IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { whenFree } from '../patience.ts';
import { diskInfo } from '../views.ts';

const DiskParam = z.object({ diskId: z.string() });

/** Disks of their own, attached or not. */
export function diskRoutes(app: Api, ports: ApiPorts): void {
  const { db, engine, clock } = ports;

  app.get(
    '/disks',
    {
      schema: {
        operationId: 'listDisks',
        tags: ['disks'],
        summary: 'List all disks, roots included',
        response: { 200: DiskMap, default: Problem },
      },
    },
    async () => {
      const ready = (await listDisks(db)).filter((disk) => disk.state === 'ready');
      return { disks: Object.fromEntries(ready.map((disk) => [disk.id, diskInfo(disk, ports)])) };
    },
  );

  app.post(
    '/disks',
    {
      schema: {
        operationId: 'createDisk',
        tags: ['disks'],
        summary: 'Create a disk',
        headers: IdempotencyHeaders,
        body: CreateDisk,
        response: { 201: DiskInfo, default: Problem },
      },
    },
    async (request, reply) => {
      const started = await engine.start('create-disk', (trx) => planCreateDisk(trx, request.body.size), {
        by: requesterOf(request),
        key: keyOf(request),
      });
      return answerOnce(db, { request, reply, started }, async () => {
        await started.done;
        const id = (await findOperation(db, started.id))?.disk;
        if (!id) throw new Error('a disk was admitted without an id');
        return { status: 201, body: diskInfo(await requireReadyDisk(db, id), ports) };
      });
    },
  );

  app.get(
    '/disks/:diskId',
    {
      schema: {
        operationId: 'getDisk',
        tags: ['disks'],
        summary: 'Get one disk',
        params: DiskParam,
        response: { 200: DiskInfo, default: Problem },
      },
    },
    async (request) => diskInfo(await requireReadyDisk(db, requireDiskId(request.params.diskId)), ports),
  );

  app.delete(
    '/disks/:diskId',
    {
      schema: {
        operationId: 'deleteDisk',
        tags: ['disks'],
        summary: 'Destroy a disk that is attached to no Pi',
        description: 'Fine for a disk that does not exist.',
        params: DiskParam,
        response: { 200: z.object({}), default: Problem },
      },
    },
    async (request) => {
      const id = parseDiskId(request.params.diskId);
      await whenFree(clock, async () => {
        const disk = id && (await findDisk(db, id));
        if (!disk) return;
        const started = await engine.start('delete-disk', { disk: disk.id }, { by: requesterOf(request) });
        request.operation = started.id;
        await started.done;
      });
      return {};
    },
  );
}
