import { z } from 'zod';
import { BakeRequest, RebakeRequest } from './bake.ts';
import { PiSelect, PowerActions, Tags } from './pi.ts';

/** What every bulk says beside its action. */
const common = {
  pis: z
    .array(z.string().max(63))
    .min(1)
    .max(1_000)
    .optional()
    .meta({ description: 'their ids or names; either this or `select`', example: ['687680cd', 'rack1-07'] }),
  select: PiSelect.refine((select) => Object.keys(select).length > 0, {
    error: 'say at least one thing; { "state": "baked" } are all that are baked',
  })
    .optional()
    .meta({
      description: 'those of which all of this is so when the call is made; in quarantine only when it asks for that',
    }),
  atATime: z.int().min(1).max(100).default(4).meta({ description: 'how many are worked on at once', example: 4 }),
  stopAtFirstFailure: z.boolean().default(false).meta({
    description: 'begin no more once one has failed',
    example: true,
  }),
};

/** The Pis are chosen by `pis` or `select`. */
const Bake = BakeRequest.omit({ piId: true, manageDisks: true, model: true, tags: true, memory: true });

/** What POST /bulk takes. */
export const BulkRequest = z
  .discriminatedUnion('action', [
    z.object({ action: z.literal('power'), power: PowerActions, ...common }),
    z.object({ action: z.literal('unbake'), ...common }),
    z.object({ action: z.literal('bake'), ...Bake.shape, ...common }),
    z.object({ action: z.literal('rebake'), ...RebakeRequest.shape, ...common }),
    z.object({
      action: z.literal('patch'),
      addTags: Tags.optional(),
      removeTags: Tags.optional(),
      maintenance: z.boolean().optional(),
      ...common,
    }),
  ])
  .refine(({ pis, select }) => (pis === undefined) !== (select === undefined), {
    error: 'say either which Pis (`pis`) or what is so of them (`select`)',
  })
  .meta({
    id: 'BulkRequest',
    example: { action: 'power', power: 'cycle', select: { state: 'baked', tags: ['ci'] }, atATime: 4 },
  });
