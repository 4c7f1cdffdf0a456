import { z } from 'zod';
import { flag } from './flag.ts';

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

/** Something that was changed in an image, or that a person should know of it. */
const BakeformFinding = z
  .object({
    code: z.string().meta({ description: 'stable; docs/bakeforms.md explains each', example: 'no-login' }),
    level: z.enum(['info', 'warning', 'error']).meta({ description: 'error: no Pi can boot it' }),
    message: z.string().meta({ example: 'nobody can log in: no password and no key is set' }),
    path: z.string().optional().meta({ description: 'below its root', example: 'etc/fstab' }),
  })
  .meta({ id: 'BakeformFinding' });

/** A bakeform with what Bakery knows of it beside. */
export const BakeformDetail = BakeformInfo.extend({
  createdAt: z.iso.datetime(),
  bootFolder: z.string().meta({ description: 'below its root, with its boot files', example: 'boot/firmware' }),
  rootUsedBytes: z.int().meta({ description: 'bytes that its root holds', example: 2_147_483_648 }),
  rootSizeBytes: z.int().meta({ description: 'how large its root is, and that of each Pi', example: 8_589_934_592 }),
  pis: z.int().meta({ description: 'how many Pis are baked from it now', example: 12 }),
  lint: z
    .array(BakeformFinding)
    .meta({ description: 'what was changed to make it netboot, and what is left to see to' }),
}).meta({ id: 'BakeformDetail' });
export type BakeformDetail = z.output<typeof BakeformDetail>;

/** What POST /bakeforms/{name} takes in its address. */
export const UploadQuery = z.object({
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'has 64 hex digits')
    .optional()
    .meta({ description: 'of the bytes that are sent: other bytes make no bakeform' }),
  upload: z
    .string()
    .optional()
    .meta({ description: 'an upload that is whole, see /uploads: it is made of that, and no body is sent' }),
  prepare: flag().meta({
    description: 'whether its root is changed so that it netboots; `false` only tells what would have been',
    default: true,
  }),
});

/** All bakeforms by name. */
export const BakeformMap = z.record(z.string(), BakeformInfo).meta({ id: 'BakeformMap' });
