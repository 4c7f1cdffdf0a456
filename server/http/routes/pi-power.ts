import { findOperation, listEvents } from '../../../db/journal.ts';
import { requirePiCalled } from '../../../db/pis.ts';
import { planPower } from '../../operations/power.ts';
import { OperationInfo } from '../../schema/operation.ts';
import { PiPowerInfo, PowerRequest } from '../../schema/pi.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { answerOnce, IdempotencyHeaders, keyOf } from '../idempotency.ts';
import { operationInfo } from '../operation-views.ts';
import { ONCE, STARTING, together } from '../problems.ts';
import { NAMING, PiParam } from './pis.ts';

/** A switch is asked for no longer than this. */
const OBSERVE_MS = 5_000;

/** The power of single Pis. */
export function piPowerRoutes(app: Api, ports: ApiPorts): void {
  const { db, engine, power } = ports;

  app.get(
    '/pis/:piId/power',
    {
      config: { scope: 'viewer', problems: NAMING },
      schema: {
        operationId: 'getPiPower',
        tags: ['pis'],
        summary: "What a Pi's power should be, and what its switch says",
        description: 'A switch that does not answer within 5 s says `unknown`, which is never the same as off.',
        params: PiParam,
        response: { 200: PiPowerInfo },
      },
    },
    async (request) => {
      const { id, desiredPower, fault } = await requirePiCalled(db, request.params.piId);
      const limit = AbortSignal.timeout(OBSERVE_MS);
      const observed = await power.observe(id, limit).catch((error) => {
        if (limit.aborted) return 'unknown' as const;
        throw error;
      });
      return {
        reach: power.reach(id),
        ...(desiredPower ? { desired: desiredPower } : {}),
        ...(observed ? { observed } : {}),
        ...(fault ? { fault } : {}),
      };
    },
  );

  app.post(
    '/pis/:piId/power',
    {
      config: {
        scope: 'operator',
        problems: together(STARTING, ONCE, NAMING, {
          409: ['pi-quarantined', 'power-not-configured', 'power-on-unbaked'],
          429: ['too-many-cycles'],
        }),
      },
      schema: {
        operationId: 'switchPi',
        tags: ['pis'],
        summary: 'Switch a Pi on or off, or off and on',
        description:
          'Answers at once; the operation tells how it went, and a failure shows as `fault` of the Pi. Off leaves a baked Pi baked. On needs a baked Pi, or one in maintenance: any other of the fridge would be switched off again as soon as it asks for its boot files. Nothing else is done to the Pi meanwhile; an unbake cancels it.',
        headers: IdempotencyHeaders,
        params: PiParam,
        body: PowerRequest,
        response: { 202: OperationInfo },
      },
    },
    async (request, reply) => {
      const { action } = request.body;
      const { id: pi } = await requirePiCalled(db, request.params.piId);
      const started = await engine.start('power', (trx) => planPower(trx, { pi, action, power }), {
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
