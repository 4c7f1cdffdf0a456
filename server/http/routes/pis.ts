import { z } from 'zod';
import { requirePiId } from '../../../core/ids.ts';
import { requirePi } from '../../../db/pis.ts';
import { planRelease } from '../../operations/release.ts';
import { ReleaseRequest } from '../../schema/operation.ts';
import { PiInfo } from '../../schema/pi.ts';
import { Problem } from '../../schema/problem.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { onePi } from '../views.ts';

const PiParam = z.object({ piId: z.string().meta({ example: '687680cd' }) });

/** Single Pis, whatever their state. */
export function piRoutes(app: Api, ports: ApiPorts): void {
  const { db, engine, clock } = ports;

  app.post(
    '/pis/:piId/release',
    {
      schema: {
        operationId: 'releasePi',
        tags: ['pis'],
        summary: 'Give a held Pi back to the fridge without its power switch',
        description:
          'Ends the stuck operation that holds the Pi, withdraws what the Pi mounts and puts its disks into the trash, from where they can be restored. Answers at once; the Pi is held until nothing is left.',
        params: PiParam,
        body: ReleaseRequest,
        response: { 202: PiInfo, default: Problem },
      },
    },
    async (request, reply) => {
      const pi = requirePiId(request.params.piId);
      const { isOff } = request.body;
      const started = await engine.start('release', (trx) => planRelease(trx, { pi, isOff, now: clock.now() }), {
        by: requesterOf(request),
      });
      request.operation = started.id;
      return reply.code(202).send(await onePi(db, await requirePi(db, pi), ports));
    },
  );
}
