import { z } from 'zod';
import { TYPE_FILTER } from '../../core/feed.ts';

/** Something that happened. */
export const EventInfo = z
  .object({
    seq: z.int().meta({ description: 'its place in the order of all events; the id of the server-sent event' }),
    at: z.iso.datetime(),
    type: z.string().meta({ description: 'in docs/events.md', example: 'operation.done' }),
    operation: z.string().optional(),
    pi: z.string().optional(),
    disk: z.string().optional(),
    bakeform: z.string().optional(),
    data: z.looseObject({}).meta({ description: 'by type' }),
  })
  .meta({ id: 'Event' });

/** Events in their order. */
export const EventPage = z
  .object({
    events: z.array(EventInfo),
    next: z.int().meta({ description: 'give it as `after` to go on', example: 41 }),
    gap: z
      .object({ wanted: z.int(), from: z.int() })
      .optional()
      .meta({ description: 'event `wanted` is not there any more; the page goes on with `from`' }),
  })
  .meta({ id: 'EventPage' });

/** What GET /events takes. */
export const EventQuery = z.object({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional().meta({
    description:
      'number of the last event seen; Last-Event-ID wins. Without: a stream begins now, a page at the oldest kept',
  }),
  types: z
    .string()
    .max(2_000)
    .regex(
      new RegExp(`^(?:(?:^|,)(?:${TYPE_FILTER.source.slice(1, -1)}))+$`),
      'must be types of events, parted by commas',
    )
    .optional()
    .meta({ description: 'types, parted by commas; .* at the end for all of a kind', example: 'operation.*' }),
  format: z.enum(['stream', 'json']).optional().meta({ description: 'instead of the header Accept' }),
  limit: z.coerce.number().int().min(1).max(1000).default(100).meta({ description: 'of a page' }),
});

/** Where a stream that broke off goes on. */
export const EventHeaders = z.looseObject({
  'last-event-id': z
    .string()
    .regex(/^\d{0,15}$/, 'must be the id of an event')
    .optional(),
});
