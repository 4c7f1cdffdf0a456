import type { Table } from './conversation.ts';
import type { PoePort } from './poe.ts';
import type { SnmpSettings } from './settings.ts';

/** IF-MIB of RFC 2863. */
const IF_ENTRY = '1.3.6.1.2.1.2.2.1';
const IF_X_ENTRY = '1.3.6.1.2.1.31.1.1.1';
/** ifName, ifAlias, ifOperStatus, ifType. */
export const INTERFACE_COLUMNS = [`${IF_X_ENTRY}.1`, `${IF_X_ENTRY}.18`, `${IF_ENTRY}.8`, `${IF_ENTRY}.3`];
/** dot1dBasePortIfIndex of BRIDGE-MIB (RFC 4188), by bridge port. */
export const BRIDGE_PORT_IF_INDEX = '1.3.6.1.2.1.17.1.4.1.2';

/** ifType of a socket for a cable: ethernetCsmacd, fastEther, gigabitEthernet. */
const ETHERNET: readonly unknown[] = [6, 62, 117];
/** ifOperStatus. */
const UP = 1;
const MAX_LABEL = 64;

/** An interface as IF-MIB has it, by ifIndex. */
export interface Interface {
  readonly index: number;
  readonly name: string;
  readonly alias: string;
  readonly isUp: boolean;
  readonly isEthernet: boolean;
}

/** Text that a person gave, or the firmware: one line, not too long. */
function lineOf(value: unknown): string {
  if (!Buffer.isBuffer(value)) return '';
  return value.toString('utf8').replace(/\p{C}/gu, ' ').trim().slice(0, MAX_LABEL);
}

/** Rows of INTERFACE_COLUMNS. */
export function interfacesOf({ rows }: Table): Interface[] {
  return [...rows].flatMap(([index, [name, alias, status, type]]) => ({
    index: Number(index),
    name: lineOf(name),
    alias: lineOf(alias),
    isUp: status === UP,
    isEthernet: ETHERNET.includes(type),
  }));
}

/** Rows of BRIDGE_PORT_IF_INDEX: the ifIndex by bridge port. */
export function bridgePortsOf({ rows }: Table): Map<number, number> {
  return new Map(
    [...rows].flatMap(([port, [index]]) => (typeof index === 'number' ? [[Number(port), index] as const] : [])),
  );
}

/** What people call it: its name, and what an administrator has written beside it. */
export function labelOf({ name, alias }: Interface): string {
  if (name === '' || alias === '' || name === alias) return name || alias;
  return `${name} (${alias})`;
}

/** The numbers at the end of a name: 1, 0, 12 of `GigabitEthernet1/0/12`. */
const numbersOf = (name: string) => (/\d+(?:[/.:]\d+)*$/.exec(name)?.[0] ?? '').split(/[/.:]/).map(Number);

/** The one whose name ends in `<group>/…/<port>`, or in `<port>` alone for group 1; zeros between win over other numbers. */
function byName({ group, port }: PoePort, interfaces: readonly Interface[]): number | undefined {
  const same = interfaces.filter(({ name }) => {
    const numbers = numbersOf(name);
    return numbers.at(-1) === port && (numbers.length > 1 ? numbers[0] : 1) === group;
  });
  const first = same.filter(({ name }) =>
    numbersOf(name)
      .slice(1, -1)
      .every((number) => number === 0),
  );
  const [found, another] = first.length > 0 ? first : same;
  return another === undefined ? found?.index : undefined;
}

/**
 * The ifIndex of each PoE port. RFC 3621 does not say which interface a PoE port is, so this is by what switches do:
 * - `name`: the numbers at the end of ifName are those of the port (Cisco, Juniper, Aruba CX, most that write `1/0/12` or `gi12`);
 * - `ifindex`: pethPsePortIndex is the ifIndex (HP ProCurve and many small switches);
 * - `bridge-port`: pethPsePortIndex is the bridge port, whose ifIndex BRIDGE-MIB tells.
 * `auto` takes the first that finds an Ethernet interface for every PoE port, and no interface twice; else none: better no link and no
 * addresses than those of another port. Only Ethernet interfaces count.
 */
export function matchInterfaces(
  ports: readonly PoePort[],
  all: readonly Interface[],
  bridgePorts: ReadonlyMap<number, number>,
  rule: SnmpSettings['interfaces'],
): ReadonlyMap<PoePort, number> {
  const ethernet = all.filter(({ isEthernet }) => isEthernet);
  const known = new Set(ethernet.map(({ index }) => index));
  const rules = {
    name: (port: PoePort) => byName(port, ethernet),
    ifindex: ({ port }: PoePort) => port,
    'bridge-port': ({ port }: PoePort) => bridgePorts.get(port),
  };
  const match = (name: keyof typeof rules) => {
    const found = ports.map((port) => [port, rules[name](port)] as const);
    return new Map(found.filter((pair): pair is readonly [PoePort, number] => known.has(pair[1] ?? -1)));
  };
  if (rule === 'none') return new Map();
  if (rule !== 'auto') return match(rule);
  const names = ['name', 'ifindex', 'bridge-port'] as const;
  const isSound = (found: ReadonlyMap<PoePort, number>) =>
    found.size === ports.length && new Set(found.values()).size === found.size;
  return names.map(match).find(isSound) ?? new Map();
}
