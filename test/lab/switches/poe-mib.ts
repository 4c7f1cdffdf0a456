import { comesAfter } from '../../../server/power/switches/snmp/walk.ts';
import { integer, octets, TAG } from './ber.ts';
import type { BoxPort, PoeBox } from './poe-box.ts';
import type { Managed } from './snmp-pdu.ts';

/** What makes a box look like one make or another. */
export interface MibOptions {
  readonly description: string;
  /** ifName of a port; `1/0/12` when it is not given. */
  readonly interfaceName?: (port: BoxPort) => string;
  /** ifIndex of a port; 100 × group + port when it is not given. */
  readonly ifIndex?: (port: BoxPort) => number;
  /** Which table has the stations: Q-BRIDGE-MIB's, or only BRIDGE-MIB's as in small switches. */
  readonly stations: 'q-bridge' | 'bridge';
  /** What the box tells of whether ports are enabled, and what it does when that is written. */
  readonly isEnabled: (port: BoxPort) => boolean;
  readonly enable: (port: string, power: 'on' | 'off') => void;
}

const PSE_PORT = '1.3.6.1.2.1.105.1.1.1';
const MAIN_PSE = '1.3.6.1.2.1.105.1.3.1.1';
const IF = '1.3.6.1.2.1.2.2.1';
const IF_X = '1.3.6.1.2.1.31.1.1.1';
const BRIDGE = '1.3.6.1.2.1.17';

const TRUE = 1;
const FALSE = 2;
/** pethPsePortDetectionStatus. */
const DETECTION = { disabled: 1, searching: 2, delivers: 3 };
const ETHERNET = 6;
const LEARNED = 3;
const MGMT = 5;
const VLAN = 1;

/** The objects of a box, in the order of their names: POWER-ETHERNET-MIB, and as much of IF-MIB and the bridge MIBs as tells what hangs where. */
export function poeMib(box: PoeBox, options: MibOptions): readonly Managed[] {
  const constant = (name: string, value: Buffer): Managed => ({ name, read: () => value });
  const objects: Managed[] = [constant('1.3.6.1.2.1.1.1.0', octets(options.description))];
  for (const { group, budget, used } of box.groups) {
    objects.push(constant(`${MAIN_PSE}.2.${group}`, integer(budget, TAG.gauge)));
    objects.push(constant(`${MAIN_PSE}.3.${group}`, integer(1)));
    objects.push(constant(`${MAIN_PSE}.4.${group}`, integer(used, TAG.gauge)));
  }
  const { ports } = box;
  for (const [at, port] of ports.entries()) {
    const bridgePort = at + 1;
    const index = options.ifIndex?.(port) ?? port.group * 100 + port.number;
    const waits = port.isEnabled ? DETECTION.searching : DETECTION.disabled;
    objects.push(
      {
        name: `${PSE_PORT}.3.${port.name}`,
        read: () => integer(options.isEnabled(port) ? TRUE : FALSE),
        write: {
          takes: (value) => value === TRUE || value === FALSE,
          put: (value) => options.enable(port.name, value === TRUE ? 'on' : 'off'),
        },
      },
      constant(`${PSE_PORT}.6.${port.name}`, integer(port.delivers ? DETECTION.delivers : waits)),
      constant(`${IF}.3.${index}`, integer(ETHERNET)),
      constant(`${IF}.8.${index}`, integer(port.isUp ? 1 : 2)),
      constant(`${IF_X}.1.${index}`, octets(options.interfaceName?.(port) ?? `${port.group}/0/${port.number}`)),
      constant(`${IF_X}.18.${index}`, octets(port.alias)),
      constant(`${BRIDGE}.1.4.1.2.${bridgePort}`, integer(index)),
    );
    for (const mac of port.macs) objects.push(...station(mac, bridgePort, LEARNED, options.stations));
  }
  // Its own address, as switches have it in the table too.
  objects.push(...station('02:00:00:00:00:01', 1, MGMT, options.stations));
  return objects.sort((a, b) => (comesAfter(a.name, b.name) ? 1 : -1));
}

function station(mac: string, bridgePort: number, status: number, table: MibOptions['stations']): Managed[] {
  const bytes = mac.split(':').map((byte) => Number.parseInt(byte, 16));
  const entry = table === 'q-bridge' ? `${BRIDGE}.7.1.2.2.1` : `${BRIDGE}.4.3.1`;
  const index = (table === 'q-bridge' ? [VLAN, ...bytes] : bytes).join('.');
  const [port, state] = [integer(bridgePort), integer(status)];
  return [
    { name: `${entry}.2.${index}`, read: () => port },
    { name: `${entry}.3.${index}`, read: () => state },
  ];
}
