import { randomUUID } from 'node:crypto';
import cors from '@fastify/cors';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { BakeryError } from '../../core/errors.ts';
import type { Ipv4 } from '../../core/ids.ts';
import type { Scope } from '../../core/scope.ts';
import type { Api, ApiPorts } from './api.ts';
import { keepAudit } from './audit.ts';
import type { Door } from './auth.ts';
import { endAfterAnswer, hurryBodies } from './bodies.ts';
import { corsOptions, guardServer, PAGE_POLICY, refuseConnection, serverOptions, tlsOptions } from './connections.ts';
import { describeDocument, describeRoute } from './document.ts';
import { sendProblem } from './errors.ts';
import { guardCalls } from './gate.ts';
import { acceptLegacyBodies, acceptRawBodies, CONNECTION, drainAfterAnswer } from './legacy.ts';
import { meanings, type Problems } from './problems.ts';
import { auditRoutes } from './routes/audit.ts';
import { bakeformRoutes, uploadBakeformRoute } from './routes/bakeforms.ts';
import { bootFileRoute } from './routes/boot-files.ts';
import { bootRoutes } from './routes/boots.ts';
import { bulkRoutes } from './routes/bulk.ts';
import { consoleRoute } from './routes/console.ts';
import { diskRoutes } from './routes/disks.ts';
import { dnsmasqRoute } from './routes/dnsmasq.ts';
import { eventRoutes } from './routes/events.ts';
import { downloadRoute, uploadRoute } from './routes/files-of-pi.ts';
import { fridgeRoutes } from './routes/fridge.ts';
import { healthRoutes } from './routes/health.ts';
import { litterRoutes } from './routes/litter.ts';
import { countRequests, metricsRoute } from './routes/metrics.ts';
import { operationRoutes } from './routes/operations.ts';
import { ovenRoutes } from './routes/oven.ts';
import { piCareRoutes } from './routes/pi-care.ts';
import { piPowerRoutes } from './routes/pi-power.ts';
import { piRoutes } from './routes/pis.ts';
import { problemsRoute } from './routes/problems.ts';
import { rebakeRoute } from './routes/rebake.ts';
import { snapshotRoutes } from './routes/snapshots.ts';
import { switchPortRoutes } from './routes/switch-ports.ts';
import { switchRoutes } from './routes/switches.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { trashRoutes } from './routes/trash.ts';
import { sendPieceRoute, uploadRoutes } from './routes/uploads.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import type { HttpSettings } from './settings.ts';

/** The base of every call of the API. */
export const BASE = '/api/v1';

const WHAT_IT_IS = 'Pi as a Service: a pool of netbooting Raspberry Pis run as a cloud.';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The media type of a body that is streamed to the route. */
    rawBody?: string;
    /** The least a token must be allowed to make this call; none for those that need no token. */
    scope?: Scope;
    /** The Pi that it is about may make it without a token, from its own address. */
    fromPi?: true;
    /** Something new would be kept: not where there are no volumes. */
    needsVolumes?: true;
    /** The codes it may be answered with beside those of `ON_ANY_CALL`. */
    problems?: Problems;
  }
}

