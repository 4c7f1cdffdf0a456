import { PowerFault } from '../../driver.ts';
import type { PortPower, PowerBudget } from '../kind.ts';
import type { Table } from './conversation.ts';

/** POWER-ETHERNET-MIB of RFC 3621. */
const PORT_ENTRY = '1.3.6.1.2.1.105.1.1.1';
const MAIN_ENTRY = '1.3.6.1.2.1.105.1.3.1.1';

/** pethPsePortAdminEnable: TruthValue, read-write. */
export const ADMIN_ENABLE = `${PORT_ENTRY}.3`;
/** pethPsePortDetectionStatus: 3 is deliveringPower. */
export const DETECTION_STATUS = `${PORT_ENTRY}.6`;
/** pethMainPsePower: what a group of ports can give, in W. */
export const MAIN_POWER = `${MAIN_ENTRY}.2`;
/** pethMainPseConsumptionPower: what they take, in W. */
export const MAIN_CONSUMPTION = `${MAIN_ENTRY}.4`;

const DELIVERING_POWER = 3;
const MAX_INDEX = 2 ** 31 - 1;

/** A port by pethPsePortGroupIndex (a box of a stack, a module of a chassis) and pethPsePortIndex. */
export interface PoePort {
  readonly group: number;
  readonly port: number;
}

/**
 * Reads `group.port`, as in `1.12`. A port has one spelling only (no `12`, no `1.012`), since by its name Bakery keeps two Pis off one port.
 * @throws PowerFault fatal
 */
export function parsePoePort(name: string): PoePort {
  const match = /^([1-9]\d{0,9})\.([1-9]\d{0,9})$/.exec(name);
  const [group, port] = [Number(match?.[1]), Number(match?.[2])];
  if (!(group <= MAX_INDEX && port <= MAX_INDEX)) {
    throw new PowerFault('fatal', `port ${JSON.stringify(name.slice(0, 32))}: PoE ports are group.port, as in 1.12`);
  }
  return { group, port };
}

/** The instance of a column for a port. @throws PowerFault fatal */
export function oidOf(column: string, name: string): string {
  const { group, port } = parsePoePort(name);
  return `${column}.${group}.${port}`;
}

/** A TruthValue (RFC 2579) that is ADMIN_ENABLE, written. */
export const TRUTH = { on: 1, off: 2 } as const;

/** A TruthValue that is ADMIN_ENABLE, read. */
export function powerOf(value: unknown): PortPower {
  if (value === TRUTH.on) return 'on';
  return value === TRUTH.off ? 'off' : 'unknown';
}

/** A row of pethPsePortTable. */
export interface PoeRow extends PoePort {
  readonly name: string;
  readonly power: PortPower;
  readonly delivers?: boolean;
}

/** Rows of ADMIN_ENABLE and DETECTION_STATUS; those with an index that is none are left out. */
export function poeRows({ rows }: Table): PoeRow[] {
  return [...rows].flatMap(([name, [enabled, detection]]) => {
    const [group, port, ...more] = name.split('.').map(Number);
    if (!group || !port || more.length > 0) return [];
    const told = typeof detection === 'number' ? { delivers: detection === DELIVERING_POWER } : {};
    return [{ name, group, port, power: powerOf(enabled), ...told }];
  });
}

/** The sum of MAIN_POWER and MAIN_CONSUMPTION over all groups; undefined when one does not tell both. */
export function budgetOf({ rows }: Table): PowerBudget | undefined {
  let [limitMilliwatts, usedMilliwatts] = [0, 0];
  for (const [power, used] of rows.values()) {
    if (typeof power !== 'number' || typeof used !== 'number') return undefined;
    limitMilliwatts += power * 1000;
    usedMilliwatts += used * 1000;
  }
  return limitMilliwatts > 0 ? { limitMilliwatts, usedMilliwatts } : undefined;
}
