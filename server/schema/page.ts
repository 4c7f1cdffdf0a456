import { z } from 'zod';

/** What every list takes that is given in pages. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).meta({ description: 'items of a page', example: 50 }),
  cursor: z.string().max(300).optional().meta({ description: '`next` of the page before' }),
});

/** The cursor of the next page, in every answer that is a page. */
export const NextCursor = z
  .string()
  .optional()
  .meta({ description: 'cursor of the next page; absent on the last', example: 'WyI2ODc2ODBjZCJd' });
