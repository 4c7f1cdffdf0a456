import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import {
  mintWebhookId,
  mintWebhookSecret,
  requireWebhookSecret,
  requireWebhookUrl,
  type WebhookId,
} from '../../../core/webhook.ts';
import { addKey, findKeyed, keepAnswer } from '../../../db/idempotency.ts';
import { addWebhook, findWebhook, listWebhooks, removeWebhook, type Webhook } from '../../../db/webhooks.ts';
import { Problem } from '../../schema/problem.ts';
import { CreateWebhook, WebhookCreated, WebhookInfo, WebhookList, WebhookTest } from '../../schema/webhook.ts';
import type { Api, ApiPorts } from '../api.ts';
import { IdempotencyHeaders, keyOf } from '../idempotency.ts';

const IdParam = z.object({ webhookId: z.string() });

function show(webhook: Webhook): WebhookInfo {
  const { id, url, types, failures, lastError } = webhook;
  return {
    id,
    url,
    types: [...types],
    createdAt: new Date(webhook.createdAt).toISOString(),
    delivered: webhook.cursor,
    failures,
    ...(lastError === undefined ? {} : { lastError }),
    ...(failures === 0 ? {} : { nextAttemptAt: new Date(webhook.nextAt).toISOString() }),
  };
}

/** Those who are told events by HTTP. */
export function webhookRoutes(app: Api, ports: ApiPorts): void {
  const { db, clock } = ports;

  async function require(id: string): Promise<Webhook> {
    const webhook = await findWebhook(db, id.toLowerCase() as WebhookId);
    if (!webhook) throw new BakeryError('not-found', 'webhook-unknown', 'there is no such webhook');
    return webhook;
  }

  app.get(
    '/webhooks',
    {
      schema: {
        operationId: 'listWebhooks',
        tags: ['webhooks'],
        summary: 'List all webhooks',
        response: { 200: WebhookList, default: Problem },
      },
    },
    async () => ({ webhooks: (await listWebhooks(db)).map(show) }),
  );

  app.post(
    '/webhooks',
    {
      schema: {
        operationId: 'createWebhook',
        tags: ['webhooks'],
        summary: 'Have an address told what happens from now on',
        description:
          'One event per POST, in their order, at least once, signed after Standard Webhooks (docs/events.md says how to ' +
          'check it). Any 2xx within 10 s is a delivery; else it is tried again, for as long as the event is kept.',
        headers: IdempotencyHeaders,
        body: CreateWebhook,
        response: { 201: WebhookCreated, default: Problem },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const id = mintWebhookId();
      const url = requireWebhookUrl(body.url);
      const secret = body.secret === undefined ? mintWebhookSecret() : requireWebhookSecret(body.secret);
      const key = keyOf(request);
      const before = await db.transaction().execute(async (trx) => {
        const keyed = key && (await findKeyed(trx, key));
        if (keyed) return keyed;
        await addWebhook(trx, { id, url, secret, types: body.types, now: clock.now() });
        const made = await findWebhook(trx, id);
        if (key && made) {
          await addKey(trx, { ...key, operation: id, now: clock.now() });
          await keepAnswer(trx, key, { status: 201, body: JSON.stringify({ ...show(made), secret }) });
        }
        return undefined;
      });
      if (before?.answer) {
        return reply.header('idempotency-replayed', 'true').code(201).send(JSON.parse(before.answer.body));
      }
      await ports.webhooks.refresh();
      return reply.code(201).send({ ...show(await require(id)), secret });
    },
  );

  app.get(
    '/webhooks/:webhookId',
    {
      schema: {
        operationId: 'getWebhook',
        tags: ['webhooks'],
        summary: 'Get one webhook, and whether it takes what it is sent',
        params: IdParam,
        response: { 200: WebhookInfo, default: Problem },
      },
    },
    async (request) => show(await require(request.params.webhookId)),
  );

  app.delete(
    '/webhooks/:webhookId',
    {
      schema: {
        operationId: 'deleteWebhook',
        tags: ['webhooks'],
        summary: 'Tell an address nothing more',
        description: 'Fine for a webhook that does not exist. Nothing is sent after the answer.',
        params: IdParam,
        response: { 200: z.object({}), default: Problem },
      },
    },
    async (request) => {
      await removeWebhook(db, request.params.webhookId.toLowerCase() as WebhookId);
      await ports.webhooks.refresh();
      return {};
    },
  );

  app.post(
    '/webhooks/:webhookId/test',
    {
      schema: {
        operationId: 'testWebhook',
        tags: ['webhooks'],
        summary: 'Send an event of type webhook.test now',
        description: 'It has the number 0 and is no part of the feed; what waits to be delivered waits on.',
        params: IdParam,
        response: { 200: WebhookTest, default: Problem },
      },
    },
    async (request) => {
      const { kind, ...rest } = await ports.webhooks.test(await require(request.params.webhookId));
      return { delivered: kind === 'delivered', ...rest };
    },
  );
}
