import { z } from 'zod';
import { PowerFault } from '../../../server/power/driver.ts';
import { defineSwitchKind, type PortPower } from '../../../server/power/switches/kind.ts';

const Reading = z.object({
  port: z.string(),
  power: z.enum(['on', 'off']),
  label: z.string().optional(),
  macs: z.array(z.string()).optional(),
  milliwatts: z.number().optional(),
});
const Answer = z.object({ description: z.string(), ports: z.array(Reading) });

/** A switch of the lab, behind HTTP (toy-switch.ts): a kind for tests of everything around kinds. */
export const toyKind = defineSwitchKind({
  name: 'lab',
  title: 'the switch of the tests',
  settings: z.strictObject({
    url: z.url({ protocol: /^http$/ }),
    password: z.string().min(4).max(100),
    backupPassword: z.string().min(4).optional(),
    timeoutMs: z.int().min(1).default(5_000),
  }),
  secrets: ['password', 'backupPassword'],
  address: ['url'],
  batches: true,
  readBackMs: 0,
  open({ url, password }) {
    async function ask(path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
      const response = await fetch(`${url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${password}` },
        body: JSON.stringify(body),
        signal,
      }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw new PowerFault('retryable', `${url}${path}: ${error instanceof Error ? error.cause : error}`);
      });
      if (response.status === 401) throw new PowerFault('fatal', `${url} does not take the password ${password}`);
      if (!response.ok) throw new PowerFault('retryable', `${url} answered ${response.status}`);
      return response.json();
    }
    const survey = async (signal: AbortSignal) => Answer.parse(await ask('/survey', {}, signal));
    return {
      set: async (changes, signal) => void (await ask('/set', Object.fromEntries(changes), signal)),
      async query(ports, signal) {
        const told = (await survey(signal)).ports.map(({ port, power }) => [port, power] as [string, PortPower]);
        return new Map(told.filter(([port]) => ports.includes(port)));
      },
      survey: async (signal) => {
        const { description, ports } = await survey(signal);
        return {
          description,
          ports: ports.map(({ label, macs, milliwatts, ...rest }) => ({
            ...rest,
            ...(label === undefined ? {} : { label }),
            ...(macs === undefined ? {} : { macs }),
            ...(milliwatts === undefined ? {} : { milliwatts }),
          })),
          budget: { limitMilliwatts: 62_000, usedMilliwatts: 0 },
        };
      },
    };
  },
});
