import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BakeryError, isErrno } from '../../../core/errors.ts';
import { openBeneath } from '../../../core/host/files.ts';
import { parseIpv4, parsePiId } from '../../../core/ids.ts';
import type { Api, ApiPorts } from '../api.ts';
import { contentOf } from '../content.ts';

const FileParam = z.object({
  piId: z.string().meta({ example: '687680cd' }),
  '*': z.string().meta({ description: 'path of the boot file, `cmdline.txt` for one', example: 'cmdline.txt' }),
});

/** Boot files over HTTP, for a relay that does the TFTP (HookTFTP). Authorised by address or by token, see the app. */
export function bootFileRoute(app: Api, ports: ApiPorts): void {
  app.get(
    '/files/:piId/*',
    {
      config: { scope: 'viewer', problems: { 404: ['boot-file-unknown'] } },
      schema: {
        operationId: 'getBootFile',
        tags: ['netboot'],
        summary: 'Get a boot file of a Pi; cmdline.txt is rendered for it',
        description:
          'An unknown Pi is registered in the fridge. A Pi in the fridge gets 404 and is switched off. Needs no token from a trusted relay.',
        params: FileParam,
        produces: ['application/octet-stream'],
        response: { 200: z.any().meta({ description: 'the bytes of the file' }) },
      },
    },
    async (request, reply) => {
      const id = parsePiId(request.params.piId);
      const answer = id
        ? await ports.desk.answer({ client: clientOf(request), filename: `${id}/${request.params['*']}`, relay: true })
        : undefined;
      if (!answer || answer.kind === 'error') {
        throw unknownFile();
      }
      reply.type('application/octet-stream');
      if (answer.kind === 'bytes') return reply.send(Buffer.from(answer.bytes));
      const handle = await openBeneath(answer.root, answer.path).catch((error) => {
        // The Pi may take it away, or put a link in its place, after the desk has looked.
        const isGone = isErrno(error, 'ENOENT') || (error instanceof BakeryError && error.code === 'path-refused');
        throw isGone ? unknownFile() : error;
      });
      const { size } = await handle.stat();
      return reply.header('content-length', size).send(await contentOf(handle, { size, root: answer.root }, ports));
    },
  );
}

function unknownFile(): BakeryError {
  return new BakeryError('not-found', 'boot-file-unknown', 'there is no such boot file for that Pi');
}

/** The address a request comes from; loopback where it is none of IPv4. */
export function clientOf(request: FastifyRequest) {
  const address = parseIpv4((request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''));
  return address ?? parseIpv4('0.0.0.0') ?? fail();
}

function fail(): never {
  throw new Error('unreachable');
}
