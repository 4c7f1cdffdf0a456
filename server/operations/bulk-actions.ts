import { z } from 'zod';
import type { PiId } from '../../core/ids.ts';
import type { Executor } from '../../db/open.ts';
import { remarkOn } from '../../db/pi-remarks.ts';
import { requirePi } from '../../db/pis.ts';
import { planBake } from './bake.ts';
import { KeptRootWish, wishOf } from './new-root.ts';
import type { OperationPorts } from './ports.ts';
import { PowerAction, planPower } from './power.ts';
import { planRebake } from './rebake.ts';
import { planUnbake } from './unbake.ts';

const tags = z.array(z.string()).default([]);

/** What is done to each of many Pis. */
export const BulkWish = z.discriminatedUnion('action', [
  KeptRootWish.extend({ action: z.literal('bake'), power: z.literal('on').optional() }),
  z.object({ action: z.literal('unbake') }),
  KeptRootWish.extend({
    action: z.literal('rebake'),
    power: z.enum(['on', 'off']).optional(),
    keepPiConfig: z.boolean().optional(),
  }),
  z.object({ action: z.literal('power'), power: PowerAction }),
  z.object({ action: z.literal('patch'), addTags: tags, removeTags: tags, maintenance: z.boolean().optional() }),
]);
export type BulkWish = z.output<typeof BulkWish>;
type WishOf<A extends BulkWish['action']> = Extract<BulkWish, { action: A }>;

/** How a wish is done to one Pi. */
export interface BulkAction<W> {
  /** The kind of operation that does it; none where `plan` does all of it in its transaction. */
  readonly kind?: string;
  /** The params of that operation, in its admitting transaction; undefined where there is nothing to do. Throws what refuses it. */
  plan(trx: Executor, pi: PiId, wish: W): Promise<object | undefined>;
}

/** What can be done to many Pis: one row each. */
export function bulkActions({ power, volumes, clock }: OperationPorts): {
  readonly [A in BulkWish['action']]: BulkAction<WishOf<A>>;
} {
  const facts = () => ({ controls: power.controls, goldenBytes: volumes.goldenBytes });
  return {
    bake: {
      kind: 'bake',
      plan: (trx, pi, wish) =>
        planBake(trx, { ...wishOf(wish), bakeform: wish.bakeform, piId: pi, powerOn: wish.power === 'on' }, facts()),
    },
    unbake: {
      kind: 'unbake',
      plan: async (trx, pi) => ((await requirePi(trx, pi)).state === 'fridge' ? undefined : planUnbake(trx, pi)),
    },
    rebake: {
      kind: 'rebake',
      plan(trx, pi, wish) {
        const { bakeform, power: after, keepPiConfig } = wish;
        return planRebake(trx, { ...wishOf(wish), pi, bakeform, power: after, keepPiConfig }, facts());
      },
    },
    power: {
      kind: 'power',
      plan: (trx, pi, wish) => planPower(trx, { pi, action: wish.power, power }),
    },
    patch: {
      async plan(trx, pi, { addTags, removeTags, maintenance }) {
        const kept = (await requirePi(trx, pi)).tags.filter((tag) => !removeTags.includes(tag));
        const remarks = { tags: [...new Set([...kept, ...addTags])] };
        await remarkOn(trx, pi, maintenance === undefined ? remarks : { ...remarks, maintenance }, clock.now());
        return undefined;
      },
    },
  };
}
