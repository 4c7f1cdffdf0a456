import { z } from 'zod';
import { NextCursor } from './page.ts';

/** An upload that comes in pieces. */
export const UploadInfo = z
  .object({
    id: z.uuid().meta({ example: '5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a' }),
    bytes: z.int().meta({ description: 'how many it has when it is whole', example: 536_870_912 }),
    offset: z.int().meta({ description: 'how many are there: the next piece begins here', example: 104_857_600 }),
    createdAt: z.iso.datetime(),
    secondsLeft: z.int().meta({ description: 'until it is deleted, unless somebody goes on with it', example: 86_400 }),
  })
  .meta({ id: 'Upload' });
export type UploadInfo = z.output<typeof UploadInfo>;

/** Uploads, oldest first. */
export const UploadList = z.object({ uploads: z.array(UploadInfo), next: NextCursor }).meta({ id: 'UploadList' });

const TusVersion = z
  .string()
  .optional()
  .meta({ description: 'the version of tus that the client speaks, if it speaks that', example: '1.0.0' });

/** Headers of POST /uploads; others stay as they are. */
export const CreateUploadHeaders = z.looseObject({
  'tus-resumable': TusVersion,
  'upload-length': z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'is a number of bytes, 1 or more')
    .meta({ description: 'how many bytes there are in all', example: '536870912' }),
});

/** Headers of PATCH /uploads/{id}; others stay as they are. */
export const PieceHeaders = z.looseObject({
  'tus-resumable': TusVersion,
  'upload-offset': z
    .string()
    .regex(/^\d{1,15}$/, 'is a number of bytes')
    .meta({ description: 'where the piece begins: as many bytes as are there', example: '0' }),
});
