import { patchPi, requirePi, requirePiCalled } from '../../../db/pis.ts';
import { planRelease } from '../../operations/release.ts';
import { ReleaseRequest } from '../../schema/operation.ts';
import { Pi, PiInfo } from '../../schema/pi.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { piShape } from '../pi-views.ts';
import { CHANGING, STARTING, together } from '../problems.ts';
import { onePi } from '../views.ts';
import { WAYS_OUT } from '../ways-out.ts';
import { NAMING, PiParam } from './pis.ts';

/** What only a person can decide of a Pi. */
export function piCareRoutes(app: Api, ports: ApiPorts): void {
  const { db, engine, clock } = ports;

  app.post(
    '/pis/:piId/admit',
    {
      config: { scope: 'operator', problems: NAMING },
      schema: {
        operationId: 'admitPi',
        tags: ['pis'],
        summary: 'End the quarantine of a Pi',
        description: 'It may be baked from then on. Fine for a Pi that is in none.',
        params: PiParam,
        response: { 200: Pi },
      },
    },
    async (request) => {
      const { id } = await requirePiCalled(db, request.params.piId);
      await patchPi(db, id, { quarantine: false });
      return piShape(db, id, ports);
    },
  );

  app.post(
    '/pis/:piId/confirm-off',
    {
      config: { scope: 'operator', problems: NAMING },
      schema: {
        operationId: 'confirmPiOff',
        tags: ['pis'],
        summary: 'Say that you have seen a Pi to be off',
        description: 'Takes the flag `awaitOff` from it. Fine for a Pi that has it not.',
        params: PiParam,
        response: { 200: Pi },
      },
    },
    async (request) => {
      const { id } = await requirePiCalled(db, request.params.piId);
      await patchPi(db, id, { awaitOff: false });
      return piShape(db, id, ports);
    },
  );

  app.post(
    '/pis/:piId/release',
    {
      config: {
        scope: 'operator',
        problems: together(STARTING, CHANGING, NAMING, { 409: ['pi-not-held'] }),
      },
      schema: {
        operationId: 'releasePi',
        tags: ['pis'],
        summary: 'Give a held Pi back to the fridge without its power switch',
        description: `Ends the stuck operation that holds the Pi, withdraws what the Pi mounts and puts its disks into the trash, from where they can be restored. Answers at once; the Pi is held until nothing is left. ${WAYS_OUT}`,
        params: PiParam,
        body: ReleaseRequest,
        response: { 202: PiInfo },
      },
    },
    async (request, reply) => {
      const { id: pi } = await requirePiCalled(db, request.params.piId);
      const { isOff } = request.body;
      const started = await engine.start('release', (trx) => planRelease(trx, { pi, isOff, now: clock.now() }), {
        by: requesterOf(request),
      });
      request.operation = started.id;
      return reply.code(202).send(await onePi(db, await requirePi(db, pi), ports));
    },
  );
}
