import type { Server as HttpsServer } from 'node:https';
import type { Logger } from 'pino';
import type { Clock } from '../core/host/clock.ts';
import type { Log } from '../core/log.ts';
import type { Config } from './config.ts';
import type { ApiPorts } from './http/api.ts';
import { buildApp } from './http/app.ts';
import { readProblems } from './http/routes/problems.ts';
import { httpSettingsOf, listen } from './listen.ts';
import { startLoops } from './reconcile/loops.ts';
import type { Teardown } from './teardown.ts';
import type { Tls } from './tls.ts';

/** How often the files of the certificate are looked at. */
const RENEW_MS = 10_000;
/** How long requests under way may take once the server stops. */
const LAST_REQUESTS_MS = 3_000;

/** The API while it listens. */
export interface ServedApi {
  readonly port: number;
  /** Takes a renewed certificate into use now; else it is seen some seconds later. */
  renewTls(): Promise<void>;
}

/** Serves the API by HTTP, or by HTTPS where there is a certificate. */
export async function serveApi(
  config: Config,
  ports: ApiPorts,
  {
    logger,
    log,
    version,
    tls,
    clock,
  }: { logger: Logger; log: Log; version: string; tls: Tls | undefined; clock: Clock },
  teardown: Teardown,
): Promise<ServedApi> {
  const app = await buildApp(ports, {
    log: logger,
    version,
    trustedRelays: config.BAKERY_TRUSTED_RELAYS,
    problems: await readProblems(),
    settings: httpSettingsOf(config, tls),
  });
  teardown.add(async () => {
    // A client that never ends its request must not keep the server from ending.
    const late = setTimeout(() => app.server.closeAllConnections(), LAST_REQUESTS_MS);
    await app.close();
    clearTimeout(late);
  });
  const port = await listen(app, config);
  const renewTls = async () => tls?.renew(app.server as unknown as HttpsServer);
  const renewals = startLoops([{ name: 'tls', everyMs: RENEW_MS, run: renewTls }], { clock, log });
  teardown.add(() => renewals.stop());
  return { port, renewTls };
}
