import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { BakeryError } from '../../core/errors.ts';
import type { BakeformName, UploadId } from '../../core/ids.ts';
import {
  addBakeform,
  findBakeform,
  finishBakeform,
  removeBakeform,
  requireBakeform,
  setBakeformState,
} from '../../db/bakeforms.ts';
import type { Executor } from '../../db/open.ts';
import { requireUpload } from '../../db/uploads.ts';
import type { OperationKind } from './kind.ts';
import type { OperationPorts } from './ports.ts';

const Params = z.object({
  name: z.string().transform((name) => name as BakeformName),
  volume: z.string(),
  /** What its bytes must hash to. */
  sha256: z.string().optional(),
  /** The upload that it is made of, where it came in pieces before. */
  upload: z.object({ id: z.string(), bytes: z.number() }).optional(),
  /** Absent, as in older journals, it is prepared. */
  prepare: z.boolean().optional(),
});
/** A bakeform's name and its golden volume's id. */
export type BakeformParams = z.output<typeof Params>;

/**
 * Mints the id of a new bakeform's golden volume; refuses a name that is taken. One that is being made or removed is busy, as the claim
 * tells: an upload that was cut ends in a moment, and were its client told that the name is taken, its delete would find nothing.
 * Runs in the admitting transaction.
 */
export async function planUpload(
  trx: Executor,
  name: BakeformName,
  {
    sha256,
    prepare,
    upload,
  }: { sha256?: string | undefined; prepare?: boolean | undefined; upload?: UploadId | undefined } = {},
): Promise<BakeformParams> {
  if ((await findBakeform(trx, name))?.state === 'ready') {
    throw new BakeryError('forbidden', 'bakeform-exists', `there is a bakeform ${name} already`);
  }
  const whole = upload === undefined ? undefined : await requireUpload(trx, upload);
  return {
    name,
    volume: randomUUID(),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(whole ? { upload: { id: whole.id, bytes: whole.bytes } } : {}),
    ...(prepare === undefined ? {} : { prepare }),
  };
}

/** The bakeform to delete; of one that is being made the claim decides. Runs in the admitting transaction. */
export async function planDelete(trx: Executor, name: BakeformName): Promise<BakeformParams> {
  return { name, volume: (await requireBakeform(trx, name)).volumeId };
}

const Received = z.object({ bytes: z.number(), sha256: z.string() });
const Finding = z.object({
  code: z.string(),
  level: z.enum(['info', 'warning', 'error']),
  message: z.string(),
  path: z.string().exactOptional(),
});
const Prepared = z.object({
  bootFolder: z.string(),
  notes: z.array(z.string()),
  lint: z.array(Finding),
  root: z.object({ usedBytes: z.number(), sizeBytes: z.number() }),
});

/** What a crash cannot bring back of an upload. */
export interface UploadAttachment {
  readonly body: AsyncIterable<Uint8Array>;
  /** Its length in bytes, when the client told it. */
  readonly total?: number | undefined;
}

/** Turns an uploaded image into a bakeform. Needs an `UploadAttachment`, or an upload in its parameters. */
export function uploadBakeformKind(ports: OperationPorts): OperationKind<BakeformParams> {
  const { images, volumes } = ports;
  return {
    kind: 'upload-bakeform',
    version: 1,
    afterCrash: 'rollback',
    parse: (params) => Params.parse(params),
    claims: ({ name }) => [{ resource: `bakeform:${name}`, purpose: 'upload' }],
    admit: (trx, params) => addBakeform(trx, { name: params.name, volumeId: params.volume, now: ports.clock.now() }),
    steps: [
      {
        name: 'receive',
        timeoutMs: 24 * 3_600_000,
        async do({ params, signal, attachment, report }) {
          const { upload, volume: id } = params;
          const sent = attachment as UploadAttachment;
          const total = upload ? upload.bytes : sent.total;
          const onBytes = (done: number) => report({ done, total, unit: 'bytes' });
          const received = upload
            ? await images.adopt({ id, upload, signal, onBytes })
            : await images.receive(sent.body, { id, signal, onBytes });
          if (params.sha256 !== undefined && params.sha256 !== received.sha256) {
            const message = `what came has the SHA-256 ${received.sha256}`;
            throw new BakeryError('invalid', 'sha-differs', message);
          }
          return received;
        },
        undo: ({ params }) => images.tidy({ id: params.volume }),
      },
      {
        name: 'unpack',
        timeoutMs: 3 * 3_600_000,
        do({ params, signal, report }) {
          const onBytes = (done: number, total: number) => report({ done, total, unit: 'bytes' });
          return images.unpack({ id: params.volume, signal, onBytes });
        },
        undo: ({ params }) => images.tidy({ id: params.volume }),
      },
      {
        name: 'golden',
        timeoutMs: 60 * 60_000,
        do({ params, signal, report }) {
          const onBytes = (done: number, total: number) => report({ done, total, unit: 'bytes' });
          return images.makeGolden({ id: params.volume, signal, onBytes });
        },
        async undo({ params }) {
          await images.tidy({ id: params.volume });
          await volumes.removeGolden(params.volume);
        },
      },
      {
        name: 'prepare',
        timeoutMs: 10 * 60_000,
        do: ({ params, signal }) => images.prepare({ id: params.volume, signal, isLeft: params.prepare === false }),
        undo: ({ params }) => images.tidy({ id: params.volume }),
      },
      { name: 'tidy', timeoutMs: 60_000, do: ({ params }) => images.tidy({ id: params.volume }) },
    ],
    commit(trx, { params, outputs }) {
      return finishBakeform(trx, params.name, {
        ...Received.parse(outputs.receive),
        ...Prepared.parse(outputs.prepare),
      });
    },
    unwound: (trx, { params }) => removeBakeform(trx, params.name),
  };
}

/** Deletes a bakeform. Pis baked from it live on: their roots share nothing with it but blocks. */
export function deleteBakeformKind(ports: OperationPorts): OperationKind<BakeformParams> {
  return {
    kind: 'delete-bakeform',
    version: 1,
    afterCrash: 'forward',
    parse: (params) => Params.parse(params),
    claims: ({ name }) => [{ resource: `bakeform:${name}`, purpose: 'delete' }],
    admit: (trx, { name }) => setBakeformState(trx, name, 'removing'),
    steps: [{ name: 'remove', timeoutMs: 60_000, do: ({ params }) => ports.volumes.removeGolden(params.volume) }],
    commit: (trx, { params }) => removeBakeform(trx, params.name),
  };
}
