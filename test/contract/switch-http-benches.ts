import type { TestContext } from 'node:test';
import { mikrotik } from '../../server/power/switches/mikrotik.ts';
import { openwrtUbus } from '../../server/power/switches/openwrt-ubus.ts';
import { unifi } from '../../server/power/switches/unifi.ts';
import { MikrotikSwitch } from '../lab/switches/mikrotik-switch.ts';
import { makeTrust } from '../lab/switches/trust.ts';
import { UbusSwitch } from '../lab/switches/ubus-switch.ts';
import { UnifiSwitch } from '../lab/switches/unifi-switch.ts';
import { WEB_BEHAVIOURS } from '../lab/switches/web-device.ts';
import type { WebSwitch } from '../lab/switches/web-switch.ts';
import { benchOf, type SwitchBench } from './switch-bench.ts';

type Test = Pick<TestContext, 'after'>;

function webBench<Far extends WebSwitch>(
  t: Test,
  far: Far,
  bench: Pick<Parameters<typeof benchOf>[1], 'kind' | 'settings' | 'wrong' | 'ports' | 'missing' | 'behaviours'>,
): SwitchBench & { readonly far: Far } {
  t.after(() => far.close());
  return benchOf(t, {
    ...bench,
    far,
    farEnd: (behaviour) => far.behave(behaviour),
    gives: async (port) => far.gives(port),
    changes: async () => far.changes,
  });
}

const PASSWORD = 'bread+and/butter 1234';
const API_KEY = 'key+of/the-oven_5678';

/** A switch of a UniFi network: with a login or a key of UniFi OS, or with a login of the application by itself. */
export async function makeUnifiBench(
  t: Test,
  how: 'unifi-os' | 'application' | 'api-key' = 'unifi-os',
): Promise<SwitchBench & { readonly far: UnifiSwitch }> {
  const trust = makeTrust();
  const login = { username: 'bakery', password: PASSWORD };
  const flavour = how === 'application' ? how : 'unifi-os';
  const far = await new UnifiSwitch({ flavour, ...login, apiKey: API_KEY, tls: trust }).start();
  const where = { url: far.url, mac: far.mac.toUpperCase(), certificateSha256: trust.certificateSha256 };
  const settings = { ...where, ...(how === 'api-key' ? { apiKey: API_KEY } : login) };
  return webBench(t, far, {
    kind: unifi,
    settings,
    wrong: { ...settings, ...(how === 'api-key' ? { apiKey: `not${API_KEY}` } : { password: `not ${PASSWORD}` }) },
    ports: ['2', '5'],
    missing: '9',
    behaviours: [...WEB_BEHAVIOURS, 'lags', 'ignores'],
  });
}

/** A switch with RouterOS, trusted by its own certificate. */
export async function makeMikrotikBench(t: Test): Promise<SwitchBench & { readonly far: MikrotikSwitch }> {
  const trust = makeTrust();
  const login = { username: 'bakery', password: PASSWORD };
  const far = await new MikrotikSwitch({ ...login, tls: trust }).start();
  const settings = { url: far.url, ...login, caPem: trust.cert };
  return webBench(t, far, {
    kind: mikrotik,
    settings,
    wrong: { ...settings, password: `not ${PASSWORD}` },
    ports: ['ether2', 'ether5'],
    missing: 'sfp1',
    behaviours: [...WEB_BEHAVIOURS, 'ignores'],
  });
}

/** A switch with OpenWrt, without TLS as most are. */
export async function makeOpenwrtBench(t: Test): Promise<SwitchBench & { readonly far: UbusSwitch }> {
  const login = { username: 'root', password: PASSWORD };
  const far = await new UbusSwitch(login).start();
  const settings = { url: far.url, ...login };
  return webBench(t, far, {
    kind: openwrtUbus,
    settings,
    wrong: { ...settings, password: `not ${PASSWORD}` },
    ports: ['lan2', 'lan5'],
    missing: 'lan9',
    behaviours: [...WEB_BEHAVIOURS, 'lags', 'ignores'],
  });
}
