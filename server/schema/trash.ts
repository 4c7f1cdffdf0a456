import { z } from 'zod';
import { NextCursor } from './page.ts';

/** A destroyed disk that can still be restored. */
export const TrashedDiskInfo = z
  .object({
    id: z.string(),
    role: z.enum(['root', 'data']),
    size: z.int().meta({ description: 'MiB of disk.img, 0 for a root' }),
    pi: z.string().optional().meta({ description: 'the Pi it was on' }),
    bakeform: z.string().optional().meta({ description: 'of a root: what it was cloned from' }),
    discardedAt: z.iso.datetime(),
    keptForSeconds: z.int().meta({ description: 'how long running servers have kept it' }),
    secondsLeft: z.int().meta({ description: 'until it is deleted for good, unless the pool runs low before' }),
  })
  .meta({ id: 'TrashedDisk' });
export type TrashedDiskInfo = z.output<typeof TrashedDiskInfo>;

/** A page of the trash, oldest first. */
export const TrashList = z.object({ disks: z.array(TrashedDiskInfo), next: NextCursor }).meta({ id: 'TrashList' });
