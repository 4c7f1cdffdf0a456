import { createWebClient, defineSwitchKind, parseAnswer, z } from '../../../server/power/switches/kit.ts';

const Sockets = z.array(z.object({ id: z.string().max(32), on: z.boolean() })).max(64);

export const switchKind = defineSwitchKind({
  name: 'example-strip',
  title: 'A strip of sockets with a small web server',
  settings: z.strictObject({ url: z.url({ protocol: /^https?$/ }), token: z.string().min(1).max(200) }),
  secrets: ['token'],
  batches: false,
  readBackMs: 0,
  open({ url, token }) {
    const client = createWebClient({ base: url, secrets: [token] });
    const headers = { authorization: `Bearer ${token}` };
    async function sockets(signal: AbortSignal) {
      const answer = await client.ask({ method: 'GET', path: '/sockets', headers }, signal);
      return parseAnswer(Sockets, answer).map(({ id, on }) => ({ port: id, power: on ? 'on' : 'off' }) as const);
    }
    return {
      async set(changes, signal) {
        for (const [port, power] of changes) {
          const path = `/sockets/${encodeURIComponent(port)}`;
          await client.ask({ method: 'PUT', path, headers, body: JSON.stringify({ on: power === 'on' }) }, signal);
        }
      },
      query: async (_, signal) => new Map((await sockets(signal)).map(({ port, power }) => [port, power])),
      survey: async (signal) => ({ description: 'example strip', ports: await sockets(signal) }),
    };
  },
});
