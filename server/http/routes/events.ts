import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { BakeryError, describeError } from '../../../core/errors.ts';
import { isWanted, tellEvent } from '../../../core/feed.ts';
import { newestEvent, readFeed } from '../../../db/events.ts';
import { EventHeaders, EventPage, EventQuery } from '../../schema/event.ts';
import type { Api, ApiPorts } from '../api.ts';
import type { Door } from '../auth.ts';
import { streamEvents } from '../event-stream.ts';

/** Each stream is a socket and, for a reader that does not read, a page of events. */
const MOST_STREAMS = 100;

function wantsPage(format: string | undefined, accept: string | undefined): boolean {
  if (format !== undefined) return format === 'json';
  return /\bapplication\/json\b/.test(accept ?? '') && !/\btext\/event-stream\b/.test(accept ?? '');
}

/** The feed of what happens. */
export function eventRoutes(app: Api, ports: ApiPorts, door: Door): void {
  const { db, clock } = ports;
  const stop = new AbortController();
  const open = new Set<Promise<void>>();
  app.addHook('preClose', async () => {
    stop.abort();
    await Promise.all(open);
  });

  /** Takes the answer over; it ends when the reader goes, or the server stops. */
  function follow(reply: FastifyReply, after: number, types: readonly string[]): void {
    const { caller } = reply.request;
    const isWelcome = () => door.isWelcome(caller);
    const { raw } = reply.hijack();
    const gone = new AbortController();
    raw.once('close', () => gone.abort());
    raw.on('error', () => gone.abort());
    // What hooks have said: which page may read it.
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // Its end is the end of the connection, so that a stop of the server waits for no other request on it.
      connection: 'close',
      'x-accel-buffering': 'no',
    });
    const signal = AbortSignal.any([stop.signal, gone.signal]);
    const told = streamEvents(raw, { db, watch: ports.feed, clock, after, types, isWelcome, signal })
      .catch((error) => reply.log.error({ error: describeError(error) }, 'a stream of events broke off'))
      .finally(() => {
        open.delete(told);
        // One that was not taken would wait for its reader for ever.
        if (raw.writableNeedDrain) raw.destroy();
        else raw.end();
      });
    open.add(told);
  }

  app.get(
    '/events',
    {
      exposeHeadRoute: false,
      config: { scope: 'viewer', problems: { 503: ['too-many-streams', 'stopping'] } },
      schema: {
        operationId: 'followEvents',
        tags: ['events'],
        summary: 'Follow what happens, as server-sent events; or one page of it as JSON',
        description:
          'A stream goes on for ever, from now or from where Last-Event-ID says. An `event: gap` tells that events are ' +
          'missing. With `Accept: application/json` or `format=json` the answer is one page. Types are in docs/events.md.',
        headers: EventHeaders,
        querystring: EventQuery,
        response: {
          200: {
            description: 'a stream, or a page',
            content: {
              'text/event-stream': { schema: z.string() },
              'application/json': { schema: EventPage },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { query } = request;
      const types = query.types?.split(',') ?? [];
      const last = request.headers['last-event-id'] || undefined;
      const after = last === undefined ? query.after : Number(last);
      if (wantsPage(query.format, request.headers.accept)) {
        const page = await readFeed(db, { after: after ?? 0, limit: query.limit });
        const events = page.events.filter((event) => isWanted(types, event.type)).map(tellEvent);
        const gap = page.gap && after !== undefined ? { gap: page.gap } : {};
        return reply.type('application/json').send({ events, next: page.next, ...gap });
      }
      if (open.size >= MOST_STREAMS) {
        throw new BakeryError('unavailable', 'too-many-streams', `${MOST_STREAMS} streams of events are open already`);
      }
      follow(reply, after ?? (await newestEvent(db)), types);
      return reply;
    },
  );
}
