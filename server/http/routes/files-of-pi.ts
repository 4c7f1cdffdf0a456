import { z } from 'zod';
import { BakeryError, isErrno } from '../../../core/errors.ts';
import { withMounted } from '../../../core/host/beneath.ts';
import { openBeneath } from '../../../core/host/files.ts';
import { replaceBeneath } from '../../../core/host/replace.ts';
import { isPlainFilename, type PiId, requirePiId } from '../../../core/ids.ts';
import { findClaim } from '../../../db/journal.ts';
import { requirePi } from '../../../db/pis.ts';
import { notBaked } from '../../operations/disks.ts';
import type { Api, ApiPorts } from '../api.ts';
import { type BodyLimits, uploadOf } from '../bodies.ts';
import { contentOf } from '../content.ts';
import { CHANGING, together } from '../problems.ts';

const FileParam = z.object({ piId: z.string(), filename: z.string().meta({ example: 'settings.json' }) });
/** The folder in a Pi's root that the BOSH agent's settings go to. */
const FOLDER = 'piConfig';

/** The mount point of a baked Pi's root, and the path of a file in its piConfig folder. */
async function place(ports: ApiPorts, params: { piId: string; filename: string }) {
  const pi = await requirePi(ports.db, requirePiId(params.piId));
  if (!isPlainFilename(params.filename)) {
    throw new BakeryError(
      'invalid',
      'bad-filename',
      'a file name is one path component of letters, digits and ._+=@,-',
    );
  }
  if (pi.state !== 'baked') throw notBaked(pi.id, pi.state);
  const holder = await findClaim(ports.db, `pi:${pi.id}`);
  if (holder?.kind === 'unbake') throw notBaked(pi.id, 'unbaking');
  return { pi: pi.id, root: ports.places.root(pi.id), path: `${FOLDER}/${params.filename}` };
}

/**
 * Works beneath the root of a baked Pi. An operation that unmounts that meanwhile aborts `signal`, and waits until the work has ended.
 * @throws BakeryError `pi-not-baked` (conflict), also by `signal`.
 */
async function withRoot<T>(
  ports: ApiPorts,
  { pi, root }: { pi: PiId; root: string },
  work: (root: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const parted = notBaked(pi, 'parted from its root');
  const cut = new AbortController();
  const closed = ports.openFiles.opened(root, () => cut.abort(parted));
  try {
    return await withMounted(root, (mounted) => work(mounted, cut.signal));
  } catch (error) {
    throw error instanceof BakeryError && error.code === 'volume-missing' ? parted : error;
  } finally {
    closed();
  }
}

/** Writing into a Pi's piConfig folder; the body is streamed. */
export function uploadRoute(app: Api, ports: ApiPorts, limits: BodyLimits): void {
  app.post(
    '/oven/:piId/upload/:filename',
    {
      config: {
        rawBody: 'application/octet-stream',
        scope: 'cpi',
        problems: together(CHANGING, {
          400: ['bad-pi-id', 'bad-filename', 'upload-cut-off'],
          403: ['path-refused'],
          408: ['upload-stalled'],
          413: ['upload-too-large'],
          404: ['pi-unknown'],
          409: ['pi-not-baked'],
          507: ['root-full', 'pool-full'],
        }),
      },
      schema: {
        operationId: 'uploadFile',
        tags: ['oven'],
        summary: "Write a file into the Pi's /piConfig",
        params: FileParam,
        response: { 200: z.object({}) },
      },
    },
    async (request) => {
      const at = await place(ports, request.params);
      try {
        await withRoot(ports, at, (root, signal) =>
          replaceBeneath(root, at.path, whileRoom(uploadOf(request, limits, signal), ports)),
        );
      } catch (error) {
        if (isErrno(error, 'ENOSPC') || isErrno(error, 'EDQUOT')) {
          throw new BakeryError('no-space', 'root-full', 'the root of that Pi is full', { cause: error });
        }
        if (request.raw.destroyed && !request.raw.complete) {
          throw new BakeryError('invalid', 'upload-cut-off', 'the upload ended before it was whole', { cause: error });
        }
        throw error;
      }
      // What began meanwhile to give the Pi another root may have passed over the new file.
      await place(ports, request.params);
      return {};
    },
  );
}

/** What the server writes on a Pi's root is bound by the pool's reserve like what the Pi writes over NFS. */
async function* whileRoom(body: AsyncIterable<Uint8Array>, ports: ApiPorts): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    if (!ports.mayWrite()) throw new BakeryError('no-space', 'pool-full', 'the pool has no room for that');
    yield chunk;
  }
}

/** Reading from a Pi's piConfig folder. */
export function downloadRoute(app: Api, ports: ApiPorts): void {
  app.get(
    '/oven/:piId/download/:filename',
    {
      config: {
        scope: 'cpi',
        problems: {
          400: ['bad-pi-id', 'bad-filename'],
          403: ['path-refused'],
          404: ['pi-unknown', 'file-unknown'],
          409: ['pi-not-baked'],
        },
      },
      schema: {
        operationId: 'downloadFile',
        tags: ['oven'],
        summary: "Read a file from the Pi's /piConfig",
        params: FileParam,
        produces: ['application/octet-stream'],
        response: { 200: z.any().meta({ description: 'the bytes of the file' }) },
      },
    },
    async (request, reply) => {
      const at = await place(ports, request.params);
      const handle = await withRoot(ports, at, (root) => openBeneath(root, at.path)).catch((error) => {
        if (!isErrno(error, 'ENOENT')) throw error;
        throw new BakeryError('not-found', 'file-unknown', 'there is no such file on that Pi');
      });
      const { size } = await handle.stat();
      reply.type('application/octet-stream').header('content-length', size);
      return reply.send(await contentOf(handle, { size, root: at.root }, ports));
    },
  );
}
