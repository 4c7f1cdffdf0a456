import { z } from 'zod';
import { NextCursor, PageQuery } from './page.ts';

const STATES = ['running', 'unwinding', 'stuck', 'done', 'failed'] as const;

/** One durable job, as the API shows it. */
export const OperationInfo = z
  .object({
    id: z.string(),
    kind: z.string().meta({ example: 'bake' }),
    state: z.enum(STATES).meta({
      description:
        'running; unwinding: it is being undone; stuck: it needs a person; done; failed: it was undone, nothing is left of it',
    }),
    createdAt: z.iso.datetime(),
    endedAt: z.iso.datetime().optional(),
    pi: z.string().optional(),
    disk: z.string().optional(),
    bakeform: z.string().optional(),
    actor: z.string().optional().meta({ description: 'whose token; absent when the server did by itself' }),
    error: z.object({ code: z.string(), message: z.string() }).optional(),
    steps: z
      .array(
        z.object({
          name: z.string().meta({ example: 'clone' }),
          state: z.enum(['waiting', 'running', 'done', 'failed', 'undoing', 'undone', 'undo-failed']),
          startedAt: z.iso.datetime().optional(),
          endedAt: z.iso.datetime().optional(),
        }),
      )
      .meta({ description: 'in their order' }),
    progress: z
      .object({
        step: z.string(),
        done: z.int(),
        total: z.int().optional().meta({ description: 'absent where nobody knows' }),
        unit: z.enum(['bytes', 'pis']),
      })
      .optional()
      .meta({ description: 'how far the running step is, when it can tell' }),
  })
  .meta({ id: 'Operation' });
export type OperationInfo = z.output<typeof OperationInfo>;

/** One operation with its history. */
export const OperationDetail = OperationInfo.extend({
  results: z
    .array(
      z.object({
        pi: z.string().meta({ example: '687680cd' }),
        state: z.enum(['waiting', 'running', 'done', 'failed', 'stuck', 'skipped']).meta({
          description:
            'stuck: its operation needs a person; skipped: it was not begun when the bulk was stopped or cancelled',
        }),
        operation: z
          .string()
          .optional()
          .meta({ description: 'what does or did it; absent where there was nothing to do' }),
        error: z.object({ code: z.string(), message: z.string() }).optional(),
      }),
    )
    .optional()
    .meta({ description: 'of a bulk: each of its Pis, in their order' }),
  holds: z.array(z.object({ resource: z.string(), purpose: z.string() })).meta({ description: 'what it claims now' }),
  events: z.array(
    z.object({
      at: z.iso.datetime(),
      step: z.string(),
      event: z.string(),
      error: z.object({ code: z.string(), message: z.string() }).optional(),
    }),
  ),
}).meta({ id: 'OperationDetail' });
export type OperationDetail = z.output<typeof OperationDetail>;

/** A page of operations. */
export const OperationPage = z
  .object({
    operations: z.array(OperationInfo),
    next: NextCursor,
  })
  .meta({ id: 'OperationPage' });

/** What GET /operations takes. */
export const OperationQuery = PageQuery.extend({
  state: z.enum(STATES).optional(),
  kind: z.string().optional(),
  pi: z.string().optional(),
  disk: z.string().optional(),
  bakeform: z.string().optional(),
});

/** What POST /pis/{piId}/release takes. */
export const ReleaseRequest = z
  .object({
    isOff: z.boolean().meta({
      description:
        'You have seen that the Pi is off. When false it is flagged `awaitOff` and not picked before its next boot.',
    }),
  })
  .meta({ id: 'ReleaseRequest' });
