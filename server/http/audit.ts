import type { FastifyInstance, FastifyRequest } from 'fastify';
import { describeError } from '../../core/errors.ts';
import type { OperationId } from '../../core/ids.ts';
import { addAudit } from '../../db/audit.ts';
import type { Requester } from '../../db/journal.ts';
import type { ApiPorts } from './api.ts';
import type { Caller } from './auth.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose token came with it; empty before that is known. */
    actor: string;
    /** Who that is, once known. */
    caller: Caller;
    /** The operation that it started or touched. */
    operation: OperationId | undefined;
    /** The code of the problem it was answered with. */
    problem: string | undefined;
  }
}

/** Who asks, as the journal keeps it. */
export function requesterOf(request: FastifyRequest): Requester {
  return { actor: request.actor, request: request.id };
}

/**
 * Writes down every call that was meant to change something, and every one that was refused for its token. What an operation
 * did is in the journal, with the same request id, in the transaction that admitted it.
 */
export function keepAudit(app: FastifyInstance, ports: ApiPorts): void {
  app.decorateRequest('actor', '');
  app.decorateRequest('caller');
  app.decorateRequest('operation', undefined);
  app.decorateRequest('problem', undefined);
  app.addHook('onResponse', async (request, reply) => {
    const reads = request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS';
    // A flood of guesses would push out what is worth keeping; those before it are kept.
    if (request.problem === 'too-many-failures') return;
    if (reads && reply.statusCode !== 401 && reply.statusCode !== 403) return;
    const entry = {
      actor: request.actor || 'nobody',
      client: request.socket.remoteAddress ?? '',
      method: request.method,
      // Without the query: a token in it would be kept.
      path: (request.url.split('?')[0] ?? '').slice(0, 500),
      status: reply.statusCode,
      code: request.problem,
      operation: request.operation,
      request: request.id,
      now: ports.clock.now(),
    };
    await addAudit(ports.db, entry).catch((error) => {
      request.log.error({ error: describeError(error), audit: entry }, 'the audit could not be written');
    });
  });
}
