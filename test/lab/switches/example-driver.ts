import { z } from 'zod';
import { PowerFault } from '../../../server/power/driver.ts';
import { defineSwitchKind } from '../../../server/power/switches/kind.ts';

const Settings = z.strictObject({ url: z.url({ protocol: /^https?$/ }), token: z.string().min(1).max(200) });
const Sockets = z.array(z.object({ id: z.string().max(32), on: z.boolean() })).max(64);

export const switchKind = defineSwitchKind({
  name: 'example-strip',
  title: 'A strip of sockets with a small web server',
  settings: Settings,
  secrets: ['token'],
  batches: false,
  readBackMs: 0,
  open({ url, token }) {
    async function ask(method: string, path: string, signal: AbortSignal, body?: string) {
      try {
        const headers = { authorization: `Bearer ${token}`, connection: 'close' };
        const response = await fetch(`${url}${path}`, {
          method,
          headers,
          signal,
          body: body ?? null,
          redirect: 'manual',
        });
        const text = await response.text();
        if (response.ok) return text;
        throw new PowerFault(
          response.status === 429 || response.status >= 500 ? 'retryable' : 'fatal',
          `answered ${response.status}`,
        );
      } catch (error) {
        signal.throwIfAborted();
        throw error instanceof PowerFault
          ? error
          : new PowerFault('retryable', `no answer from ${url}`, { cause: error });
      }
    }
    async function sockets(signal: AbortSignal) {
      const all = Sockets.parse(JSON.parse(await ask('GET', '/sockets', signal)));
      return all.map(({ id, on }) => ({ port: id, power: on ? ('on' as const) : ('off' as const) }));
    }
    return {
      async set(changes, signal) {
        for (const [port, power] of changes)
          await ask('PUT', `/sockets/${encodeURIComponent(port)}`, signal, JSON.stringify({ on: power === 'on' }));
      },
      query: async (_, signal) => new Map((await sockets(signal)).map(({ port, power }) => [port, power])),
      survey: async (signal) => ({ description: 'example strip', ports: await sockets(signal) }),
    };
  },
});
