import type { SwitchKind } from '../../server/power/switches/kind.ts';
import { startWebDevice, WEB_BEHAVIOURS } from '../lab/switches/web-device.ts';
import { benchOf, type MakeSwitchBench } from './switch-bench.ts';

const TOKEN = 'strip/secret+0123';

/** The strip of sockets that the example driver is written for, with 4 sockets. */
export function makeExampleBench(kind: SwitchKind): MakeSwitchBench {
  return async (t) => {
    const gives = new Map(['1', '2', '3', '4'].map((id) => [id, false]));
    let told = new Map(gives);
    const changes: string[] = [];
    const strip = await startWebDevice(({ method, path, headers, body }, behaviour) => {
      if (headers.authorization !== `Bearer ${TOKEN}`) return { status: 401, body: 'who are you' };
      if (method === 'GET' && path === '/sockets') {
        return { status: 200, body: JSON.stringify([...told].map(([id, on]) => ({ id, on }))) };
      }
      const id = /^\/sockets\/(\d+)$/.exec(path)?.[1] ?? '';
      if (method !== 'PUT' || !gives.has(id)) return { status: 404, body: 'no such socket' };
      const { on } = JSON.parse(body) as { on: boolean };
      changes.push(`${on ? 'on' : 'off'} ${id}`);
      if (behaviour !== 'ignores') gives.set(id, on);
      if (behaviour !== 'lags') told = new Map(gives);
      return { status: 204 };
    });
    t.after(() => strip.close());
    const settings = { url: strip.url, token: TOKEN };
    return benchOf(t, {
      kind,
      settings,
      wrong: { ...settings, token: 'wrong+secret/4567' },
      ports: ['1', '3'],
      missing: '9',
      behaviours: [...WEB_BEHAVIOURS, 'lags', 'ignores'],
      farEnd: strip.behave,
      gives: async (port) => (gives.get(port) ? 'on' : 'off'),
      changes: async () => changes,
    });
  };
}
