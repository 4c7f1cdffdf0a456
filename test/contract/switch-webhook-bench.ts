import type { TestContext } from 'node:test';
import { mintWebhookSecret } from '../../core/webhook.ts';
import { webhook } from '../../server/power/switches/webhook.ts';
import { startWebDevice, WEB_BEHAVIOURS, type WebRequest } from '../lab/switches/web-device.ts';
import type { FarEnd, SwitchBench } from './switch-bench.ts';
import { partsFor } from './switch-expect.ts';

/** A device with ports, in words that are its own. */
export interface Relays {
  readonly ports: readonly string[];
  readonly missing: string;
  /** Settings of the webhook, without its address. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly wrong?: Readonly<Record<string, unknown>>;
  /** Answers as the device does; `states` are what it tells, `turn` switches. */
  answer(
    request: WebRequest,
    relays: { states: ReadonlyMap<string, boolean>; turn(port: string, on: boolean): void },
  ): {
    readonly status: number;
    readonly body?: string;
  };
}

/** The kind webhook, before that device. */
export async function makeRelayBench(t: Pick<TestContext, 'after'>, relays: Relays) {
  const gives = new Map(relays.ports.map((port) => [port, false]));
  let told = new Map(gives);
  const changes: string[] = [];
  const device = await startWebDevice((request, behaviour) =>
    relays.answer(request, {
      states: told,
      turn(port, on) {
        changes.push(`${on ? 'on' : 'off'} ${port}`);
        if (behaviour !== 'ignores') gives.set(port, on);
        if (behaviour !== 'lags') told = new Map(gives);
      },
    }),
  );
  t.after(() => device.close());
  const settings = { url: device.url, ...relays.settings };
  const opened = webhook.open(settings, partsFor([]));
  const [first = '', second = ''] = relays.ports;
  const behaviours: readonly FarEnd[] = [...WEB_BEHAVIOURS, 'lags', 'ignores'];
  const bench: SwitchBench = {
    kind: webhook,
    settings,
    wrong: relays.wrong && { ...settings, ...relays.wrong },
    ports: [first, second],
    missing: relays.missing,
    device: opened,
    behaviours,
    farEnd: device.behave,
    gives: async (port) => (gives.get(port) ? 'on' : 'off'),
    changes: async () => changes,
  };
  return { ...bench, requests: device.requests };
}

const TOKEN = 'relays+secret/0123=';
const PASSWORD = 'pass word:"4567"';

/** A device that has all that a webhook can say, and tells whoever is refused what he sent. */
export const makeWebhookBench = (t: Pick<TestContext, 'after'>) =>
  makeRelayBench(t, {
    ports: ['rack 1/a', 'rack 1/b'],
    missing: 'rack 1/c',
    settings: {
      method: 'PUT',
      path: '/relays/{port}?for={user}',
      body: '{"turn": "{state}", "key": "{password}"}',
      queryPath: '/relays/{port}',
      queryPointer: '/relays/{port}/on',
      queryOn: 'true',
      queryOff: 'false',
      ports: 'rack 1/a, rack 1/b',
      password: PASSWORD,
      token: TOKEN,
      signingSecret: mintWebhookSecret(),
    },
    wrong: { token: 'wrong+secret/89ab=' },
    answer({ method, path, headers, body }, { states, turn }) {
      const { pathname } = new URL(path, 'http://relays');
      const port = decodeURIComponent(pathname.replace(/^\/relays\//, ''));
      const key = method === 'PUT' ? (JSON.parse(body) as { key: string }).key : PASSWORD;
      if (headers.authorization !== `Bearer ${TOKEN}` || key !== PASSWORD) {
        return { status: 401, body: `not for ${headers.authorization} with ${body}` };
      }
      if (!states.has(port)) return { status: 404 };
      if (method === 'PUT') turn(port, (JSON.parse(body) as { turn: string }).turn === 'on');
      return { status: 200, body: JSON.stringify({ relays: { [port]: { on: states.get(port) } } }) };
    },
  });
