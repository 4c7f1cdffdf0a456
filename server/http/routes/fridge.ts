import { requireBakeformName } from '../../../core/ids.ts';
import { listPis, requirePi } from '../../../db/pis.ts';
import { type BakeParams, planBake } from '../../operations/bake.ts';
import { BakeRequest } from '../../schema/bakeform.ts';
import { PiInfo, PiMap } from '../../schema/pi.ts';
import { Problem } from '../../schema/problem.ts';
import type { Api, ApiPorts } from '../api.ts';
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
        body: BakeRequest,
        response: { 202: PiInfo, default: Problem },
      },
    },
    async (request, reply) => {
      const bakeform = requireBakeformName(request.body.bakeformName);
      let chosen: BakeParams | undefined;
      await ports.engine.start('bake', async (trx) => {
        chosen = await planBake(trx, { bakeform, controls: (pi) => ports.power.controls(pi) });
        return chosen;
      });
      if (!chosen) throw new Error('a bake was admitted without a plan');
      const pi = await requirePi(ports.db, chosen.pi);
      return reply.code(202).send(await onePi(ports.db, pi, ports));
    },
  );
}
