import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { PowerFault } from '../../server/power/driver.ts';
import { webhook } from '../../server/power/switches/webhook.ts';
import { documented } from '../lab/switches/documented.ts';
import { type Relays, startRelays } from '../lab/switches/relays.ts';
import { homeAssistant, shellyOne, shellyTwo, tasmota, tasmotaPlug } from '../lab/switches/webhook-devices.ts';
import { never } from './switch-expect.ts';
import { partsFor } from './switch-parts.ts';

interface Recipe {
  readonly relays: Relays;
  /** The setting that lets one in. */
  readonly credential?: 'token' | 'password';
  /** What it first asks for on and off, and to read back. */
  readonly asks: readonly [on: string, off: string, query: string];
}

const TASMOTA = '/cm?user=admin&password=a%20secret%26more&cmnd=';
const RECIPES: Record<string, Recipe> = {
  'Home Assistant': {
    relays: homeAssistant,
    credential: 'token',
    asks: ['POST /api/services/switch/turn_on', 'POST /api/services/switch/turn_off', 'GET /api/states/switch.rack_1'],
  },
  Tasmota: {
    relays: tasmota(401),
    credential: 'password',
    asks: [`GET ${TASMOTA}Power1%20ON`, `GET ${TASMOTA}Power1%20OFF`, `GET ${TASMOTA}Power1`],
  },
  'Tasmota with one relay': {
    relays: tasmotaPlug,
    asks: ['GET /cm?cmnd=Power1%20ON', 'GET /cm?cmnd=Power1%20OFF', 'GET /cm?cmnd=Power1'],
  },
  'Shelly of the first generation': {
    relays: shellyOne,
    credential: 'password',
    asks: ['GET /relay/0?turn=on', 'GET /relay/0?turn=off', 'GET /relay/0'],
  },
  'Shelly of the second generation and later': {
    relays: shellyTwo,
    asks: ['GET /rpc/Switch.Set?id=0&on=true', 'GET /rpc/Switch.Set?id=0&on=false', 'GET /rpc/Switch.GetStatus?id=0'],
  },
};

/** The recipe of docs/power.md, at a device that behaves as its documentation says; `other` are settings that differ. */
async function cook(t: TestContext, name: string, other: { relays?: Relays; settings?: object } = {}) {
  const { relays, credential } = RECIPES[name] ?? assert.fail(name);
  const written = JSON.parse(documented('docs/power.md', name)) as { kind: string; settings: object };
  assert.equal(written.kind, webhook.name);
  const secret = credential === 'token' ? 'a.long-lived.token' : 'a secret&more';
  const device = await startRelays(other.relays ?? relays, secret);
  t.after(() => device.close());
  const settings = {
    ...written.settings,
    url: device.url,
    ...(credential && { [credential]: secret }),
    ...other.settings,
  };
  return { opened: webhook.open(settings, partsFor([])), device, first: relays.ports[0] ?? '' };
}

const fatal = (what: RegExp) => (error: unknown) =>
  error instanceof PowerFault && error.severity === 'fatal' && what.test(error.message);

for (const [name, { relays, credential, asks }] of Object.entries(RECIPES)) {
  describe(`the recipe for ${name}`, () => {
    test('switches on and off in the words of the device, again and again, and reads back', async (t) => {
      const { opened, device, first } = await cook(t, name);
      for (const wish of ['on', 'on', 'off', 'off'] as const) {
        await opened.set(new Map([[first, wish]]), never);
        assert.equal(device.gives(first), wish);
        assert.equal((await opened.query?.([first], never))?.get(first), wish);
      }
      const asked = device.requests.map(({ method, path }) => `${method} ${path}`);
      assert.deepEqual([asked[0], asked[4], asked[1]], asks);
      const survey = await opened.survey?.(never);
      assert.deepEqual(
        survey?.ports,
        relays.ports.map((port) => ({ port, power: 'off' })),
      );
    });

    test('tells of a device that does not do what it says', async (t) => {
      const { opened, device, first } = await cook(t, name);
      await device.behave('ignores');
      const setting = opened.set(new Map([[first, 'on']]), never);
      // Tasmota's answer is the new state: it is seen at once.
      if (name.startsWith('Tasmota')) await assert.rejects(setting, fatal(/without "POWER/));
      else await setting;
      assert.equal((await opened.query?.([first], never))?.get(first), 'off');
    });

    test('refuses a port that is not listed, without asking', async (t) => {
      const { opened, device } = await cook(t, name);
      await assert.rejects(opened.set(new Map([['77', 'off']]), never), fatal(/no port "77"/));
      assert.deepEqual(device.requests, []);
    });

    if (credential) {
      test('tells of a wrong credential', async (t) => {
        const { opened, device, first } = await cook(t, name, { settings: { [credential]: 'not.that.one' } });
        await assert.rejects(opened.set(new Map([[first, 'on']]), never), fatal(/answered 401/));
        assert.deepEqual(device.changes, []);
      });
    }
  });
}

test('Tasmota before 8.2.3 answers 200 to a wrong password, and that is no success', async (t) => {
  const wrong = { relays: tasmota(200), settings: { password: 'not.that.one' } };
  const { opened } = await cook(t, 'Tasmota', wrong);
  await assert.rejects(opened.set(new Map([['1', 'on']]), never), fatal(/was answered without/));
  assert.equal((await opened.query?.(['1'], never))?.get('1'), 'unknown');
});

test('Tasmota answers 200 to a command that it does not know, and that is no success', async (t) => {
  const { opened } = await cook(t, 'Tasmota', { settings: { ports: '1, 9' } });
  await assert.rejects(opened.set(new Map([['9', 'on']]), never), fatal(/was answered without/));
});

test('Home Assistant tells of an entity that it does not know only when it is read back', async (t) => {
  const { opened } = await cook(t, 'Home Assistant', { settings: { ports: 'switch.rack_1, switch.other' } });
  await opened.set(new Map([['switch.other', 'on']]), never);
  await assert.rejects(async () => opened.query?.(['switch.other'], never), fatal(/answered 404: .*Entity not found/));
});

test('what Home Assistant has no state of is unknown, and not off', async (t) => {
  const { opened } = await cook(t, 'Home Assistant', { settings: { ports: 'switch.gone' } });
  assert.equal((await opened.query?.(['switch.gone'], never))?.get('switch.gone'), 'unknown');
});
