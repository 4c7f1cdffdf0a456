import { pino } from 'pino';
import { z } from 'zod';
import type { PiId } from '../../core/ids.ts';
import { composeServer } from '../../server/compose.ts';
import { readConfig } from '../../server/config.ts';
import type { PortPower, PowerSwitch } from '../../server/power/switches/kind.ts';

/**
 * The server as main.ts starts it, with one switch, `lab`, and Pis that it takes for bound to it. The switch is a web server of the test:
 * `GET` answers `{"1": "on"}`, `PUT` takes the same.
 */
const { url, bound } = z
  .object({ url: z.url(), bound: z.record(z.string(), z.string()) })
  .parse(JSON.parse(process.env.BAKERY_TEST_SWITCH ?? '{}'));

const Ports = z.record(z.string(), z.enum(['on', 'off']));

const device: PowerSwitch = {
  async set(changes, signal) {
    await fetch(url, { method: 'PUT', body: JSON.stringify(Object.fromEntries(changes)), signal });
  },
  async query(ports, signal) {
    const told = Ports.parse(await (await fetch(url, { signal })).json());
    return new Map<string, PortPower>(ports.map((port) => [port, told[port] ?? 'unknown']));
  },
};

const server = await composeServer(readConfig([], process.env), pino({ level: 'info' }), '0.0.0', {
  loop: (loop) => (loop.name === 'power-sync' ? { ...loop, everyMs: 100 } : loop),
  power: { minOffMs: 100 },
  switches: () => ({
    find: (name) =>
      name === 'lab' ? { name, kind: { name: 'toy', batches: true, readBackMs: 0 }, device } : undefined,
    boundPort(pi: PiId) {
      const port = bound[pi];
      return port === undefined ? undefined : { switch: 'lab', port };
    },
  }),
});
for (const line of server.readyLines) process.stdout.write(`${line}\n`);
process.on('SIGTERM', () => server.close(20_000).then(() => process.exit(0)));
process.once('disconnect', () => process.exit(1));
