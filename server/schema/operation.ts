import { z } from 'zod';

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
          name: z.string(),
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
        unit: z.literal('bytes'),
      })
      .optional()
      .meta({ description: 'how far the running step is, when it can tell' }),
  })
  .meta({ id: 'Operation' });
export type OperationInfo = z.output<typeof OperationInfo>;

/** One operation with its history. */
export const OperationDetail = OperationInfo.extend({
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
    next: z.string().optional().meta({ description: 'cursor of the next page; absent on the last' }),
  })
  .meta({ id: 'OperationPage' });

/** What GET /operations takes. */
export const OperationQuery = z.object({
  state: z.enum(STATES).optional(),
  kind: z.string().optional(),
  pi: z.string().optional(),
  disk: z.string().optional(),
  bakeform: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(200).optional(),
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
