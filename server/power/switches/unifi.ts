import { z } from 'zod';
import { PowerFault } from '../driver.ts';
import { createHttpClient, HttpsAddress, readShape, TRUST } from './http-client.ts';
import { defineSwitchKind } from './kind.ts';
import { Devices, planOverrides, readPower, readSurvey, Stations, type UnifiDevice } from './unifi-device.ts';
import { createUnifiSite } from './unifi-session.ts';

/** The controller tells of a change up to six minutes later (home-assistant/core#66307). */
const READ_BACK_MS = 6 * 60_000;

const Settings = z
  .strictObject({
    url: HttpsAddress,
    /** The short name in the address of the site's page. */
    site: z
      .string()
      .regex(/^[\w-]{1,64}$/)
      .default('default'),
    /** The switch's own address. */
    mac: z
      .string()
      .regex(/^[\da-f]{2}(?::[\da-f]{2}){5}$/i)
      .toLowerCase(),
    username: z.string().min(1).max(128).optional(),
    password: z.string().min(1).max(256).optional(),
    apiKey: z
      .string()
      .regex(/^[\x21-\x7e]{1,256}$/)
      .optional(),
    ...TRUST,
  })
  .refine(
    ({ username, password, apiKey }) =>
      apiKey === undefined ? username !== undefined && password !== undefined : (username ?? password) === undefined,
    'either username and password, or apiKey',
  );

/** A switch of a UniFi network, through its controller (test/lab/switches/samples/unifi.md). Ports are named by their number. */
export const unifi = defineSwitchKind({
  name: 'unifi',
  title: 'UniFi switches, through UniFi OS or the UniFi Network application',
  settings: Settings,
  secrets: ['password', 'apiKey'],
  address: ['url', 'caPem', 'certificateSha256'],
  batches: true,
  readBackMs: READ_BACK_MS,
  open({ site, mac, ...settings }, { clock }) {
    const http = createHttpClient(settings);
    const controller = createUnifiSite(http, { site, login: settings, clock });

    async function read(signal: AbortSignal): Promise<UnifiDevice> {
      const path = `/stat/device/${mac}`;
      const devices = await controller.ask('GET', path, undefined, signal);
      if (devices.length === 0) throw new PowerFault('fatal', `the site ${site} has no device with the address ${mac}`);
      const [device] = readShape(devices, Devices, path);
      return device;
    }

    return {
      async set(changes, signal) {
        const device = await read(signal);
        const overrides = planOverrides(device, changes);
        if (overrides) await controller.ask('PUT', `/rest/device/${device._id}`, { port_overrides: overrides }, signal);
      },
      async query(ports, signal) {
        const power = readPower(await read(signal));
        return new Map(ports.flatMap((port) => [[port, power.get(port) ?? 'unknown'] as const]));
      },
      async survey(signal) {
        const device = await read(signal);
        const clients = readShape(await controller.ask('GET', '/stat/sta', undefined, signal), Stations, '/stat/sta');
        return readSurvey(device, clients, mac);
      },
      close: () => http.close(),
    };
  },
});