/** Every call below the base. */
async function routesOfApi(
  api: Api,
  ports: ApiPorts,
  { door, settings }: { door: Door; settings: HttpSettings },
): Promise<void> {
  const { limits } = settings;
  acceptLegacyBodies(api);
  hurryBodies(api, limits);
  fridgeRoutes(api, ports);
  ovenRoutes(api, ports);
  bakeformRoutes(api, ports);
  diskRoutes(api, ports);
  trashRoutes(api, ports);
  operationRoutes(api, ports);
  litterRoutes(api, ports);
  eventRoutes(api, ports, door);
  tokenRoutes(api, ports);
  webhookRoutes(api, ports);
  auditRoutes(api, ports);
  snapshotRoutes(api, ports);
  piRoutes(api, ports);
  piCareRoutes(api, ports);
  piPowerRoutes(api, ports);
  switchRoutes(api, ports);
  switchPortRoutes(api, ports);
  bootRoutes(api, ports);
  bulkRoutes(api, ports, settings);
  rebakeRoute(api, ports);
  downloadRoute(api, ports);
  bootFileRoute(api, ports);
  dnsmasqRoute(api, ports);
  consoleRoute(api, ports);
  uploadRoutes(api, ports, limits);
  await api.register(async (rawScope) => {
    const raw = rawScope as unknown as Api;
    acceptRawBodies(raw);
    raw.addHook('onSend', async (request, reply) => {
      if (reply.statusCode !== 408) drainAfterAnswer(request, reply);
    });
    uploadRoute(raw, ports, limits);
    uploadBakeformRoute(raw, ports, limits);
    sendPieceRoute(raw, ports, limits);
  });
}

/** Builds the HTTP side; it does not listen. */
export async function buildApp(
  ports: ApiPorts,
  options: {
    log: FastifyBaseLogger;
    version: string;
    trustedRelays: readonly Ipv4[];
    /** The text of docs/problems.md. */
    problems: string;
    settings: HttpSettings;
  },
): Promise<Api> {
  const { settings, log } = options;
  const { limits, tls, label } = settings;
  const ofServer = serverOptions(limits);
  const app = Fastify({
    loggerInstance: log,
    // The label is the name it has in the journal, the audit and the lines of operations.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request' }),
    bodyLimit: 1 << 20,
    requestIdHeader: false,
    // Kept in the journal and the audit: it must not begin anew at every start.
    genReqId: () => randomUUID(),
    requestTimeout: ofServer.requestTimeout,
    // Its type says one or the other; a server of TLS is used like one of HTTP.
    ...(tls ? { https: { ...tls, ...ofServer, ...tlsOptions(limits) } as unknown as null } : { http: ofServer }),
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    ...CONNECTION,
    routerOptions: { maxParamLength: 300 },
  }).withTypeProvider<ZodTypeProvider>();
  guardServer(app.server, { ...limits, isTls: tls !== undefined, label });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) => {
    const error = new BakeryError('not-found', 'route-unknown', 'there is no such call; see /docs');
    return sendProblem(error, request, reply);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    if (request.routeOptions.config?.rawBody === undefined || reply.statusCode === 408) endAfterAnswer(request, limits);
    request.log.debug({ method, url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'answered');
  });
  countRequests(app, ports);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: label === undefined ? 'Bakery' : `Bakery (${label})`,
        version: options.version,
        description: `${label === undefined ? '' : `**${label}**\n\n`}${WHAT_IT_IS}`,
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
        { name: 'switches', description: 'What Pis hang on: their power and their network' },
        { name: 'operations', description: 'Durable jobs, and who asked for them' },
        { name: 'events', description: 'What happens, told as it happens' },
        { name: 'tokens', description: 'Who may come in, and what for' },
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
    transformObject: describeDocument(meanings(options.problems)),
  });
  if (settings.corsOrigins.length > 0) await app.register(cors, corsOptions(settings.corsOrigins));
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { persistAuthorization: true },
    ...(label === undefined ? {} : { theme: { title: `Bakery (${label})` } }),
    staticCSP: PAGE_POLICY,
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.register(async (scope) => {
    healthRoutes(scope as unknown as Api, ports, label);
    problemsRoute(scope as unknown as Api, options.problems);
  });

  await app.register(async (guarded) => {
    keepAudit(guarded, ports);
    const { trustedRelays } = options;
    const door = guardCalls(guarded, ports, { log, relayed: `${BASE}/files/`, trustedRelays, settings });
    metricsRoute(guarded as unknown as Api, ports);
    await guarded.register(async (scope) => routesOfApi(scope as unknown as Api, ports, { door, settings }), {
      prefix: BASE,
    });
  });
  return app as unknown as Api;
}
