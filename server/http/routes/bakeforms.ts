import { z } from 'zod';
import { requireBakeformName, requireUploadId } from '../../../core/ids.ts';
import { findBakeform, listBakeforms, requireBakeform, requireReadyBakeform } from '../../../db/bakeforms.ts';
import { planDelete, planUpload, type UploadAttachment } from '../../operations/bakeforms.ts';
import { BakeformDetail, BakeformInfo, BakeformMap, UploadQuery } from '../../schema/bakeform.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { type BodyLimits, uploadOf } from '../bodies.ts';
import { answerOnce, IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { whenFree } from '../patience.ts';
import { CHANGING, ONCE, together, WAITING } from '../problems.ts';
import { bakeformDetail, bakeformInfo } from '../views.ts';
import { endUpload } from './uploads.ts';

const NameParam = z.object({ name: z.string().meta({ example: 'raspios' }) });

/** Listing and deleting bakeforms. */
export function bakeformRoutes(app: Api, ports: ApiPorts): void {
  app.get(
    '/bakeforms',
    {
      config: { scope: 'viewer' },
      schema: {
        operationId: 'listBakeforms',
        tags: ['bakeforms'],
        summary: 'List the bakeforms',
        response: { 200: BakeformMap },
      },
    },
    async () => {
      const ready = (await listBakeforms(ports.db)).filter((bakeform) => bakeform.state === 'ready');
      return Object.fromEntries(ready.map((bakeform) => [bakeform.name, bakeformInfo(bakeform, ports)]));
    },
  );

  app.get(
    '/bakeforms/:name',
    {
      config: { scope: 'viewer', problems: { 400: ['bad-bakeform-name'], 404: ['bakeform-unknown'] } },
      schema: {
        operationId: 'getBakeform',
        tags: ['bakeforms'],
        summary: 'Get one bakeform, with what was found in it',
        params: NameParam,
        response: { 200: BakeformDetail },
      },
    },
    async (request) => {
      const name = requireBakeformName(request.params.name);
      return bakeformDetail(ports.db, await requireReadyBakeform(ports.db, name, 'not-found'), ports);
    },
  );

  app.delete(
    '/bakeforms/:name',
    {
      config: {
        scope: 'cpi',
        problems: together(WAITING, CHANGING, { 400: ['bad-bakeform-name'], 404: ['bakeform-unknown'] }),
      },
      schema: {
        operationId: 'deleteBakeform',
        tags: ['bakeforms'],
        summary: 'Delete a bakeform; Pis baked from it live on',
        params: NameParam,
        response: { 200: BakeformInfo },
      },
    },
    async (request) => {
      const name = requireBakeformName(request.params.name);
      const there = await requireBakeform(ports.db, name);
      await whenFree(ports.clock, request.raw.socket, async () => {
        // One whose upload was cut goes by itself while this waits for it.
        if (!(await findBakeform(ports.db, name))) return;
        const started = await ports.engine.start('delete-bakeform', (trx) => planDelete(trx, name), {
          by: requesterOf(request),
        });
        request.operation = started.id;
        await started.done;
      });
      return bakeformInfo(there, ports);
    },
  );
}

/** Uploading a bakeform; the body is streamed and the answer sent when it is usable. */
export function uploadBakeformRoute(app: Api, ports: ApiPorts, limits: BodyLimits): void {
  app.post(
    '/bakeforms/:name',
    {
      config: {
        rawBody: 'application/x-raw-disk-image',
        scope: 'cpi',
        needsVolumes: true,
        problems: together(WAITING, CHANGING, ONCE, {
          400: [
            'bad-bakeform-name',
            'bad-upload-id',
            'upload-cut-off',
            'sha-differs',
            'image-empty',
            'image-packed',
            'image-unpack-failed',
            'image-too-large',
            'archive-unknown',
            'archive-unfit',
            'image-not-an-image',
            'image-partitions',
            'image-truncated',
            'image-root-not-ext4',
            'image-boot-unreadable',
            'filesystem-broken',
            'filesystem-unmountable',
          ],
          403: ['bakeform-exists'],
          404: ['upload-unknown'],
          408: ['upload-stalled'],
          409: ['upload-incomplete'],
          413: ['upload-too-large'],
        }),
      },
      schema: {
        operationId: 'uploadBakeform',
        tags: ['bakeforms'],
        summary: 'Make a bakeform from a disk image',
        description:
          'A raw image, a root in a tar, or a BOSH stemcell, plain or packed with xz, gzip or zstd, or an image in a zip: its bytes tell. Refused with 403 when the name is taken, while the body is still coming in.',
        headers: IdempotencyHeaders,
        params: NameParam,
        querystring: UploadQuery,
        response: { 201: BakeformInfo },
      },
    },
    async (request, reply) => {
      const name = requireBakeformName(request.params.name);
      const length = Number(request.headers['content-length'] ?? Number.NaN);
      const attachment: UploadAttachment = {
        body: uploadOf(request, limits),
        total: Number.isSafeInteger(length) ? length : undefined,
      };
      const wish = {
        sha256: request.query.sha256?.toLowerCase(),
        prepare: request.query.prepare,
        upload: request.query.upload === undefined ? undefined : requireUploadId(request.query.upload),
      };
      const { upload } = wish;
      const started = await whenFree(ports.clock, request.raw.socket, () =>
        ports.engine.start('upload-bakeform', (trx) => planUpload(trx, name, wish), {
          attachment,
          by: requesterOf(request),
          key: keyOf(request),
        }),
      );
      return answerOnce(ports.db, { request, reply, started }, async () => {
        await started.done;
        // Its blocks are the bakeform's now. Where this is not reached, it goes when it has lain idle for long enough.
        if (upload !== undefined) await endUpload(ports, upload);
        return { status: 201, body: bakeformInfo(await requireReadyBakeform(ports.db, name, 'not-found'), ports) };
      });
    },
  );
}
