import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import { type DiskId, requireDiskId } from '../../../core/ids.ts';
import { findDisk } from '../../../db/disks.ts';
import { findOperation } from '../../../db/journal.ts';
import { listSnapshotsOf, requireReadySnapshot } from '../../../db/snapshots.ts';
import { isTrashed } from '../../../db/trash.ts';
import { planRevert } from '../../operations/replace-disk.ts';
import { planDeleteSnapshot, planSnapshot } from '../../operations/snapshots.ts';
import { CreateSnapshot, RestoreSnapshot, SnapshotInfo, SnapshotPage } from '../../schema/disk.ts';
import { OperationInfo } from '../../schema/operation.ts';
import { PageQuery } from '../../schema/page.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { answerOnce, IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { admittedOperation } from '../operation-views.ts';
import { cutPage, readCursor } from '../paging.ts';
import { CHANGING, ONCE, STARTING, together, WAITING } from '../problems.ts';
import { snapshotInfo } from '../views.ts';
import { DiskParam } from './disks.ts';

const SnapshotParam = z.object({
  snapshotId: z.string().meta({ example: '5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a' }),
});

const Taken = z.object({ snapshot: z.string() });

/** Where a snapshot stands in the list. */
const Place = z.tuple([z.int(), z.string()]);

/** Disks as they were. */
export function snapshotRoutes(app: Api, ports: ApiPorts): void {
  const { db, engine } = ports;

  /** A disk in the trash still has its snapshots. */
  async function requireDisk(text: string): Promise<DiskId> {
    const id = requireDiskId(text);
    if ((await findDisk(db, id))?.state === 'ready' || (await isTrashed(db, id))) return id;
    throw new BakeryError('not-found', 'disk-unknown', `there is no disk ${id}`);
  }

  app.get(
    '/disks/:diskId/snapshots',
    {
      config: { scope: 'viewer', problems: { 400: ['bad-disk-id', 'bad-cursor'], 404: ['disk-unknown'] } },
      schema: {
        operationId: 'listSnapshots',
        tags: ['disks'],
        summary: 'List the snapshots of a disk, oldest first; also of one in the trash',
        params: DiskParam,
        querystring: PageQuery,
        response: { 200: SnapshotPage },
      },
    },
    async (request) => {
      const disk = await requireDisk(request.params.diskId);
      const { limit, cursor } = request.query;
      const [createdAt, id] = readCursor(cursor, Place) ?? [];
      const after = createdAt === undefined || id === undefined ? undefined : { createdAt, id };
      const found = await listSnapshotsOf(db, disk, { after, limit: limit + 1 });
      const { items, ...next } = cutPage(found, { limit, place: (snapshot) => [snapshot.createdAt, snapshot.id] });
      return { snapshots: items.map(snapshotInfo), ...next };
    },
  );

  app.post(
    '/disks/:diskId/snapshots',
    {
      config: {
        scope: 'operator',
        needsVolumes: true,
        problems: together(WAITING, CHANGING, ONCE, {
          400: ['bad-disk-id'],
          403: ['disk-is-root'],
          404: ['disk-unknown'],
          409: ['snapshot-needs-reflink'],
          504: ['snapshot-too-slow'],
        }),
      },
      schema: {
        operationId: 'createSnapshot',
        tags: ['disks'],
        summary: 'Keep a disk as it is at this moment',
        description:
          'The disk may be attached and written on: it is held still for a moment. What its Pi has not sent to the server yet ' +
          'is not in it; `sync` there first. It takes room only for what changes after it.',
        headers: IdempotencyHeaders,
        params: DiskParam,
        body: CreateSnapshot.nullish(),
        response: { 201: SnapshotInfo },
      },
    },
    async (request, reply) => {
      const disk = requireDiskId(request.params.diskId);
      const name = request.body?.name;
      const started = await engine.start('snapshot', (trx) => planSnapshot(trx, { disk, name }), {
        by: requesterOf(request),
        key: keyOf(request),
      });
      return answerOnce(db, { request, reply, started }, async () => {
        await started.done;
        const { snapshot } = Taken.parse((await findOperation(db, started.id))?.params);
        return { status: 201, body: snapshotInfo(await requireReadySnapshot(db, snapshot)) };
      });
    },
  );

  app.get(
    '/snapshots/:snapshotId',
    {
      config: { scope: 'viewer', problems: { 404: ['snapshot-unknown'] } },
      schema: {
        operationId: 'getSnapshot',
        tags: ['disks'],
        summary: 'Get one snapshot',
        params: SnapshotParam,
        response: { 200: SnapshotInfo },
      },
    },
    async (request) => snapshotInfo(await requireReadySnapshot(db, request.params.snapshotId.toLowerCase())),
  );

  app.delete(
    '/snapshots/:snapshotId',
    {
      config: { scope: 'operator', problems: together(WAITING, CHANGING, { 404: ['snapshot-unknown'] }) },
      schema: {
        operationId: 'deleteSnapshot',
        tags: ['disks'],
        summary: 'Delete a snapshot; disks that were made from it live on',
        params: SnapshotParam,
        response: { 200: z.object({}) },
      },
    },
    async (request) => {
      const id = request.params.snapshotId.toLowerCase();
      const started = await engine.start('delete-snapshot', (trx) => planDeleteSnapshot(trx, id), {
        by: requesterOf(request),
      });
      request.operation = started.id;
      await started.done;
      return {};
    },
  );

  app.post(
    '/disks/:diskId/restore',
    {
      config: {
        scope: 'operator',
        problems: together(STARTING, CHANGING, {
          400: ['bad-disk-id'],
          403: ['disk-is-root'],
          404: ['disk-unknown', 'snapshot-unknown'],
          409: ['disk-attached'],
        }),
      },
      schema: {
        operationId: 'restoreSnapshot',
        tags: ['disks'],
        summary: 'Put a disk back to what it was in one of its snapshots',
        description:
          'The disk must be attached to no Pi. What it is now is gone then: take a snapshot first to keep it. Its id and its size ' +
          'stay, its snapshots too. Answers at once; the work goes on.',
        params: DiskParam,
        body: RestoreSnapshot,
        response: { 202: OperationInfo },
      },
    },
    async (request, reply) => {
      const disk = requireDiskId(request.params.diskId);
      const snapshot = request.body.snapshot.toLowerCase();
      const started = await engine.start('revert-disk', (trx) => planRevert(trx, { disk, snapshot }), {
        by: requesterOf(request),
      });
      return reply.code(202).send(await admittedOperation(ports, request, started));
    },
  );
}
