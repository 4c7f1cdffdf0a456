import { z } from 'zod';
import { plainConsole } from '../../../core/console.ts';
import { BakeryError, isErrno } from '../../../core/errors.ts';
import { tailBeneath } from '../../../core/host/tail.ts';
import { requirePiCalled } from '../../../db/pis.ts';
import type { Api, ApiPorts } from '../api.ts';
import { together } from '../problems.ts';
import { NAMING, PiParam } from './pis.ts';

const KIB = 1024;
const Query = z.object({
  bytes: z.coerce
    .number()
    .int()
    .min(1)
    .max(KIB * KIB)
    .default(64 * KIB)
    .meta({ description: 'of its end, at most', example: 4096 }),
});
const EXAMPLE = '[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x410fd034]\n';

/** What Pis print on their serial consoles, where something writes that down. */
export function consoleRoute(app: Api, ports: ApiPorts): void {
  const { db, consoles } = ports;

  app.get(
    '/pis/:piId/console',
    {
      config: { scope: 'viewer', problems: together(NAMING, { 404: ['no-console'] }) },
      schema: {
        operationId: 'getConsole',
        tags: ['netboot'],
        summary: "Get the end of what a Pi's serial console printed",
        description:
          'Bakery reads no serial line: a console server (conserver, ser2net, tio) does, and writes `<serial>.log` into the folder of ' +
          '`BAKERY_CONSOLES`. Without escape sequences and control characters.',
        params: PiParam,
        querystring: Query,
        produces: ['text/plain'],
        response: { 200: z.string().meta({ description: 'its last lines', example: EXAMPLE }) },
      },
    },
    async (request, reply) => {
      const { id } = await requirePiCalled(db, request.params.piId);
      const none = (detail: string) =>
        new BakeryError('not-found', 'no-console', `nobody writes down the console of Pi ${id}`, { detail });
      if (consoles === undefined) throw none('BAKERY_CONSOLES is not set');
      const bytes = await tailBeneath(consoles, `${id}.log`, request.query.bytes).catch((error: unknown) => {
        throw isErrno(error, 'ENOENT') ? none(`there is no ${id}.log in ${consoles}`) : error;
      });
      return reply.type('text/plain; charset=utf-8').send(plainConsole(bytes));
    },
  );
}
