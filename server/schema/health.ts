import { z } from 'zod';

/** The process is alive. */
export const Health = z
  .object({ status: z.literal('ok') })
  .meta({ id: 'Health', description: 'The process answers.', example: { status: 'ok' } });

const PART_STATE = z.enum(['ready', 'degraded', 'not-ready']);

/** How one part of the server is. */
export const PartReadiness = z
  .object({
    part: z.enum([
      'http',
      'database',
      'pool',
      'space',
      'nfs',
      'tftp',
      'dhcp',
      'power',
      'switches',
      'webhooks',
      'recovery',
      'backup',
    ]),
    state: PART_STATE.meta({ description: 'degraded: it works, and a person should look' }),
    detail: z.string().meta({ description: 'for people; may change' }),
  })
  .meta({ id: 'PartReadiness', example: { part: 'nfs', state: 'ready', detail: '12 exports served' } });
export type PartReadiness = z.output<typeof PartReadiness>;

const Label = z.string().meta({ description: 'what this server is, where it was given one (`BAKERY_LABEL`)' });

/** The worst of the parts, and all of them. */
export const Readiness = z.object({ status: PART_STATE, parts: z.array(PartReadiness), label: Label.optional() }).meta({
  id: 'Readiness',
  description: 'How each part of the server is; `status` is that of the worst.',
  example: {
    status: 'degraded',
    parts: [
      { part: 'database', state: 'ready', detail: 'it answers' },
      { part: 'backup', state: 'degraded', detail: 'the last one failed; it is tried again' },
    ],
  },
});
export type Readiness = z.output<typeof Readiness>;
