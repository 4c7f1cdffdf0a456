import { findOperation, listEvents } from '../../../db/journal.ts';
import { planBulk } from '../../operations/bulk.ts';
import { BulkWish } from '../../operations/bulk-actions.ts';
import { BulkRequest } from '../../schema/bulk.ts';
import { OperationInfo } from '../../schema/operation.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { requireVolumes } from '../gate.ts';
import { answerOnce, IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { operationInfo } from '../operation-views.ts';
import { ONCE, together, WITH_VOLUMES } from '../problems.ts';
import { keptWishOf, ROOT_WISH_PROBLEMS } from '../root-wish.ts';
import type { HttpSettings } from '../settings.ts';

/** Many Pis at once. */
export function bulkRoutes(app: Api, ports: ApiPorts, settings: Pick<HttpSettings, 'keepsVolumes'>): void {
  const { db, engine } = ports;

  app.post(
    '/bulk',
    {
      config: {
        scope: 'operator',
        problems: together(ONCE, WITH_VOLUMES, {
          400: ['bad-pi-id', 'no-pi-meant', 'too-many-pis', 'bad-bakeform-name', ...ROOT_WISH_PROBLEMS],
          404: ['pi-unknown'],
          503: ['stopping'],
        }),
      },
      schema: {
        operationId: 'bulk',
        tags: ['pis'],
        summary: 'Do one thing to many Pis, a few at a time',
        description:
          'Answers at once with one operation of kind `bulk`; `GET /operations/{operationId}` tells of each Pi how far it is, and the operation that does it. It goes on after a restart. What was done stays done when others fail; then the bulk ends as `failed` with `bulk-incomplete`. Cancelling it begins no more, and lets those under way end.',
        headers: IdempotencyHeaders,
        body: BulkRequest,
        response: { 202: OperationInfo },
      },
    },
    async (request, reply) => {
      // Each Pi would fail for itself, of a bakeform that there cannot be.
      if ('bakeformName' in request.body) requireVolumes(settings);
      const { pis, select = {}, atATime, stopAtFirstFailure, ...action } = request.body;
      const wish = 'bakeformName' in action ? { ...action, ...keptWishOf(action) } : action;
      const targets = pis ? { pis } : { select };
      const planned = { wish: BulkWish.parse(wish), atATime, stopAtFirstFailure, targets };
      const started = await engine.start('bulk', (trx) => planBulk(trx, planned), {
        by: requesterOf(request),
        key: keyOf(request),
      });
      return answerOnce(db, { request, reply, started }, async () => {
        const operation = await findOperation(db, started.id);
        if (!operation) throw new Error('an operation was admitted and is not there');
        return { status: 202, body: operationInfo(operation, await listEvents(db, started.id), engine) };
      });
    },
  );
}
