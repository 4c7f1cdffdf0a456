import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { IdempotencyKey } from '../../db/idempotency.ts';
import { keepAnswer } from '../../db/idempotency.ts';
import type { Db } from '../../db/open.ts';
import type { Started } from '../operations/engine.ts';

/** Headers of a call that creates something. Other headers stay as they are. */
export const IdempotencyHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'has 1 to 255 visible ASCII characters')
    .optional()
    .meta({
      description:
        'A name of your choice for this request. Sent again with the same name it does nothing new and gets the same answer, also after a restart of the server.',
    }),
});

/** The key of a request, bound to who asks and what for; undefined when it has none. */
export function keyOf(request: FastifyRequest): IdempotencyKey | undefined {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string') return undefined;
  // The body of an upload is a stream; the address is what it asks for, with what is to be made of it and how.
  const body =
    typeof (request.body as { pipe?: unknown } | undefined)?.pipe === 'function' ? null : (request.body ?? null);
  const asked = JSON.stringify([request.method, request.url, body]);
  return { actor: request.actor, key, fingerprint: createHash('sha256').update(asked).digest('hex') };
}

/**
 * Answers a call that created something: with what `make` says, kept for when the same key comes again; or with what was kept.
 * After a crash between the two `make` runs again, on the operation that the first request had started.
 */
export async function answerOnce<T>(
  db: Db,
  { request, reply, started }: { request: FastifyRequest; reply: FastifyReply; started: Started },
  make: () => Promise<{ status: number; body: T }>,
): Promise<FastifyReply> {
  request.operation = started.id;
  if (started.answered) {
    reply.header('idempotency-replayed', 'true');
    return reply.code(started.answered.status).send(JSON.parse(started.answered.body));
  }
  const { status, body } = await make();
  const key = keyOf(request);
  if (key) await keepAnswer(db, key, { status, body: JSON.stringify(body) });
  return reply.code(status).send(body);
}
