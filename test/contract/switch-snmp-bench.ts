import type { TestContext } from 'node:test';
import { snmpPoe } from '../../server/power/switches/snmp-poe.ts';
import { SNMP_SWITCH_BEHAVIOURS, type SnmpSwitchOptions, startSnmpSwitch } from '../lab/switches/snmp-switch.ts';
import type { SnmpUser } from '../lab/switches/snmp-usm.ts';
import { benchOf, type MakeSwitchBench, type SwitchBench } from './switch-bench.ts';

const USER: SnmpUser = {
  name: 'bakery',
  authProtocol: 'sha256',
  authKey: 'auth-secret/0123',
  privProtocol: 'aes',
  privKey: 'priv-secret/4567',
  mayWrite: true,
};
const COMMUNITY = 'community-secret/89';
/** Of one answer, in ms: short, because the suite waits for those that never come; far more than one on loopback takes. */
const TIMEOUT_MS = 450;

/** The lab's switch with something that takes power on each port. */
async function benchWith(
  t: Pick<TestContext, 'after'>,
  options: SnmpSwitchOptions,
  { settings, wrong, ...says }: Pick<Parameters<typeof benchOf>[1], 'settings' | 'wrong' | 'wrongSays'>,
): Promise<SwitchBench> {
  const device = await startSnmpSwitch({ ...options, groups: 2, portsOfGroup: 4 });
  t.after(() => device.close());
  for (const { name } of device.box.ports) device.box.plug(name, 5);
  const reached = { host: '127.0.0.1', port: device.port, timeoutMs: TIMEOUT_MS };
  return benchOf(t, {
    ...says,
    kind: snmpPoe,
    settings: { ...reached, ...settings },
    wrong: { ...reached, ...wrong },
    ports: ['1.2', '2.1'],
    missing: '3.1',
    behaviours: SNMP_SWITCH_BEHAVIOURS,
    farEnd: device.behave,
    gives: async (port) => (device.box.ports.find(({ name }) => name === port)?.delivers ? 'on' : 'off'),
    changes: async () => device.changes,
  });
}

/** Version 3 with authentication and privacy. */
export const makeSnmpBench: MakeSwitchBench = (t) => {
  const { name: user, authProtocol, authKey, privProtocol, privKey } = USER;
  const settings = { user, authProtocol, authKey, privProtocol, privKey };
  return benchWith(
    t,
    { users: [USER], communities: [] },
    { settings, wrong: { ...settings, authKey: 'wrong-secret/0123' } },
  );
};

/** Version 2c, which answers a wrong community with silence (RFC 3584 section 5.2.1: the message is dropped). */
export const makeSnmp2cBench: MakeSwitchBench = (t) =>
  benchWith(
    t,
    { communities: [{ name: COMMUNITY, mayWrite: true }] },
    {
      settings: { version: '2c', community: COMMUNITY },
      wrong: { version: '2c', community: 'wrong-secret/01' },
      wrongSays: /wrong community/,
    },
  );
