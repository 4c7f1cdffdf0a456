import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import type { OperationId } from '../../../core/ids.ts';
import { listBulkItems } from '../../../db/bulk.ts';
import { findOperation, listClaims, listEvents, listOperations, type OperationRecord } from '../../../db/journal.ts';
import { OperationDetail, OperationInfo, OperationPage, OperationQuery } from '../../schema/operation.ts';
import type { Api, ApiPorts } from '../api.ts';
import { operationDetail, operationInfo } from '../operation-views.ts';
import { cutPage, readCursor } from '../paging.ts';
import { CHANGING, STARTING, together } from '../problems.ts';

const IdParam = z.object({ operationId: z.string() });

/** Where an operation stands in the list. */
const Place = z.tuple([z.int(), z.string()]);

/** Durable jobs: what runs, what ended how, what needs a person. */
export function operationRoutes(app: Api, ports: ApiPorts): void {
  const { db, engine } = ports;

  async function require(id: string): Promise<OperationRecord> {
    const operation = await findOperation(db, id.toLowerCase() as OperationId);
    if (!operation) throw new BakeryError('not-found', 'operation-unknown', 'there is no such operation');
    return operation;
  }
  const show = async (operation: OperationRecord) =>
    operationInfo(operation, await listEvents(db, operation.id), engine);

  app.get(
    '/operations',
    {
      config: { scope: 'viewer', problems: { 400: ['bad-cursor'] } },
      schema: {
        operationId: 'listOperations',
        tags: ['operations'],
        summary: 'List operations, newest first',
        querystring: OperationQuery,
        response: { 200: OperationPage },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const [createdAt, id] = readCursor(cursor, Place) ?? [];
      const before = createdAt === undefined || id === undefined ? undefined : { createdAt, id };
      const found = await listOperations(db, { filter, before, limit: limit + 1 });
      const { items, ...next } = cutPage(found, { limit, place: (operation) => [operation.createdAt, operation.id] });
      return { operations: await Promise.all(items.map(show)), ...next };
    },
  );

  app.get(
    '/operations/:operationId',
    {
      config: { scope: 'viewer', problems: { 404: ['operation-unknown'] } },
      schema: {
        operationId: 'getOperation',
        tags: ['operations'],
        summary: 'Get one operation with its history',
        params: IdParam,
        response: { 200: OperationDetail },
      },
    },
    async (request) => {
      const operation = await require(request.params.operationId);
      const [events, claims] = [await listEvents(db, operation.id), await listClaims(db, operation.id)];
      const items = await listBulkItems(db, operation.id);
      return operationDetail(operation, { events, claims, items }, engine);
    },
  );

  app.post(
    '/operations/:operationId/retry',
    {
      config: {
        scope: 'operator',
        problems: together(STARTING, CHANGING, {
          404: ['operation-unknown'],
          409: ['not-stuck'],
          500: ['operation-kind-unknown'],
        }),
      },
      schema: {
        operationId: 'retryOperation',
        tags: ['operations'],
        summary: 'Try a stuck operation again, from where it stands',
        description:
          'Answers at once; the work goes on. What could not be undone is undone, what has no way back goes on.',
        params: IdParam,
        response: { 202: OperationInfo },
      },
    },
    async (request, reply) => {
      const { id } = await require(request.params.operationId);
      request.operation = id;
      await engine.retry(id);
      return reply.code(202).send(await show(await require(id)));
    },
  );

  app.post(
    '/operations/:operationId/cancel',
    {
      config: {
        scope: 'operator',
        problems: together(CHANGING, { 404: ['operation-unknown'], 409: ['not-cancellable'] }),
      },
      schema: {
        operationId: 'cancelOperation',
        tags: ['operations'],
        summary: 'Cancel a running operation; what it did is undone',
        description:
          'Answers when the cancel is durable. An operation that has no way back (unbake, delete, …) cannot be cancelled.',
        params: IdParam,
        response: { 202: OperationInfo },
      },
    },
    async (request, reply) => {
      const { id } = await require(request.params.operationId);
      request.operation = id;
      if (!(await engine.cancel(id))) {
        throw new BakeryError(
          'conflict',
          'not-cancellable',
          'that operation has ended, is being undone, or has no way back',
        );
      }
      return reply.code(202).send(await show(await require(id)));
    },
  );
}
