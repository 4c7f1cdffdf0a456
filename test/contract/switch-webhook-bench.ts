import { mintWebhookSecret } from '../../core/webhook.ts';
import { webhook } from '../../server/power/switches/webhook.ts';
import { type Relays, startRelays } from '../lab/switches/relays.ts';
import { WEB_BEHAVIOURS } from '../lab/switches/web-device.ts';
import { benchOf, type MakeSwitchBench } from './switch-bench.ts';

const TOKEN = 'relays+secret/0123=';
const PASSWORD = 'pass word:"4567"';

/** Wants a token and a password, and tells whoever is refused what he sent. */
const relays: Relays = {
  ports: ['rack 1/a', 'rack 1/b'],
  answer({ method, path, headers, body }, { states, turn }) {
    const port = decodeURIComponent(new URL(path, 'http://relays').pathname.replace(/^\/relays\//, ''));
    const { turn: word, key } = method === 'PUT' ? JSON.parse(body) : { turn: '', key: PASSWORD };
    if (headers.authorization !== `Bearer ${TOKEN}` || key !== PASSWORD) {
      return { status: 401, body: `not for ${headers.authorization} with ${body}` };
    }
    if (!states.has(port)) return { status: 404 };
    if (word !== '') turn(port, word === 'on');
    return { status: 200, body: JSON.stringify({ relays: { [port]: { on: states.get(port) } } }) };
  },
};

/** The kind webhook, with all that it can say. */
export const makeWebhookBench: MakeSwitchBench = async (t) => {
  const device = await startRelays(relays);
  t.after(() => device.close());
  const settings = {
    url: device.url,
    method: 'PUT',
    path: '/relays/{port}?for={user}',
    body: '{"turn": "{state}", "key": "{password}"}',
    queryPath: '/relays/{port}',
    queryPointer: '/relays/{port}/on',
    queryOn: 'true',
    queryOff: 'false',
    ports: relays.ports.join(', '),
    password: PASSWORD,
    token: TOKEN,
    signingSecret: mintWebhookSecret(),
  };
  return benchOf(t, {
    kind: webhook,
    settings,
    wrong: { ...settings, token: 'wrong+secret/89ab=' },
    ports: ['rack 1/a', 'rack 1/b'],
    missing: 'rack 1/c',
    behaviours: [...WEB_BEHAVIOURS, 'lags', 'ignores'],
    farEnd: device.behave,
    gives: async (port) => device.gives(port),
    changes: async () => device.changes,
  });
};
