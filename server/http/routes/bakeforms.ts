import { z } from 'zod';
import { requireBakeformName } from '../../../core/ids.ts';
import { listBakeforms, requireReadyBakeform } from '../../../db/bakeforms.ts';
import { planDelete, planUpload, type UploadAttachment } from '../../operations/bakeforms.ts';
import { BakeformInfo, BakeformMap } from '../../schema/bakeform.ts';
import { Problem } from '../../schema/problem.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { answerOnce, IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { whenFree } from '../patience.ts';
import { bakeformInfo } from '../views.ts';

const NameParam = z.object({ name: z.string().meta({ example: 'raspios' }) });

/** Listing and deleting bakeforms. */
export function bakeformRoutes(app: Api, ports: ApiPorts): void {
  app.get(
    '/bakeforms',
    {
      schema: {
        operationId: 'listBakeforms',
        tags: ['bakeforms'],
        summary: 'List the bakeforms',
        response: { 200: BakeformMap, default: Problem },
      },
    },
    async () => {
      const ready = (await listBakeforms(ports.db)).filter((bakeform) => bakeform.state === 'ready');
      return Object.fromEntries(ready.map((bakeform) => [bakeform.name, bakeformInfo(bakeform, ports)]));
    },
  );

  app.delete(
    '/bakeforms/:name',
    {
      schema: {
        operationId: 'deleteBakeform',
        tags: ['bakeforms'],
        summary: 'Delete a bakeform; Pis baked from it live on',
        params: NameParam,
        response: { 200: BakeformInfo, default: Problem },
      },
    },
    async (request) => {
      const name = requireBakeformName(request.params.name);
      const gone = bakeformInfo(await requireReadyBakeform(ports.db, name, 'not-found'), ports);
      const started = await whenFree(ports.clock, () =>
        ports.engine.start('delete-bakeform', (trx) => planDelete(trx, name), { by: requesterOf(request) }),
      );
      request.operation = started.id;
      await started.done;
      return gone;
    },
  );
}

/** Uploading a bakeform; the body is streamed and the answer sent when it is usable. */
export function uploadBakeformRoute(app: Api, ports: ApiPorts): void {
  app.post(
    '/bakeforms/:name',
    {
      bodyLimit: 2 ** 40,
      config: { rawBody: 'application/x-raw-disk-image' },
      schema: {
        operationId: 'uploadBakeform',
        tags: ['bakeforms'],
        summary: 'Make a bakeform from a raw disk image',
        description: 'Refused with 403 when the name is taken, while the body is still coming in.',
        headers: IdempotencyHeaders,
        params: NameParam,
        response: { 201: BakeformInfo, default: Problem },
      },
    },
    async (request, reply) => {
      const name = requireBakeformName(request.params.name);
      const length = Number(request.headers['content-length'] ?? Number.NaN);
      const attachment: UploadAttachment = {
        body: request.raw.iterator({ destroyOnReturn: false }),
        total: Number.isSafeInteger(length) ? length : undefined,
      };
      const started = await ports.engine.start('upload-bakeform', (trx) => planUpload(trx, name), {
        attachment,
        by: requesterOf(request),
        key: keyOf(request),
      });
      return answerOnce(ports.db, { request, reply, started }, async () => {
        await started.done;
        return { status: 201, body: bakeformInfo(await requireReadyBakeform(ports.db, name, 'not-found'), ports) };
      });
    },
  );
}
