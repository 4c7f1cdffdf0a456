import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import type { OperationId } from '../../../core/ids.ts';
import { findOperation, listClaims, listEvents, listOperations, type OperationRecord } from '../../../db/journal.ts';
import { OperationDetail, OperationInfo, OperationPage, OperationQuery } from '../../schema/operation.ts';
import { Problem } from '../../schema/problem.ts';
import type { Api, ApiPorts } from '../api.ts';
import { operationDetail, operationInfo } from '../operation-views.ts';

const IdParam = z.object({ operationId: z.string() });

/** A page begins after an operation; its place in the order is the cursor. */
function readCursor(text: string | undefined): { createdAt: number; id: string } | undefined {
  if (text === undefined) return undefined;
  const [, createdAt, id] = /^(\d{1,15})_([0-9a-f-]{36})$/.exec(text) ?? [];
  if (!createdAt || !id) throw new BakeryError('invalid', 'bad-cursor', 'that cursor is none this call has given');
  return { createdAt: Number(createdAt), id };
}

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
      schema: {
        operationId: 'listOperations',
        tags: ['operations'],
        summary: 'List operations, newest first',
        querystring: OperationQuery,
        response: { 200: OperationPage, default: Problem },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const found = await listOperations(db, { filter, before: readCursor(cursor), limit: limit + 1 });
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        operations: await Promise.all(page.map(show)),
        ...(last ? { next: `${last.createdAt}_${last.id}` } : {}),
      };
    },
  );

  app.get(
    '/operations/:operationId',
    {
      schema: {
        operationId: 'getOperation',
        tags: ['operations'],
        summary: 'Get one operation with its history',
        params: IdParam,
        response: { 200: OperationDetail, default: Problem },
      },
    },
    async (request) => {
      const operation = await require(request.params.operationId);
      const [events, claims] = [await listEvents(db, operation.id), await listClaims(db, operation.id)];
      return operationDetail(operation, { events, claims }, engine);
    },
  );

  app.post(
    '/operations/:operationId/retry',
    {
      schema: {
        operationId: 'retryOperation',
        tags: ['operations'],
        summary: 'Try a stuck operation again, from where it stands',
        description:
          'Answers at once; the work goes on. What could not be undone is undone, what has no way back goes on.',
        params: IdParam,
        response: { 202: OperationInfo, default: Problem },
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
      schema: {
        operationId: 'cancelOperation',
        tags: ['operations'],
        summary: 'Cancel a running operation; what it did is undone',
        description:
          'Answers when the cancel is durable. An operation that has no way back (unbake, delete, …) cannot be cancelled.',
        params: IdParam,
        response: { 202: OperationInfo, default: Problem },
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
