import { z } from 'zod';

/** A bakeform as the original API shows it, with what Bakery found out. */
export const BakeformInfo = z
  .object({
    name: z.string(),
    location: z.string().meta({ description: 'its golden volume on the server' }),
    sha256: z.string().optional().meta({ description: 'of the uploaded bytes' }),
    bytes: z.int().optional().meta({ description: 'uploaded bytes' }),
    notes: z.array(z.string()).optional().meta({ description: 'what was changed to make it netboot, and warnings' }),
  })
  .meta({ id: 'Bakeform' });
export type BakeformInfo = z.output<typeof BakeformInfo>;

/** All bakeforms by name. */
export const BakeformMap = z.record(z.string(), BakeformInfo).meta({ id: 'BakeformMap' });

/** What POST /fridge takes. */
export const BakeRequest = z
  .object({ bakeformName: z.string().meta({ example: 'raspios' }) })
  .meta({ id: 'BakeRequest' });
