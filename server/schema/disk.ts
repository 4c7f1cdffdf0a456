import { z } from 'zod';

/** A disk as the original API shows it. */
export const DiskInfo = z
  .object({
    id: z.string().meta({ description: 'UUID' }),
    location: z.string().meta({ description: 'absolute path of the exported folder; it holds disk.img' }),
    size: z.int().meta({ description: 'MiB of disk.img, 0 for a root' }),
    nfsAddress: z.string().meta({ description: 'address a Pi mounts it from' }),
  })
  .meta({ id: 'Disk' });
export type DiskInfo = z.output<typeof DiskInfo>;

/** All disks by id. */
export const DiskMap = z.object({ disks: z.record(z.string(), DiskInfo) }).meta({ id: 'DiskMap' });

/** What POST /disks takes. 16 TiB is the most that ext4 with 4 KiB blocks takes in one file. */
export const CreateDisk = z
  .object({
    size: z
      .int()
      .min(1)
      .max(16 * 1024 * 1024)
      .meta({ description: 'MiB of disk.img', example: 1024 }),
  })
  .meta({ id: 'CreateDisk' });

/** What POST /oven/{piId}/disks takes. */
export const AttachDisk = z.object({ diskId: z.string() }).meta({ id: 'AttachDisk' });
