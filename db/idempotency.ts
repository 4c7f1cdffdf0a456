import { BakeryError } from '../core/errors.ts';
import type { OperationId, PiId } from '../core/ids.ts';
import type { WebhookId } from '../core/webhook.ts';
import type { Executor } from './open.ts';

/** A client's name for one request it may send more than once (draft-ietf-httpapi-idempotency-key-header). */
export interface IdempotencyKey {
  /** Whose key: two clients may choose the same. */
  readonly actor: string;
  readonly key: string;
  /** A hash of what is asked for: another request must not be answered with this one's answer. */
  readonly fingerprint: string;
}

/** What was done for a key. */
export interface KeyedOperation {
  readonly operation: OperationId;
  /** The answer that was given; undefined when the server died between the admission and the answer. */
  readonly answer: { readonly status: number; readonly body: string } | undefined;
}

/**
 * What was done for `key` before, or undefined.
 * @throws BakeryError `idempotency-mismatch` (conflict) when it came with another request.
 */
export async function findKeyed(ex: Executor, key: IdempotencyKey): Promise<KeyedOperation | undefined> {
  const row = await ex
    .selectFrom('idempotency_keys')
    .selectAll()
    .where('actor', '=', key.actor)
    .where('key', '=', key.key)
    .executeTakeFirst();
  if (!row) return undefined;
  if (row.fingerprint !== key.fingerprint) {
    throw new BakeryError('conflict', 'idempotency-mismatch', 'that Idempotency-Key was used for another request');
  }
  const answer = row.status === null ? undefined : { status: row.status, body: row.body ?? '' };
  return { operation: row.operation as OperationId, answer };
}

/** Binds a key to the operation it started, or the webhook or Pi it made. In the same transaction. */
export async function addKey(
  ex: Executor,
  key: IdempotencyKey & { readonly operation: OperationId | WebhookId | PiId; readonly now: number },
): Promise<void> {
  await ex
    .insertInto('idempotency_keys')
    .values({
      actor: key.actor,
      key: key.key,
      fingerprint: key.fingerprint,
      operation: key.operation,
      created_at: key.now,
    })
    .execute();
}

/** Keeps the answer, for when the request comes again. */
export async function keepAnswer(
  ex: Executor,
  key: Pick<IdempotencyKey, 'actor' | 'key'>,
  answer: { status: number; body: string },
): Promise<void> {
  await ex
    .updateTable('idempotency_keys')
    .set(answer)
    .where('actor', '=', key.actor)
    .where('key', '=', key.key)
    .execute();
}
