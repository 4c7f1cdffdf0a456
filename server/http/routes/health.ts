import { Health, type PartReadiness, Readiness } from '../../schema/health.ts';
import type { Api, ApiPorts } from '../api.ts';

/** The worst state among parts. */
function worst(parts: readonly PartReadiness[]): Readiness['status'] {
  const states = new Set(parts.map(({ state }) => state));
  if (states.has('not-ready')) return 'not-ready';
  return states.has('degraded') ? 'degraded' : 'ready';
}

/** For load balancers and supervisors; no token. */
export function healthRoutes(app: Api, ports: ApiPorts, label: string | undefined): void {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'getHealth',
        tags: ['health'],
        summary: 'Is the process alive',
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
        summary: 'Which part of the server is not ready',
        description:
          '503 while a part is not ready; degraded parts do not change the status. Answers are a second old at most.',
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      const parts = [...(await ports.readiness())];
      const status = worst(parts);
      return reply
        .code(status === 'not-ready' ? 503 : 200)
        .send({ status, parts, ...(label === undefined ? {} : { label }) });
    },
  );
}
