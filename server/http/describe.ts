import { pino } from 'pino';
import type { Ipv4 } from '../../core/ids.ts';
import type { ApiPorts } from './api.ts';
import { buildApp } from './app.ts';
import { readProblems } from './routes/problems.ts';

/** The OpenAPI document of the API. Nothing is opened or called for it: the routes are only declared. */
export async function describeApi(version: string): Promise<object> {
  const undeclared = new Proxy({} as ApiPorts, {
    get: (_target, name) => (name === 'nfsAddress' ? ('0.0.0.0' as Ipv4) : {}),
  });
  const app = await buildApp(undeclared, {
    log: pino({ enabled: false }),
    version,
    trustedRelays: [],
    problems: await readProblems(),
    settings: {
      corsOrigins: [],
      hosts: [],
      keepsVolumes: true,
      limits: { wholeMs: 1, stallMs: 1, uploadBytes: 1, headerMs: 1, connections: 1 },
    },
  });
  await app.ready();
  const document = app.swagger();
  await app.close();
  return document;
}
