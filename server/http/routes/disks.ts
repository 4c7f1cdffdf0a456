import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import { parseDiskId, requireDiskId } from '../../../core/ids.ts';
import { findDisk, listDisks, nameDisk, requireReadyDisk } from '../../../db/disks.ts';
import { findOperation } from '../../../db/journal.ts';
import { planCreateDisk } from '../../operations/disks.ts';
import { planGrow } from '../../operations/replace-disk.ts';
import { CreateDisk, DiskDetail, DiskInfo, DiskMap, GrowDisk, PatchDisk } from '../../schema/disk.ts';
import { OperationInfo } from '../../schema/operation.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { answerOnce, IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { admittedOperation } from '../operation-views.ts';
import { inTime, whenFree } from '../patience.ts';
import { CHANGING, ONCE, STARTING, together, WAITING } from '../problems.ts';
import { diskDetail, diskInfo } from '../views.ts';

/** The disk in a path. */
export const DiskParam = z.object({ diskId: z.string() });

/** Disks of their own, attached or not. */
export function diskRoutes(app: Api, ports: ApiPorts): void {
  const { db, engine, clock, growsMounted } = ports;

  app.get(
    '/disks',
    {
      config: { scope: 'viewer' },
      schema: {
        operationId: 'listDisks',
        tags: ['disks'],
        summary: 'List all disks, roots included',
        response: { 200: DiskMap },
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
      config: {
        scope: 'cpi',
        needsVolumes: true,
        problems: together(WAITING, CHANGING, ONCE, {
          400: ['source-unknown', 'disk-not-larger'],
          403: ['disk-is-root'],
          409: ['exports-exhausted', 'disk-name-taken', 'snapshot-needs-reflink', 'disk-image-missing'],
          504: ['snapshot-too-slow'],
        }),
      },
      schema: {
        operationId: 'createDisk',
        tags: ['disks'],
        summary: 'Create a disk, empty or with the bytes of another',
        description:
          'With `fileSystem` it comes with one in its `disk.img`, or does not come at all. Made from a disk it has what that had at this moment, from a snapshot what was kept; larger with a larger size. They share ' +
          'their blocks until one of them changes.',
        headers: IdempotencyHeaders,
        body: CreateDisk,
        response: { 201: DiskInfo },
      },
    },
    async (request, reply) => {
      const { size, name, from, fileSystem } = request.body;
      const wish = { sizeMiB: size, name, from: from?.toLowerCase(), fileSystem };
      const started = await engine.start('create-disk', (trx) => planCreateDisk(trx, wish), {
        by: requesterOf(request),
        key: keyOf(request),
      });
      return answerOnce(db, { request, reply, started }, async () => {
        await inTime(clock, started.done).catch(async (error) => {
          // Who asks with a key asks again for the same disk; anybody else would never hear of it.
          if (error instanceof BakeryError && error.code === 'still-running' && !keyOf(request))
            await engine.cancel(started.id);
          throw error;
        });
        const id = (await findOperation(db, started.id))?.disk;
        if (!id) throw new Error('a disk was admitted without an id');
        return { status: 201, body: diskInfo(await requireReadyDisk(db, id), ports) };
      });
    },
  );

  app.get(
    '/disks/:diskId',
    {
      config: { scope: 'viewer', problems: { 400: ['bad-disk-id'], 404: ['disk-unknown'] } },
      schema: {
        operationId: 'getDisk',
        tags: ['disks'],
        summary: 'Get one disk',
        params: DiskParam,
        response: { 200: DiskDetail },
      },
    },
    async (request) => diskDetail(db, await requireReadyDisk(db, requireDiskId(request.params.diskId)), ports),
  );

  app.patch(
    '/disks/:diskId',
    {
      config: {
        scope: 'operator',
        problems: together(CHANGING, { 400: ['bad-disk-id'], 404: ['disk-unknown'], 409: ['disk-name-taken'] }),
      },
      schema: {
        operationId: 'patchDisk',
        tags: ['disks'],
        summary: 'Give a disk a name, or none',
        params: DiskParam,
        body: PatchDisk,
        response: { 200: DiskDetail },
      },
    },
    async (request) => {
      const id = requireDiskId(request.params.diskId);
      const { name } = request.body;
      const disk = await db.transaction().execute(async (trx) => {
        await requireReadyDisk(trx, id);
        if (name !== undefined) await nameDisk(trx, id, name);
        return requireReadyDisk(trx, id);
      });
      return diskDetail(db, disk, ports);
    },
  );

  app.post(
    '/disks/:diskId/grow',
    {
      config: {
        scope: 'operator',
        problems: together(STARTING, CHANGING, {
          400: ['bad-disk-id', 'disk-not-larger'],
          403: ['disk-is-root'],
          404: ['disk-unknown'],
          409: ['disk-attached'],
        }),
      },
      schema: {
        operationId: 'growDisk',
        tags: ['disks'],
        summary: 'Make a disk and its disk.img larger',
        description:
          'One that is attached grows while its Pi uses it, where the server may do that (CAP_SYS_RESOURCE). Elsewhere detach it first, or allow ' +
          'with `mayInterrupt` that its Pi is interrupted. A Pi that has it has to be told then: `losetup -c` and, for a file ' +
          'system in disk.img, `resize2fs`. Answers at once; the work goes on. When it fails, the disk is as it was.',
        params: DiskParam,
        body: GrowDisk,
        response: { 202: OperationInfo },
      },
    },
    async (request, reply) => {
      const disk = requireDiskId(request.params.diskId);
      const { sizeMiB, mayInterrupt = false } = request.body;
      const wish = { disk, sizeMiB, mayInterrupt, growsMounted };
      const started = await engine.start('grow-disk', (trx) => planGrow(trx, wish), {
        by: requesterOf(request),
      });
      return reply.code(202).send(await admittedOperation(ports, request, started));
    },
  );

  app.delete(
    '/disks/:diskId',
    {
      config: {
        scope: 'cpi',
        problems: together(WAITING, CHANGING, { 403: ['disk-is-root'], 409: ['disk-attached'] }),
      },
      schema: {
        operationId: 'deleteDisk',
        tags: ['disks'],
        summary: 'Destroy a disk that is attached to no Pi',
        description:
          'Fine for a disk that does not exist. It goes to the trash with its snapshots, and they end with it there.',
        params: DiskParam,
        response: { 200: z.object({}) },
      },
    },
    async (request) => {
      const id = parseDiskId(request.params.diskId);
      await whenFree(clock, request.raw.socket, async () => {
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
