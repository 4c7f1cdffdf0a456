import { randomUUID } from 'node:crypto';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { BakeryError } from '../../core/errors.ts';
import type { Ipv4 } from '../../core/ids.ts';
import type { Api, ApiPorts } from './api.ts';
import { keepAudit } from './audit.ts';
import { requireToken } from './auth.ts';
import { describeDocument, describeRoute } from './document.ts';
import { sendProblem } from './errors.ts';
import { acceptLegacyBodies, acceptRawBodies, drainAfterAnswer } from './legacy.ts';
import { auditRoutes } from './routes/audit.ts';
import { bakeformRoutes, uploadBakeformRoute } from './routes/bakeforms.ts';
import { bootFileRoute, clientOf } from './routes/boot-files.ts';
import { diskRoutes } from './routes/disks.ts';
import { eventRoutes } from './routes/events.ts';
import { downloadRoute, uploadRoute } from './routes/files-of-pi.ts';
import { fridgeRoutes } from './routes/fridge.ts';
import { healthRoutes } from './routes/health.ts';
import { litterRoutes } from './routes/litter.ts';
import { operationRoutes } from './routes/operations.ts';
import { ovenRoutes } from './routes/oven.ts';
import { piRoutes } from './routes/pis.ts';
import { problemsRoute } from './routes/problems.ts';
import { trashRoutes } from './routes/trash.ts';
import { webhookRoutes } from './routes/webhooks.ts';

/** The base of every call of the API. */
export const BASE = '/api/v1';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The media type of a body that is streamed to the route. */
    rawBody?: string;
  }
}

/** Builds the HTTP side; it does not listen. */
export async function buildApp(
  ports: ApiPorts,
  options: { log: FastifyBaseLogger; version: string; trustedRelays: readonly Ipv4[] },
): Promise<Api> {
  const app = Fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1 << 20,
    requestIdHeader: false,
    // Kept in the journal and the audit: it must not begin anew at every start.
    genReqId: () => randomUUID(),
    // An upload takes as long as it takes; a header does not.
    requestTimeout: 0,
    http: { headersTimeout: 30_000 },
    routerOptions: { maxParamLength: 300 },
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) => {
    const error = new BakeryError('not-found', 'route-unknown', 'there is no such call; see /docs');
    return sendProblem(error, request, reply);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    request.log.debug({ method, url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'answered');
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Bakery',
        version: options.version,
        description: 'Pi as a Service: a pool of netbooting Raspberry Pis run as a cloud.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'fridge', description: 'Pis that are free to use' },
        { name: 'oven', description: 'Pis that are baked or being worked on' },
        { name: 'bakeforms', description: 'OS images to bake from' },
        { name: 'disks', description: 'Disks of their own' },
        { name: 'trash', description: 'Destroyed disks that can be restored' },
        { name: 'pis', description: 'Single Pis, whatever their state' },
        { name: 'operations', description: 'Durable jobs, and who asked for them' },
        { name: 'events', description: 'What happens, told as it happens' },
        { name: 'webhooks', description: 'Addresses that are told what happens' },
        { name: 'netboot', description: 'What the Pis ask for' },
        { name: 'health', description: 'Is the server up' },
      ],
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } },
      },
      security: [{ bearer: [] }, { basic: [] }],
    },
    transform: describeRoute,
    transformObject: describeDocument,
  });
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { persistAuthorization: true } });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.register(async (scope) => {
    healthRoutes(scope as unknown as Api, ports);
    problemsRoute(scope as unknown as Api);
  });

  await app.register(
    async (scope) => {
      const api = scope as unknown as Api;
      acceptLegacyBodies(api);
      keepAudit(api, ports);
      api.addHook('onRequest', async (request) => {
        const relay =
          request.routeOptions.url?.startsWith(`${BASE}/files/`) && options.trustedRelays.includes(clientOf(request));
        request.actor = relay ? 'relay' : requireToken(request, ports.auth);
      });
      fridgeRoutes(api, ports);
      ovenRoutes(api, ports);
      bakeformRoutes(api, ports);
      diskRoutes(api, ports);
      trashRoutes(api, ports);
      operationRoutes(api, ports);
      litterRoutes(api, ports);
      eventRoutes(api, ports);
      webhookRoutes(api, ports);
      auditRoutes(api, ports);
      piRoutes(api, ports);
      downloadRoute(api, ports);
      bootFileRoute(api, ports);
      await api.register(async (rawScope) => {
        const raw = rawScope as unknown as Api;
        acceptRawBodies(raw);
        raw.addHook('onSend', async (request, reply) => drainAfterAnswer(request, reply));
        uploadRoute(raw, ports);
        uploadBakeformRoute(raw, ports);
      });
    },
    { prefix: BASE },
  );
  return app as unknown as Api;
}
