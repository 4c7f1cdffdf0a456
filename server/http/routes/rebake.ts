import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import { type PiId, requireBakeformName, requirePiId } from '../../../core/ids.ts';
import { findOperation, listEvents } from '../../../db/journal.ts';
import { planRebake } from '../../operations/rebake.ts';
import { RebakeRequest } from '../../schema/bake.ts';
import { OperationInfo } from '../../schema/operation.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { answerOnce, IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { operationInfo } from '../operation-views.ts';
import { CHANGING, ONCE, STARTING, together } from '../problems.ts';
import { ROOT_WISH_PROBLEMS, rootWishOf } from '../root-wish.ts';

const PiParam = z.object({ piId: z.string().meta({ example: '687680cd' }) });

/** Another bakeform on the same Pi. */
export function rebakeRoute(app: Api, ports: ApiPorts): void {
  const { db, engine } = ports;

  app.post(
    '/pis/:piId/rebake',
    {
      config: {
        scope: 'operator',
        needsVolumes: true,
        problems: together(STARTING, ONCE, CHANGING, {
          400: ['bakeform-unknown', 'bad-bakeform-name', 'bad-pi-id', ...ROOT_WISH_PROBLEMS],
          404: ['pi-unknown'],
          409: ['pi-not-baked', 'exports-exhausted'],
        }),
      },
      schema: {
        operationId: 'rebakePi',
        tags: ['pis'],
        summary: 'Give a baked Pi another root, from any bakeform; its other disks stay',
        description:
          'Answers at once. The new root is made while the Pi runs on; then it is switched off, its roots are exchanged, and its power is as it was before. When that fails or is cancelled the Pi has its old root again. The old root goes to the trash.',
        headers: IdempotencyHeaders,
        params: PiParam,
        body: RebakeRequest,
        response: { 202: OperationInfo },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const wish = {
        ...rootWishOf(body),
        pi: requirePiId(request.params.piId),
        bakeform: requireBakeformName(body.bakeformName),
        power: body.power,
        keepPiConfig: body.keepPiConfig,
      };
      const controls = (pi: PiId) => ports.power.controls(pi);
      const facts = { controls, goldenBytes: ports.goldenBytes };
      const started = await engine.start('rebake', (trx) => planRebake(trx, wish, facts), {
        by: requesterOf(request),
        key: keyOf(request),
      });
      return answerOnce(db, { request, reply, started }, async () => {
        const operation = await findOperation(db, started.id);
        if (!operation) throw new BakeryError('internal', 'internal', 'an internal error occurred');
        return { status: 202, body: operationInfo(operation, await listEvents(db, operation.id), engine) };
      });
    },
  );
}
