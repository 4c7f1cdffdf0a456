import { z } from 'zod';
import { NextCursor } from './page.ts';

/** Something below BAKERY_ROOT that nothing in the database accounts for. */
export const LitterInfo = z
  .object({
    path: z.string().meta({ description: 'below BAKERY_ROOT; of a loop device its name' }),
    kind: z.enum(['file', 'folder', 'other', 'loop']),
    bytes: z.int().meta({ description: 'of a file, holes counted' }),
    behind: z.string().optional().meta({ description: 'of a loop device: the file behind it, below BAKERY_ROOT' }),
  })
  .meta({ id: 'Litter' });
export type LitterInfo = z.output<typeof LitterInfo>;

/** All of it. */
export const LitterList = z
  .object({
    litter: z.array(LitterInfo),
    more: z.boolean().meta({ description: 'there is more than was looked at' }),
    next: NextCursor,
  })
  .meta({ id: 'LitterList' });
