import { type PiId, requireBakeformName, requirePiId } from '../../../core/ids.ts';
import { parseSize } from '../../../core/size.ts';
import { findOperation } from '../../../db/journal.ts';
import { listPis, requirePi } from '../../../db/pis.ts';
import { planBake } from '../../operations/bake.ts';
import { BakeRequest } from '../../schema/bake.ts';
import { PiInfo, PiMap } from '../../schema/pi.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { answerOnce, IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { CHANGING, ONCE, STARTING, together } from '../problems.ts';
import { ROOT_WISH_PROBLEMS, rootWishOf } from '../root-wish.ts';
import { onePi, piMap } from '../views.ts';

/** Pis that are free to use, and taking one. */
export function fridgeRoutes(app: Api, ports: ApiPorts): void {
  app.get(
    '/fridge',
    {
      config: { scope: 'viewer' },
      schema: {
        operationId: 'listFridge',
        tags: ['fridge'],
        summary: 'List the Pis that are free to use',
        response: { 200: PiMap },
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
      config: {
        scope: 'cpi',
        needsVolumes: true,
        problems: together(STARTING, ONCE, CHANGING, {
          400: ['bakeform-unknown', 'bad-bakeform-name', 'bad-pi-id', ...ROOT_WISH_PROBLEMS],
          404: ['no-free-pi', 'pi-unknown'],
          409: ['pi-not-free', 'pi-unsuitable', 'exports-exhausted'],
        }),
      },
      schema: {
        operationId: 'bakePi',
        tags: ['fridge'],
        summary: 'Bake a free Pi with a clone of a bakeform',
        description:
          'Answers at once; the Pi is usable when `GET /oven/{piId}` shows status 2. It is not powered on unless the request says so. Without a choice any Pi is taken that is free.',
        headers: IdempotencyHeaders,
        body: BakeRequest,
        response: { 202: PiInfo },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const wish = {
        ...rootWishOf(body),
        bakeform: requireBakeformName(body.bakeformName),
        piId: body.piId === undefined ? undefined : requirePiId(body.piId),
        model: body.model,
        tags: body.tags,
        memory: body.memory === undefined ? undefined : parseSize(body.memory),
        manageDisks: body.manageDisks,
        powerOn: body.power === 'on',
      };
      const controls = (pi: PiId) => ports.power.controls(pi);
      const facts = { controls, goldenBytes: ports.goldenBytes };
      const started = await ports.engine.start('bake', (trx) => planBake(trx, wish, facts), {
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
