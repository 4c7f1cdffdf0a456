import { type PiId, requireBakeformName } from '../../../core/ids.ts';
import { findOperation } from '../../../db/journal.ts';
import { listPis, requirePi } from '../../../db/pis.ts';
import { planBake } from '../../operations/bake.ts';
import { BakeRequest } from '../../schema/bakeform.ts';
import { PiInfo, PiMap } from '../../schema/pi.ts';
import { Problem } from '../../schema/problem.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { answerOnce, IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { onePi, piMap } from '../views.ts';

/** Pis that are free to use, and taking one. */
export function fridgeRoutes(app: Api, ports: ApiPorts): void {
  app.get(
    '/fridge',
    {
      schema: {
        operationId: 'listFridge',
        tags: ['fridge'],
        summary: 'List the Pis that are free to use',
        response: { 200: PiMap, default: Problem },
      },
    },
    async () => {
      const pis = (await listPis(ports.db)).filter((pi) => pi.state === 'fridge' && !pi.quarantine);
      return piMap(ports.db, pis, ports);
    },
  );

  app.post(
    '/fridge',
    {
      schema: {
        operationId: 'bakePi',
        tags: ['fridge'],
        summary: 'Bake a free Pi with a clone of a bakeform',
        description: 'Answers at once; the Pi is usable when `GET /oven/{piId}` shows status 2. It is not powered on.',
        headers: IdempotencyHeaders,
        body: BakeRequest,
        response: { 202: PiInfo, default: Problem },
      },
    },
    async (request, reply) => {
      const bakeform = requireBakeformName(request.body.bakeformName);
      const controls = (pi: PiId) => ports.power.controls(pi);
      const started = await ports.engine.start('bake', (trx) => planBake(trx, { bakeform, controls }), {
        by: requesterOf(request),
        key: keyOf(request),
      });
      return answerOnce(ports.db, { request, reply, started }, async () => {
        const id = (await findOperation(ports.db, started.id))?.pi;
        if (!id) throw new Error('a bake was admitted without a Pi');
        return { status: 202, body: await onePi(ports.db, await requirePi(ports.db, id), ports) };
      });
    },
  );
}
