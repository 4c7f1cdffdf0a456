import type { Selectable } from 'kysely';
import { BakeryError } from '../core/errors.ts';
import type { WebhookId } from '../core/webhook.ts';
import { newestEvent } from './events.ts';
import { atomically, type Executor } from './open.ts';
import type { Schema } from './schema.ts';

/** Each is a connection and a page of events in memory. */
const MOST_WEBHOOKS = 100;

/** Somebody who is told events by HTTP. */
export interface Webhook {
  readonly id: WebhookId;
  readonly url: string;
  readonly secret: string;
  /** Filters of types; none for all. */
  readonly types: readonly string[];
  /** Number of the last event that was delivered, or passed over. */
  readonly cursor: number;
  /** Failures in a row of the event that comes next. */
  readonly failures: number;
  /** When it is tried again, ms since the epoch; 0 when nothing failed. */
  readonly nextAt: number;
  readonly lastError: string | undefined;
  readonly createdAt: number;
}

function toWebhook(row: Selectable<Schema['webhooks']>): Webhook {
  return {
    id: row.id as WebhookId,
    url: row.url,
    secret: row.secret,
    types: JSON.parse(row.types),
    cursor: row.cursor,
    failures: row.failures,
    nextAt: row.next_at,
    lastError: row.last_error ?? undefined,
    createdAt: row.created_at,
  };
}

/**
 * Adds a webhook that is told what happens from now on.
 * @throws BakeryError `too-many-webhooks` (conflict).
 */
export async function addWebhook(
  ex: Executor,
  webhook: Pick<Webhook, 'id' | 'url' | 'secret' | 'types'> & { now: number },
): Promise<void> {
  await atomically(ex, async (trx) => {
    if ((await listWebhooks(trx)).length >= MOST_WEBHOOKS) {
      throw new BakeryError('conflict', 'too-many-webhooks', `there are ${MOST_WEBHOOKS} webhooks already`);
    }
    await trx
      .insertInto('webhooks')
      .values({
        id: webhook.id,
        url: webhook.url,
        secret: webhook.secret,
        types: JSON.stringify(webhook.types),
        cursor: await newestEvent(trx),
        created_at: webhook.now,
      })
      .execute();
  });
}

/** All webhooks, oldest first. */
export async function listWebhooks(ex: Executor): Promise<Webhook[]> {
  return (await ex.selectFrom('webhooks').selectAll().orderBy('created_at').orderBy('id').execute()).map(toWebhook);
}

/** The webhook with that id, or undefined. */
export async function findWebhook(ex: Executor, id: WebhookId): Promise<Webhook | undefined> {
  const row = await ex.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toWebhook(row);
}

/** Forgets a webhook; false when there is none. */
export async function removeWebhook(ex: Executor, id: WebhookId): Promise<boolean> {
  return (await ex.deleteFrom('webhooks').where('id', '=', id).executeTakeFirst()).numDeletedRows === 1n;
}

/** Notes that everything up to event `cursor` was delivered, or is of no interest. */
export async function noteDelivered(ex: Executor, id: WebhookId, cursor: number): Promise<void> {
  await ex
    .updateTable('webhooks')
    .set({ cursor, failures: 0, next_at: 0, last_error: null })
    .where('id', '=', id)
    .execute();
}

/** Notes that the next event could not be delivered, and when it is tried again. */
export async function noteFailure(
  ex: Executor,
  id: WebhookId,
  failure: { failures: number; nextAt: number; error: string },
): Promise<void> {
  await ex
    .updateTable('webhooks')
    .set({ failures: failure.failures, next_at: failure.nextAt, last_error: failure.error })
    .where('id', '=', id)
    .execute();
}
