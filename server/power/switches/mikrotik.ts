import { z } from 'zod';
import { PowerFault } from '../driver.ts';
import { createHttpClient, HttpsAddress, parseJson, readShape, statusFault, TRUST } from './http-client.ts';
import { defineSwitchKind } from './kind.ts';
import {
  feeding,
  Hosts,
  Interfaces,
  Monitor,
  Ports,
  powerOf,
  Resource,
  RouterError,
  readSurvey,
} from './mikrotik-tables.ts';

const POE = '/interface/ethernet/poe';

const Settings = z.strictObject({
  url: HttpsAddress,
  username: z
    .string()
    .min(1)
    .max(128)
    .refine((name) => !name.includes(':'), 'no colon (RFC 7617 section 2)'),
  password: z.string().min(1).max(256),
  ...TRUST,
});

/** A switch with RouterOS 7, through its REST API (test/lab/switches/samples/mikrotik.md). Ports are named as in RouterOS: `ether5`. */
export const mikrotik = defineSwitchKind({
  name: 'mikrotik',
  title: 'MikroTik switches and routers with PoE-Out and RouterOS 7',
  settings: Settings,
  secrets: ['password'],
  address: ['url', 'caPem', 'certificateSha256'],
  batches: false,
  readBackMs: 0,
  open({ username, password, ...target }) {
    const http = createHttpClient(target);
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

    async function ask<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal, command?: object): Promise<T> {
      const method = command ? 'POST' : 'GET';
      const headers = { authorization };
      const answer = await http.ask({ method, path: `/rest${path}`, headers, json: command }, signal);
      const json = parseJson(answer.text);
      if (answer.status === 200) return readShape(json, shape, path);
      const { message = '', detail = message } = RouterError.safeParse(json).data ?? {};
      throw statusFault(path, answer.status, detail);
    }

    const readPorts = async (signal: AbortSignal) => feeding(await ask(POE, Ports, signal));

    return {
      async set(changes, signal) {
        const ports = await readPorts(signal);
        for (const [name, wish] of changes) {
          const port = ports.find((candidate) => candidate.name === name);
          if (!port) throw new PowerFault('fatal', `the switch has no port ${name} that can feed`);
          // Nothing is written to a port that is as it should be: forced-on stays forced-on.
          if (powerOf(port) === wish) continue;
          const command = { '.id': port['.id'], 'poe-out': wish === 'on' ? 'auto-on' : 'off' };
          await ask(`${POE}/set`, z.unknown(), signal, command);
        }
      },
      async query(wanted, signal) {
        const ports = await readPorts(signal);
        return new Map(ports.filter(({ name }) => wanted.includes(name)).map((port) => [port.name, powerOf(port)]));
      },
      async survey(signal) {
        const ports = await readPorts(signal);
        // By name, as it is published; a name with a comma would be two.
        const numbers = ports.map((port) => (port.name.includes(',') ? port['.id'] : port.name)).join();
        return readSurvey({
          resource: await ask('/system/resource', Resource, signal),
          ports,
          // Without `once` the command runs on until RouterOS ends it after a minute.
          monitor: numbers === '' ? [] : await ask(`${POE}/monitor`, Monitor, signal, { numbers, once: 'true' }),
          interfaces: await ask('/interface', Interfaces, signal),
          hosts: await ask('/interface/bridge/host', Hosts, signal),
        });
      },
      close: () => http.close(),
    };
  },
});
