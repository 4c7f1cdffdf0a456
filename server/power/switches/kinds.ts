import type { SwitchKind } from './kind.ts';
import { mikrotik } from './mikrotik.ts';
import { openwrtUbus } from './openwrt-ubus.ts';
import { snmpPoe } from './snmp-poe.ts';
import { unifi } from './unifi.ts';
import { webhook } from './webhook.ts';

/** The kinds of switches that are built in; a new one is one file here and one line in this list. */
export const SWITCH_KINDS: readonly SwitchKind[] = [snmpPoe, unifi, mikrotik, openwrtUbus, webhook];

/** The kind of that name. */
export function findSwitchKind(name: string, kinds: readonly SwitchKind[] = SWITCH_KINDS): SwitchKind | undefined {
  return kinds.find((kind) => kind.name === name);
}
