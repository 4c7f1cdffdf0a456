import type { Log } from '../../../../core/log.ts';
import { PowerFault } from '../../driver.ts';
import type { PortReading, SwitchSurvey } from '../kind.ts';
import type { Conversation } from './conversation.ts';
import {
  BRIDGE_PORT_IF_INDEX,
  bridgePortsOf,
  INTERFACE_COLUMNS,
  interfacesOf,
  labelOf,
  matchInterfaces,
} from './interfaces.ts';
import { ADMIN_ENABLE, budgetOf, DETECTION_STATUS, MAIN_CONSUMPTION, MAIN_POWER, type PoeRow, poeRows } from './poe.ts';
import type { SnmpSettings } from './settings.ts';
import { BRIDGE_COLUMNS, Q_BRIDGE_COLUMNS, stationsOf } from './stations.ts';

/** sysDescr of SNMPv2-MIB (RFC 3418). */
const SYS_DESCR = '1.3.6.1.2.1.1.1.0';
const MAX_DESCRIPTION = 255;

/** Rows that are read of a table, at most. */
const MAX_POE_PORTS = 1024;
const MAX_GROUPS = 64;
const MAX_INTERFACES = 4096;
const MAX_STATIONS = 8192;

/** What a conversation about everything needs. */
export interface SurveyParts {
  readonly rule: SnmpSettings['interfaces'];
  readonly log: Log;
}

/** Asks for everything. @throws PowerFault fatal for a switch that tells of no PoE port */
export async function surveyOf(conversation: Conversation, { rule, log }: SurveyParts): Promise<SwitchSurvey> {
  const [sysDescr] = await conversation.get([SYS_DESCR]);
  const description = Buffer.isBuffer(sysDescr)
    ? sysDescr
        .toString('utf8')
        .replace(/\p{C}+/gu, ' ')
        .trim()
    : '';
  const rows = poeRows(await conversation.walk([ADMIN_ENABLE, DETECTION_STATUS], MAX_POE_PORTS));
  if (rows.length === 0) {
    throw new PowerFault(
      'fatal',
      'the switch answers, and tells of no PoE port: it has no POWER-ETHERNET-MIB (RFC 3621), or these credentials may not see it',
    );
  }
  const budget = budgetOf(await conversation.walk([MAIN_POWER, MAIN_CONSUMPTION], MAX_GROUPS));
  return {
    description: description.slice(0, MAX_DESCRIPTION),
    ports: rule === 'none' ? rows.map(readingOf) : await withInterfaces(rows, conversation, { rule, log }),
    ...(budget ? { budget } : {}),
  };
}

function readingOf({ name, power, delivers }: PoeRow): PortReading {
  return { port: name, power, ...(delivers === undefined ? {} : { delivers }) };
}

/** Adds names, links and stations of the interfaces that the PoE ports are. */
async function withInterfaces(
  rows: readonly PoeRow[],
  conversation: Conversation,
  { rule, log }: SurveyParts,
): Promise<readonly PortReading[]> {
  const interfaces = interfacesOf(await conversation.walk(INTERFACE_COLUMNS, MAX_INTERFACES));
  const bridgePorts = bridgePortsOf(await conversation.walk([BRIDGE_PORT_IF_INDEX], MAX_INTERFACES));
  const matched = matchInterfaces(rows, interfaces, bridgePorts, rule);
  if (matched.size === 0) {
    log.info({}, 'no rule finds the interfaces of the PoE ports of this switch: no links and no addresses are told');
    return rows.map(readingOf);
  }
  const stations = await stationsBy(conversation, bridgePorts, log);
  const byIndex = new Map(interfaces.map((one) => [one.index, one]));
  return rows.map((row) => {
    const found = byIndex.get(matched.get(row) ?? -1);
    if (!found) return readingOf(row);
    const label = labelOf(found);
    const macs = stations && { macs: stations.get(found.index) ?? [] };
    return { ...readingOf(row), ...(label === '' ? {} : { label }), link: found.isUp, ...macs };
  });
}

/**
 * Undefined when the switch tells of none, which is not the same as that there are none, and when there are too many to read all: a part
 * would make a port with a switch behind it look like one with one Pi.
 */
async function stationsBy(
  conversation: Conversation,
  bridgePorts: ReadonlyMap<number, number>,
  log: Log,
): Promise<ReadonlyMap<number, readonly string[]> | undefined> {
  const byVlan = await conversation.walk(Q_BRIDGE_COLUMNS, MAX_STATIONS);
  const table = byVlan.rows.size > 0 ? byVlan : await conversation.walk(BRIDGE_COLUMNS, MAX_STATIONS);
  if (table.rows.size === 0 || bridgePorts.size === 0) return undefined;
  if (table.isWhole) return stationsOf(table, bridgePorts);
  log.warn({ stations: MAX_STATIONS }, 'the switch has learned more addresses than are read: none are told');
  return undefined;
}
