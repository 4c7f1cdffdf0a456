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
import { PageQuery } from '../../schema/page.ts';
import { CreateWebhook, WebhookCreated, WebhookInfo, WebhookList, WebhookTest } from '../../schema/webhook.ts';
import type { Api, ApiPorts } from '../api.ts';
import { IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { cutPage, readCursor } from '../paging.ts';
import { CHANGING, ONCE, together } from '../problems.ts';

/** Where a webhook stands in the list. */
const Place = z.tuple([z.int(), z.string()]);
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
      config: { scope: 'admin', problems: { 400: ['bad-cursor'] } },
      schema: {
        operationId: 'listWebhooks',
        tags: ['webhooks'],
        summary: 'List webhooks, oldest first',
        querystring: PageQuery,
        response: { 200: WebhookList },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const [createdAt, id] = readCursor(cursor, Place) ?? [];
      // There are few: what is in memory is cut.
      const isAfter = (one: Webhook) =>
        createdAt === undefined ||
        id === undefined ||
        one.createdAt > createdAt ||
        (one.createdAt === createdAt && one.id > id);
      const found = (await listWebhooks(db)).filter(isAfter);
      const { items, ...next } = cutPage(found, { limit, place: (webhook) => [webhook.createdAt, webhook.id] });
      return { webhooks: items.map(show), ...next };
    },
  );

  app.post(
    '/webhooks',
    {
      config: {
        scope: 'admin',
        problems: together(CHANGING, ONCE, {
          400: ['bad-webhook-url', 'bad-webhook-secret'],
          409: ['too-many-webhooks'],
        }),
      },
      schema: {
        operationId: 'createWebhook',
        tags: ['webhooks'],
        summary: 'Have an address told what happens from now on',
        description:
          'One event per POST, in their order, at least once, signed after Standard Webhooks (docs/events.md says how to ' +
          'check it). Any 2xx within 10 s is a delivery; else it is tried again, for as long as the event is kept.',
        headers: IdempotencyHeaders,
        body: CreateWebhook,
        response: { 201: WebhookCreated },
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
      config: { scope: 'admin', problems: { 404: ['webhook-unknown'] } },
      schema: {
        operationId: 'getWebhook',
        tags: ['webhooks'],
        summary: 'Get one webhook, and whether it takes what it is sent',
        params: IdParam,
        response: { 200: WebhookInfo },
      },
    },
    async (request) => show(await require(request.params.webhookId)),
  );

  app.delete(
    '/webhooks/:webhookId',
    {
      config: { scope: 'admin', problems: CHANGING },
      schema: {
        operationId: 'deleteWebhook',
        tags: ['webhooks'],
        summary: 'Tell an address nothing more',
        description: 'Fine for a webhook that does not exist. Nothing is sent after the answer.',
        params: IdParam,
        response: { 200: z.object({}) },
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
      config: { scope: 'admin', problems: { 404: ['webhook-unknown'] } },
      schema: {
        operationId: 'testWebhook',
        tags: ['webhooks'],
        summary: 'Send an event of type webhook.test now',
        description: 'It has the number 0 and is no part of the feed; what waits to be delivered waits on.',
        params: IdParam,
        response: { 200: WebhookTest },
      },
    },
    async (request) => {
      const { kind, ...rest } = await ports.webhooks.test(await require(request.params.webhookId));
      return { delivered: kind === 'delivered', ...rest };
    },
  );
}
