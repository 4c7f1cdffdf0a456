import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import { BakeryError } from '../../core/errors.ts';
import type { Ipv4 } from '../../core/ids.ts';
import { findPiBy, requirePiCalled } from '../../db/pis.ts';
import type { ApiPorts } from './api.ts';
import { type Caller, createDoor, type Door, requireScope } from './auth.ts';
import { refuseForeignNames, refuseForeignPages } from './origin.ts';
import { clientOf } from './routes/boot-files.ts';
import type { HttpSettings } from './settings.ts';

const NO_VOLUMES =
  'this server can bake nothing and keep no image or disk: it runs without volumes (BAKERY_STORAGE=none), as a server without root must';

/** @throws BakeryError `no-volumes` (forbidden) where nothing can be baked or kept. */
export function requireVolumes({ keepsVolumes }: Pick<HttpSettings, 'keepsVolumes'>): void {
  if (!keepsVolumes) throw new BakeryError('forbidden', 'no-volumes', NO_VOLUMES);
}

/** Lets a call in only from who may make it: hooks of everything that is registered with `app`. */
export function guardCalls(
  app: FastifyInstance,
  ports: Pick<ApiPorts, 'db' | 'auth' | 'clock'>,
  options: { log: FastifyBaseLogger; relayed: string; trustedRelays: readonly Ipv4[]; settings: HttpSettings },
): Door {
  const { relayed, trustedRelays, settings } = options;
  /** The Pi that a call is about, when it comes from that Pi's own address. */
  async function piItself(request: FastifyRequest): Promise<Caller | undefined> {
    const here = await findPiBy(ports.db, 'address', clientOf(request));
    if (!here) return undefined;
    const { piId } = request.params as { piId?: string };
    const meant = await requirePiCalled(ports.db, piId ?? '').catch(() => undefined);
    return meant?.id === here.id ? { name: `pi ${here.id}`, scope: 'cpi' } : undefined;
  }

  const door = createDoor({ db: ports.db, policy: ports.auth, clock: ports.clock, log: options.log });
  app.addHook('onRequest', async (request, reply) => {
    const { url, config } = request.routeOptions;
    const { method, headers } = request;
    const isRelay = url?.startsWith(relayed) && trustedRelays.includes(clientOf(request));
    const isOpenToPi = config.fromPi === true && headers.authorization === undefined;
    const pi = isOpenToPi ? await piItself(request) : undefined;
    request.caller = pi ?? (isRelay ? { name: 'relay', scope: 'viewer' } : await door.enter(request, reply));
    request.actor = request.caller.name;
    if (ports.auth.kind === 'off' && !isRelay) refuseForeignNames(headers.host, settings.hosts);
    refuseForeignPages({ method, origin: headers.origin, host: headers.host }, settings.corsOrigins);
    // A call that does not say what it needs is for nobody else.
    requireScope(request.caller, config.scope ?? 'admin');
    if (config.needsVolumes) requireVolumes(settings);
  });
  return door;
}
