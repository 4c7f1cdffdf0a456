import { randomUUID } from 'node:crypto';
import { describeError } from '../../core/errors.ts';
import { isWanted, type ToldEvent, tellEvent } from '../../core/feed.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import { oneByOne } from '../../core/one-by-one.ts';
import { type WebhookId, webhookRetryMs } from '../../core/webhook.ts';
import { readFeed } from '../../db/events.ts';
import type { FeedWatch } from '../../db/feed-watch.ts';
import type { Db } from '../../db/open.ts';
import { findWebhook, listWebhooks, noteDelivered, noteFailure, type Webhook } from '../../db/webhooks.ts';
import { type PostOutcome, postWebhook } from './webhook-post.ts';

/** Events read in one go. */
const PAGE = 100;
/** One that waits for events looks this often whether it was removed by another process. */
const LOOK_MS = 60_000;

/** Delivers events to webhooks. */
export interface WebhookDelivery {
  /** Begins with webhooks that are new, and ends with those that are gone. */
  refresh(): Promise<void>;
  /** Sends a `webhook.test` now, out of turn. */
  test(webhook: Webhook): Promise<PostOutcome>;
  stop(): Promise<void>;
}

/**
 * Builds it. Each webhook has a worker of its own, so that one that hangs delays no other; the worker sends one event after
 * the other, in their order, and notes each in the database before the next: what a crash interrupts is sent again.
 */
export function createWebhookDelivery(options: {
  db: Db;
  feed: FeedWatch;
  clock: Clock;
  log: Log;
  /** How long the other side may take to answer; default 10 s. */
  answerMs?: number;
}): WebhookDelivery {
  const { db, feed, clock, log } = options;
  const workers = new Map<WebhookId, { end: AbortController; over: Promise<void> }>();
  const inTurn = oneByOne();
  let isStopped = false;

  function post(webhook: Webhook, id: string, event: ToldEvent, signal: AbortSignal): Promise<PostOutcome> {
    const { url, secret } = webhook;
    const { answerMs } = options;
    const body = JSON.stringify(event);
    return postWebhook({ url, secret, id, body, now: clock.now(), signal, ...(answerMs ? { answerMs } : {}) });
  }

  /** One attempt, and what became of it written down. */
  async function attempt(webhook: Webhook, id: string, event: ToldEvent, signal: AbortSignal): Promise<boolean> {
    const outcome = await post(webhook, id, event, signal);
    if (signal.aborted) return false;
    if (outcome.kind === 'delivered') {
      await noteDelivered(db, webhook.id, event.seq);
      return true;
    }
    const failures = webhook.failures + 1;
    const nextAt = clock.now() + webhookRetryMs(failures);
    await noteFailure(db, webhook.id, { failures, nextAt, error: outcome.error });
    log.debug({ webhook: webhook.id, event: event.seq, failures, error: outcome.error }, 'a webhook was not delivered');
    return false;
  }

  /** Sends what of the next page is wanted, up to a failure. @returns how far it came. */
  async function deliverPage(webhook: Webhook, after: number, signal: AbortSignal): Promise<number> {
    const { events, next, gap } = await readFeed(db, { after, limit: PAGE });
    let reached = after;
    let noted = webhook.cursor;
    const send = async (id: string, event: ToldEvent): Promise<boolean> => {
      // The failures that were counted are those of the first.
      const failures = noted === webhook.cursor ? webhook.failures : 0;
      if (!(await attempt({ ...webhook, failures }, id, event, signal))) return false;
      reached = event.seq;
      noted = event.seq;
      return true;
    };
    if (gap) {
      const event = { seq: gap.from - 1, at: new Date(clock.now()).toISOString(), type: 'gap', data: gap };
      if (!(await send(`evt_${event.seq}_gap`, event))) return reached;
    }
    for (const event of events.filter(({ type }) => isWanted(webhook.types, type))) {
      if (!(await send(`evt_${event.seq}`, tellEvent(event)))) return reached;
    }
    // Passing over a few is not worth a write: they are passed over again after a crash.
    if (next - noted >= PAGE) await noteDelivered(db, webhook.id, next);
    return next;
  }

  async function work(id: WebhookId, signal: AbortSignal): Promise<void> {
    let reached = 0;
    while (!signal.aborted) {
      const webhook = await findWebhook(db, id);
      if (!webhook) return;
      if (webhook.failures > 0) {
        // Never longer than it was meant to be: the clock may have been set back since.
        const wait = Math.min(webhook.nextAt - clock.now(), webhookRetryMs(webhook.failures));
        if (wait > 0) await clock.sleep(wait, signal);
      }
      const after = Math.max(reached, webhook.cursor);
      reached = await deliverPage(webhook, after, signal);
      if (reached === after) await feed.after(reached, { ms: LOOK_MS, signal });
    }
  }

  function begin(id: WebhookId): void {
    const end = new AbortController();
    const over = work(id, end.signal)
      .catch((error) => {
        if (!end.signal.aborted) log.error({ webhook: id, error: describeError(error) }, 'a webhook is begun anew');
      })
      .finally(() => void workers.delete(id));
    workers.set(id, { end, over });
  }

  async function look(): Promise<void> {
    const wanted = new Set((await listWebhooks(db)).map(({ id }) => id));
    const gone = [...workers].filter(([id]) => !wanted.has(id)).map(([, worker]) => worker);
    for (const worker of gone) worker.end.abort();
    await Promise.all(gone.map((worker) => worker.over));
    if (isStopped) return;
    for (const id of wanted) if (!workers.has(id)) begin(id);
  }

  return {
    refresh: () => inTurn(look),
    test(webhook) {
      const at = new Date(clock.now()).toISOString();
      const event = { seq: 0, at, type: 'webhook.test', data: { webhook: webhook.id } };
      return post(webhook, `test_${randomUUID()}`, event, new AbortController().signal);
    },
    async stop() {
      isStopped = true;
      await inTurn(async () => undefined);
      for (const { end } of workers.values()) end.abort();
      await Promise.all([...workers.values()].map((worker) => worker.over));
    },
  };
}
