import type { Mutation } from './mutation.ts';

const UNIFI = 'server/power/switches/unifi-device.ts';
const UNIFI_SESSION = 'server/power/switches/unifi-session.ts';
const UNIFI_CREDENTIALS = 'server/power/switches/unifi-credentials.ts';
const UNIFI_CONTRACT = 'test/contract/switch-unifi.test.ts';
const MIKROTIK = 'server/power/switches/mikrotik.ts';
const OPENWRT = 'server/power/switches/openwrt-ubus.ts';
const UNIFI_UNIT = 'test/unit/switch-unifi.test.ts';
const CLIENT_UNIT = 'test/unit/switch-http-client.test.ts';

/** Switches that are reached by HTTP: unifi, mikrotik, openwrt-ubus. */
export const webSwitches: readonly Mutation[] = [
  {
    name: 'overrides of other UniFi ports are sent along',
    file: UNIFI,
    old: 'const planned = device.port_overrides.map((override) => ({ ...override }));',
    new: 'const planned: Override[] = [];',
    test: UNIFI_UNIT,
    fails: 'all other overrides, and all other members of its own',
  },
  {
    name: 'a UniFi switch that is not connected gets no change',
    file: UNIFI,
    old: '  const fault = notThere(device);\n  if (fault) throw fault;\n',
    new: '',
    test: UNIFI_UNIT,
    fails: 'a switch that is not connected gets no change',
  },
  {
    name: 'a UniFi port that draws power is on',
    file: UNIFI,
    old: "  if (poe_enable === true || (milliwatts(poe_power) ?? 0) > 0) return 'on';\n",
    new: '',
    test: UNIFI_UNIT,
    fails: 'a port that is off by its mode and draws power is on',
  },
  {
    name: 'a UniFi switch that is not connected has no state',
    file: UNIFI,
    old: "  if (state !== CONNECTED) return 'unknown';\n",
    new: '',
    test: UNIFI_UNIT,
    fails: 'a switch that is not connected tells nothing',
  },
  {
    name: 'the last token against forged requests counts',
    file: UNIFI_CREDENTIALS,
    old: "[headers['x-updated-csrf-token'], headers['x-csrf-token'], ",
    new: "[headers['x-csrf-token'], ",
    test: UNIFI_CONTRACT,
    fails: 'the token against forged requests is sent back',
  },
  {
    name: 'the token against forged requests is found in the session cookie',
    file: UNIFI_CREDENTIALS,
    old: '...fresh.map(tokenInside), ',
    new: '',
    test: UNIFI_CONTRACT,
    fails: 'the token may be told by the session cookie alone',
  },
  {
    name: 'a new session cookie takes the place of the old',
    file: UNIFI_SESSION,
    old: '    as.credentials = credentialsAfter(as.credentials, answer.headers);\n',
    new: '',
    test: UNIFI_CONTRACT,
    fails: 'the token may be told by the session cookie alone',
  },
  {
    name: 'a token that the console forgot is a session that is lost',
    file: UNIFI_SESSION,
    old: "data?.message === 'Invalid CSRF Token'",
    new: "data?.message === ''",
    test: UNIFI_CONTRACT,
    fails: 'a session that is lost between reading and writing costs one login, and one change (forgetTokens)',
  },
  {
    name: 'a UniFi session that was just opened is not opened again',
    file: UNIFI_SESSION,
    old: 'if (!isOld || !isStranger(answer)) return answer;',
    new: 'if (!isStranger(answer)) return answer;',
    test: UNIFI_CONTRACT,
    fails: 'a session that was forgotten costs one login, and a controller that forgets at once no more',
  },
  {
    name: 'a UniFi login that was refused is not tried at once',
    file: UNIFI_SESSION,
    old: 'if (refused && clock.monotonic() < refused.until) {',
    new: 'if (refused && clock.monotonic() < 0) {',
    test: UNIFI_CONTRACT,
    fails: 'a password that is wrong is tried once',
  },
  {
    name: 'the pause after a UniFi login that was refused grows',
    file: UNIFI_SESSION,
    old: 'const times = (refused?.times ?? 0) + 1;',
    new: 'const times = 1;',
    test: UNIFI_CONTRACT,
    fails: 'a login that was refused is told again, and not tried again for a while',
  },
  {
    name: 'nothing is written to another certificate',
    file: 'server/power/switches/pinned-agent.ts',
    old: 'end(seen === this.#pin ? null : new OtherCertificate(seen));',
    new: 'end(seen === undefined ? new OtherCertificate(seen) : null);',
    test: CLIENT_UNIT,
    fails: 'writes nothing to a device whose certificate changed',
  },
  {
    name: 'answers of switches are bounded',
    file: 'server/power/switches/http-client.ts',
    old: 'if (bytes > maxBytes) throw',
    new: 'if (bytes < 0) throw',
    test: CLIENT_UNIT,
    fails: 'reads no answer without end',
  },
  {
    name: 'a MikroTik port that is on stays in its mode',
    file: MIKROTIK,
    old: '          if (powerOf(port) === wish) continue;\n',
    new: '',
    test: 'test/contract/switch-mikrotik.test.ts',
    fails: 'a port that feeds without detection stays so',
  },
  {
    name: 'a MikroTik port of 802.3bt that is on is on',
    file: 'server/power/switches/mikrotik-tables.ts',
    old: "'forced-on', 'forced-on-a', 'forced-on-bt'",
    new: "'forced-on'",
    test: 'test/contract/switch-mikrotik.test.ts',
    fails: 'a port that feeds without detection stays so',
  },
  {
    name: 'a measurement by RouterOS ends',
    file: MIKROTIK,
    old: "{ numbers, once: 'true' }",
    new: '{ numbers }',
    test: 'test/contract/switch-mikrotik.test.ts',
    fails: 'a survey measures all ports at once, and ends',
  },
  {
    name: 'an OpenWrt session that is gone is opened anew',
    file: OPENWRT,
    old: 'if (isOld && (result.status',
    new: 'if (!isOld && (result.status',
    test: 'test/contract/switch-openwrt.test.ts',
    fails: 'a device that has restarted is switched all the same',
  },
  {
    name: 'an OpenWrt port of which nothing is known is not off',
    file: 'server/power/switches/openwrt-poe.ts',
    old: "ON.has(status) ? 'on' : 'unknown'",
    new: "ON.has(status) ? 'on' : 'off'",
    test: 'test/unit/switch-openwrt.test.ts',
    fails: 'a port of which it knows nothing is unknown, and never off',
  },
];
