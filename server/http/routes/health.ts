import { z } from 'zod';
import { BakeryError } from '../../../core/errors.ts';
import { Problem } from '../../schema/problem.ts';
import type { Api, ApiPorts } from '../api.ts';

const Health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });

/** For load balancers and supervisors; no token. */
export function healthRoutes(app: Api, ports: ApiPorts): void {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'getHealth',
        tags: ['health'],
        summary: 'Is the process alive',
        security: [],
        response: { 200: Health },
      },
    },
    async () => ({ status: 'ok' as const }),
  );
  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'getReadiness',
        tags: ['health'],
        summary: 'Is every part of the server up',
        security: [],
        response: { 200: Health, default: Problem },
      },
    },
    async () => {
      if (!ports.ready()) throw new BakeryError('unavailable', 'not-ready', 'the server is starting or stopping');
      if (ports.databaseMoved()) {
        throw new BakeryError('unavailable', 'database-moved', 'the file of the database was moved away');
      }
      return { status: 'ok' as const };
    },
  );
}
