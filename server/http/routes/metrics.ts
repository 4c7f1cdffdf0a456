import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Api, ApiPorts } from '../api.ts';

const Page = z.string().meta({ description: 'the text format of Prometheus, version 0.0.4' });

/** What Prometheus scrapes; with a token, like everything that tells of the pool. */
export function metricsRoute(app: Api, ports: ApiPorts): void {
  app.get(
    '/metrics',
    {
      config: { scope: 'viewer' },
      schema: {
        operationId: 'getMetrics',
        tags: ['health'],
        summary: 'Measurements for Prometheus',
        produces: ['text/plain'],
        response: { 200: Page },
      },
    },
    async (_request, reply) => {
      const page = await ports.metrics.write();
      return reply.type(ports.metrics.contentType).send(page);
    },
  );
}

/** Tells every answered request to whoever counts them. */
export function countRequests(app: FastifyInstance, ports: ApiPorts): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request;
    const seconds = reply.elapsedTime / 1_000;
    ports.metrics.request({ route: routeOptions.url, method, status: reply.statusCode, seconds });
  });
}
