import type { Table } from './conversation.ts';

/** dot1qTpFdbPort and dot1qTpFdbStatus of Q-BRIDGE-MIB (RFC 4363), by filtering database and address. */
export const Q_BRIDGE_COLUMNS = ['1.3.6.1.2.1.17.7.1.2.2.1.2', '1.3.6.1.2.1.17.7.1.2.2.1.3'];
/** dot1dTpFdbPort and dot1dTpFdbStatus of BRIDGE-MIB (RFC 4188), by address. */
export const BRIDGE_COLUMNS = ['1.3.6.1.2.1.17.4.3.1.2', '1.3.6.1.2.1.17.4.3.1.3'];

/** dot1qTpFdbStatus and dot1dTpFdbStatus: learned from a frame, and not the switch's own address or one that was written there. */
const LEARNED = 3;
/** Of one port; PortReading has no more. */
const MAX_MACS = 64;

/** The six bytes at the end of an index, as an address. */
function macOf(index: string): string | undefined {
  const bytes = index.split('.').slice(-6).map(Number);
  if (bytes.length < 6 || bytes.some((byte) => !(byte >= 0 && byte <= 255))) return undefined;
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/**
 * Learned addresses by ifIndex, sorted; one that is learned in several VLANs counts once. Bridge port 0 is one that is not known.
 * `bridgePorts`: the ifIndex by bridge port.
 */
export function stationsOf(
  { rows }: Table,
  bridgePorts: ReadonlyMap<number, number>,
): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, Set<string>>();
  for (const [index, [bridgePort, status]] of rows) {
    const ifIndex = typeof bridgePort === 'number' ? bridgePorts.get(bridgePort) : undefined;
    const mac = macOf(index);
    if (ifIndex === undefined || mac === undefined || status !== LEARNED) continue;
    found.set(ifIndex, (found.get(ifIndex) ?? new Set()).add(mac));
  }
  return new Map([...found].map(([ifIndex, macs]) => [ifIndex, [...macs].sort().slice(0, MAX_MACS)]));
}
