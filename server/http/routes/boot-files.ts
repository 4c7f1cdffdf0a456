import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import { openBeneath } from '../../../core/host/files.ts';
import { parseIpv4, parsePiId } from '../../../core/ids.ts';
import { Problem } from '../../schema/problem.ts';
import type { Api, ApiPorts } from '../api.ts';

const FileParam = z.object({
  piId: z.string().meta({ example: '687680cd' }),
  '*': z.string().meta({ description: 'path of the boot file, `cmdline.txt` for one', example: 'cmdline.txt' }),
});

/** Boot files over HTTP, for a relay that does the TFTP (HookTFTP). Authorised by address or by token, see the app. */
export function bootFileRoute(app: Api, ports: ApiPorts): void {
  app.get(
    '/files/:piId/*',
    {
      schema: {
        operationId: 'getBootFile',
        tags: ['netboot'],
        summary: 'Get a boot file of a Pi; cmdline.txt is rendered for it',
        description:
          'An unknown Pi is registered in the fridge. A Pi in the fridge gets 404 and is switched off. Needs no token from a trusted relay.',
        params: FileParam,
        response: { 200: z.any().meta({ description: 'the bytes of the file' }), default: Problem },
      },
    },
    async (request, reply) => {
      const id = parsePiId(request.params.piId);
      const answer = id
        ? await ports.desk.answer({ client: clientOf(request), filename: `${id}/${request.params['*']}`, relay: true })
        : undefined;
      if (!answer || answer.kind === 'error') {
        throw new BakeryError('not-found', 'boot-file-unknown', 'there is no such boot file for that Pi');
      }
      reply.type('application/octet-stream');
      if (answer.kind === 'bytes') return reply.send(Buffer.from(answer.bytes));
      const handle = await openBeneath(answer.root, answer.path);
      const { size } = await handle.stat();
      if (size === 0) {
        await handle.close();
        return reply.send(Buffer.alloc(0));
      }
      return reply.header('content-length', size).send(handle.createReadStream({ end: size - 1 }));
    },
  );
}

/** The address a request comes from; loopback where it is none of IPv4. */
export function clientOf(request: FastifyRequest) {
  const address = parseIpv4((request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''));
  return address ?? parseIpv4('0.0.0.0') ?? fail();
}

function fail(): never {
  throw new Error('unreachable');
}
