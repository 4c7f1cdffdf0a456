import { z } from 'zod';
import { TYPE_FILTER } from '../../core/feed.ts';
import { NextCursor } from './page.ts';

const TypeFilters = z
  .array(z.string().max(100).regex(TYPE_FILTER, 'must be a type of event, or one with .* at its end'))
  .max(50)
  .meta({
    description: 'what is told, `operation.*` for all of a kind; empty for everything',
    example: ['operation.*'],
  });

/** What POST /webhooks takes. */
export const CreateWebhook = z
  .object({
    url: z.string().max(2_000).meta({ description: 'http or https', example: 'https://ci.example/bakery' }),
    types: TypeFilters.default([]),
    secret: z
      .string()
      .max(200)
      .optional()
      .meta({ description: '`whsec_` and 24 to 64 bytes in base64; made when absent' }),
  })
  .meta({ id: 'CreateWebhook' });

/** Somebody who is told events by HTTP. */
export const WebhookInfo = z
  .object({
    id: z.string(),
    url: z.string(),
    types: TypeFilters,
    createdAt: z.iso.datetime(),
    delivered: z.int().meta({ description: 'number of the last event that was delivered or passed over' }),
    failures: z.int().meta({ description: 'failures in a row of the event that comes next' }),
    lastError: z.string().optional(),
    nextAttemptAt: z.iso.datetime().optional(),
  })
  .meta({ id: 'Webhook' });
export type WebhookInfo = z.output<typeof WebhookInfo>;

/** A webhook as it is shown once. */
export const WebhookCreated = WebhookInfo.extend({
  secret: z.string().meta({ description: 'signs the messages; it is not shown again' }),
}).meta({ id: 'WebhookCreated' });

/** A page of webhooks. */
export const WebhookList = z.object({ webhooks: z.array(WebhookInfo), next: NextCursor }).meta({ id: 'WebhookList' });

/** How a test went. */
export const WebhookTest = z
  .object({
    delivered: z.boolean(),
    status: z.int().optional().meta({ description: 'what the other side answered' }),
    error: z.string().optional(),
  })
  .meta({ id: 'WebhookTest' });
