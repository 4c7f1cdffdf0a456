import { z } from 'zod';
import { NextCursor } from './page.ts';

const UUID = '5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a';

/** MiB of a `disk.img`. A file on ext4 has at most 2^32 - 1 blocks of 4 KiB: 16 TiB, less one block. */
const SizeMiB = z
  .int()
  .min(1)
  .max(16 * 1024 * 1024 - 1);

const Name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'has 1 to 64 letters, digits or . _ - and starts with a letter or digit')
  .meta({ description: 'what people call it', example: 'postgres-data' });

/** mkfs.xfs(8) makes none that is smaller. */
const LEAST_XFS_MIB = 300;

const FileSystem = z
  .object({
    type: z.enum(['ext4', 'xfs']).meta({ example: 'ext4' }),
    label: z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9._-]{0,15}$/,
        'has 1 to 16 letters, digits or . _ - and starts with a letter or digit',
      )
      .optional()
      .meta({ description: 'at most 12 characters of xfs', example: 'containers' }),
  })
  .meta({ description: 'made in disk.img; xfs wants 300 MiB' });

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

/** A disk with what Bakery knows of it beside. */
export const DiskDetail = DiskInfo.extend({
  role: z.enum(['root', 'data']).meta({ description: 'a Pi’s root file system, or a folder that holds one disk.img' }),
  name: Name.optional(),
  source: z.string().optional().meta({ description: 'the disk or snapshot it was made from, which may be gone' }),
  createdAt: z.iso.datetime(),
  attachedTo: z.string().optional().meta({ description: 'the Pi it is attached to', example: '687680cd' }),
  snapshots: z.int().meta({ description: 'how many snapshots of it there are', example: 2 }),
}).meta({ id: 'DiskDetail' });
export type DiskDetail = z.output<typeof DiskDetail>;

/** All disks by id. */
export const DiskMap = z.object({ disks: z.record(z.string(), DiskInfo) }).meta({ id: 'DiskMap' });

/** What POST /disks takes. */
export const CreateDisk = z
  .object({
    size: SizeMiB.optional().meta({
      description: 'MiB of disk.img; needed without `from`, and with it the size to grow to',
      example: 1024,
    }),
    name: Name.optional(),
    from: z
      .uuid()
      .optional()
      .meta({ description: 'a disk or snapshot that it is to have the bytes of', example: UUID }),
    fileSystem: FileSystem.optional(),
  })
  .refine(({ size, from }) => size !== undefined || from !== undefined, { error: 'size is needed', path: ['size'] })
  .refine(({ fileSystem, from }) => fileSystem === undefined || from === undefined, {
    error: 'a disk that is made from another has the file system of that',
    path: ['fileSystem'],
  })
  .refine(({ fileSystem, size = 0 }) => fileSystem?.type !== 'xfs' || size >= LEAST_XFS_MIB, {
    error: `xfs needs ${LEAST_XFS_MIB} MiB`,
    path: ['size'],
  })
  .refine(({ fileSystem }) => fileSystem?.type !== 'xfs' || (fileSystem.label ?? '').length <= 12, {
    error: 'a label of xfs has at most 12 characters',
    path: ['fileSystem', 'label'],
  })
  .meta({ id: 'CreateDisk', example: { size: 1024 } });

/** What PATCH /disks/{diskId} takes. */
export const PatchDisk = z
  .object({ name: Name.nullable().optional().meta({ description: 'null takes its name away', example: 'pg-1' }) })
  .meta({ id: 'PatchDisk' });

/** What POST /disks/{diskId}/grow takes. */
export const GrowDisk = z
  .object({
    sizeMiB: SizeMiB.meta({ description: 'MiB that disk.img is to have', example: 2048 }),
    mayInterrupt: z.boolean().optional().meta({
      description:
        'Grow it also while it is attached and the server cannot grow it in use: what its Pi reads or writes in that moment fails (ESTALE).',
    }),
  })
  .meta({ id: 'GrowDisk' });

/** What POST /disks/{diskId}/restore takes. */
export const RestoreSnapshot = z
  .object({ snapshot: z.uuid().meta({ description: 'id of a snapshot of this disk', example: UUID }) })
  .meta({ id: 'RestoreSnapshot' });

/** What POST /disks/{diskId}/snapshots takes. */
export const CreateSnapshot = z.object({ name: Name.optional() }).meta({ id: 'CreateSnapshot' });

/** A disk as it was at one moment. */
export const SnapshotInfo = z
  .object({
    id: z.string().meta({ description: 'UUID', example: UUID }),
    disk: z.string().meta({ description: 'id of the disk it is of' }),
    name: Name.optional(),
    sizeMiB: z.int().meta({ description: 'MiB of disk.img at that moment', example: 1024 }),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Snapshot' });
export type SnapshotInfo = z.output<typeof SnapshotInfo>;

/** A page of snapshots. */
export const SnapshotPage = z
  .object({ snapshots: z.array(SnapshotInfo), next: NextCursor })
  .meta({ id: 'SnapshotPage' });

/** What POST /oven/{piId}/disks takes. */
export const AttachDisk = z.object({ diskId: z.string() }).meta({ id: 'AttachDisk' });
