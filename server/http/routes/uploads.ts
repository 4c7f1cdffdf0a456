import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import { mintUploadId, requireUploadId, type UploadId } from '../../../core/ids.ts';
import {
  addUpload,
  listUploads,
  removeUpload,
  requireUpload,
  touchUpload,
  UPLOAD_KEPT_MS,
  type Upload,
} from '../../../db/uploads.ts';
import { PageQuery } from '../../schema/page.ts';
import { CreateUploadHeaders, PieceHeaders, UploadInfo, UploadList } from '../../schema/upload.ts';
import type { Api, ApiPorts } from '../api.ts';
import { type BodyLimits, uploadOf, uploadTooLarge } from '../bodies.ts';
import { iso } from '../operation-views.ts';
import { cutPage, readCursor } from '../paging.ts';
import { CHANGING, together } from '../problems.ts';

/** The only version there is (tus.io, "tus resumable upload protocol 1.0.x"). */
const TUS = '1.0.0';
/** Each may take a place on the pool for a day. */
const MOST_UPLOADS = 100;

const IdParam = z.object({ uploadId: z.string().meta({ example: '5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a' }) });
/** Where an upload stands in the list. */
const Place = z.tuple([z.int(), z.string()]);

const info = ({ id, bytes, idleMs, createdAt }: Upload, offset: number): UploadInfo => ({
  id,
  bytes,
  offset,
  createdAt: iso(createdAt),
  secondsLeft: Math.max(0, Math.round((UPLOAD_KEPT_MS - idleMs) / 1_000)),
});

/** Whoever names a version means that protocol, and no other one of it. @throws BakeryError `tus-version` (precondition). */
function speakTus(version: string | undefined, reply: FastifyReply): void {
  reply.header('tus-resumable', TUS).header('cache-control', 'no-store');
  if (version === undefined || version === TUS) return;
  reply.header('tus-version', TUS);
  throw new BakeryError('precondition', 'tus-version', `of tus this server speaks ${TUS}`);
}

/** Deletes an upload, with what has come of it. */
export async function endUpload({ db, uploads }: Pick<ApiPorts, 'db' | 'uploads'>, id: UploadId): Promise<void> {
  await uploads.remove(id, () => removeUpload(db, id));
}

/** Uploads that come in pieces and go on after a break: the core of tus 1.0, its creation and its termination. */
export function uploadRoutes(app: Api, ports: ApiPorts, limits: BodyLimits): void {
  const { db, uploads, clock } = ports;

  app.post(
    '/uploads',
    {
      config: {
        scope: 'cpi',
        needsVolumes: true,
        problems: together(CHANGING, { 409: ['uploads-too-many'], 412: ['tus-version'], 413: ['upload-too-large'] }),
      },
      schema: {
        operationId: 'createUpload',
        tags: ['bakeforms'],
        summary: 'Begin an upload that may come in pieces',
        description:
          'Send its pieces to the address in `Location`. Any client of tus 1.0 can do that, and goes on where it was after a break.',
        headers: CreateUploadHeaders,
        response: { 201: UploadInfo },
      },
    },
    async (request, reply) => {
      speakTus(request.headers['tus-resumable'], reply);
      const bytes = Number(request.headers['upload-length']);
      if (bytes > limits.uploadBytes) throw uploadTooLarge(limits);
      const upload = { id: mintUploadId(), bytes, createdAt: clock.now() };
      await db.transaction().execute((trx) => addUpload(trx, upload, MOST_UPLOADS));
      reply.code(201).header('location', `${request.url.split('?')[0]}/${upload.id}`);
      return info({ ...upload, idleMs: 0 }, 0);
    },
  );

  app.get(
    '/uploads',
    {
      config: { scope: 'viewer', problems: { 400: ['bad-cursor'] } },
      schema: {
        operationId: 'listUploads',
        tags: ['bakeforms'],
        summary: 'List the uploads that came in pieces and are no bakeform yet, oldest first',
        querystring: PageQuery,
        response: { 200: UploadList },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const [createdAt = -1, id = ''] = readCursor(cursor, Place) ?? [];
      const behind = (await listUploads(db)).filter(
        (one) => one.createdAt > createdAt || (one.createdAt === createdAt && one.id > id),
      );
      const found = behind.slice(0, limit + 1);
      const { items, ...next } = cutPage(found, { limit, place: (one) => [one.createdAt, one.id] });
      return { uploads: await Promise.all(items.map(async (one) => info(one, await uploads.offset(one.id)))), ...next };
    },
  );

  app.get(
    '/uploads/:uploadId',
    {
      config: { scope: 'viewer', problems: { 400: ['bad-upload-id'], 404: ['upload-unknown'] } },
      schema: {
        operationId: 'getUpload',
        tags: ['bakeforms'],
        summary: 'Tell how much of an upload is there',
        description: 'Also by HEAD, and in the headers `Upload-Offset` and `Upload-Length`.',
        params: IdParam,
        response: { 200: UploadInfo },
      },
    },
    async (request, reply) => {
      speakTus(undefined, reply);
      const upload = await requireUpload(db, requireUploadId(request.params.uploadId));
      const offset = await uploads.offset(upload.id);
      reply.header('upload-offset', offset).header('upload-length', upload.bytes);
      return info(upload, offset);
    },
  );

  app.delete(
    '/uploads/:uploadId',
    {
      config: {
        scope: 'cpi',
        problems: together(CHANGING, { 400: ['bad-upload-id'], 404: ['upload-unknown'] }),
      },
      schema: {
        operationId: 'deleteUpload',
        tags: ['bakeforms'],
        summary: 'Delete an upload that is no bakeform yet',
        params: IdParam,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      speakTus(undefined, reply);
      const { id } = await requireUpload(db, requireUploadId(request.params.uploadId));
      await endUpload(ports, id);
      return reply.code(204).send(undefined);
    },
  );
}

/** Sending a piece; it is streamed. */
export function sendPieceRoute(app: Api, ports: ApiPorts, limits: BodyLimits): void {
  const { db, uploads } = ports;
  app.patch(
    '/uploads/:uploadId',
    {
      config: {
        rawBody: 'application/offset+octet-stream',
        scope: 'cpi',
        problems: together(CHANGING, {
          400: ['bad-upload-id', 'upload-cut-off'],
          404: ['upload-unknown'],
          408: ['upload-stalled'],
          409: ['upload-offset'],
          412: ['tus-version'],
          413: ['upload-too-long', 'upload-too-large'],
          507: ['pool-full'],
        }),
      },
      schema: {
        operationId: 'sendPiece',
        tags: ['bakeforms'],
        summary: 'Send a piece of an upload',
        description:
          'It is put behind what is there, which must be as much as `Upload-Offset` says. What came before a break stays: ask how much that is, and go on from there. The answer has the new `Upload-Offset`.',
        headers: PieceHeaders,
        params: IdParam,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      speakTus(request.headers['tus-resumable'], reply);
      const { id, bytes } = await requireUpload(db, requireUploadId(request.params.uploadId));
      const offset = Number(request.headers['upload-offset']);
      try {
        const body = uploadOf(request, limits);
        const there = await uploads.append({ id, bytes, offset, body, ensureKnown: () => requireUpload(db, id) });
        reply.header('upload-offset', there);
      } finally {
        await touchUpload(db, id);
      }
      return reply.code(204).send(undefined);
    },
  );
}
