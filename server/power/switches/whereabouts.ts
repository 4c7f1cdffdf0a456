import type { Mac, PiId } from '../../../core/ids.ts';
import type { Pi, PiPort } from '../../../core/pi.ts';
import type { SwitchSurvey } from './kind.ts';

/**
 * Whether a manufacturer gave that address to a device. The others (bit 1 of the first octet, IEEE 802-2014 8.2.2) software makes for itself: a Pi that
 * runs containers has some, and is alone on its port with them.
 */
export function isManufactured(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 2) === 0;
}

/** A port that an ethernet address was learned on. */
export interface Place extends PiPort {
  /** No address of another device was learned there: nothing but this board hangs on it. */
  readonly isAlone: boolean;
}

/** Where each address is, by the forwarding tables (RFC 4188 dot1dTpFdbTable and its like) of these switches, by their names. */
export function placesOf(surveys: ReadonlyMap<string, SwitchSurvey>): ReadonlyMap<Mac, readonly Place[]> {
  const places = new Map<Mac, Place[]>();
  for (const [name, { ports }] of surveys) {
    for (const { port, macs = [] } of ports) {
      const devices = macs.filter(isManufactured);
      for (const mac of macs as readonly Mac[]) {
        const isAlone = devices.every((device) => device === mac);
        places.set(mac, [...(places.get(mac) ?? []), { switch: name, port, isAlone }]);
      }
    }
  }
  return places;
}

type Places = ReturnType<typeof placesOf>;
const isAt = (a: PiPort, b: PiPort | undefined) => a.switch === b?.switch && a.port === b.port;
const bare = ({ switch: name, port }: PiPort): PiPort => ({ switch: name, port });

/**
 * Whether a bound Pi is where it is bound to. It has moved when its board is alone on one other port, and its own does not show it: a table that has
 * not forgotten yet, or ports between switches, say nothing. What is off is nowhere, which says nothing either.
 */
export function judgeBinding(
  { mac, port }: Pick<Pi, 'mac' | 'port'>,
  places: Places,
): 'right' | 'unknown' | { readonly movedTo: PiPort } {
  const found = (mac && places.get(mac)) ?? [];
  if (!port || found.length === 0) return 'unknown';
  const [alone, ...others] = found.filter(({ isAlone }) => isAlone);
  if (found.some((place) => isAt(place, port) && (place.isAlone || !alone))) return 'right';
  const isElsewhere = alone && others.length === 0 && !isAt(alone, port);
  return isElsewhere ? { movedTo: bare(alone) } : 'unknown';
}

/** What a discovery finds of one Pi. */
export interface Finding {
  readonly pi: PiId;
  /**
   * `bound`: it was bound to no port, and is alone on one; `already`: bound to where it is; `moved`: bound to another; `ambiguous`: found, but a person must
   * say where it belongs; `notFound`.
   */
  readonly outcome: 'bound' | 'already' | 'moved' | 'ambiguous' | 'notFound';
  /** Where it was found, when it is one place. */
  readonly port?: PiPort;
  /** What it is bound to, when that is another. */
  readonly boundTo?: PiPort;
  /** Why it is not bound, in plain words. */
  readonly why?: string;
  /** It is to be bound to `port`. */
  readonly binds: boolean;
}

type Board = Pick<Pi, 'id' | 'mac' | 'port' | 'quarantine'>;

/** What is said of one Pi on its own; whose the port is comes later. Undefined when it is no matter of this switch. */
function findOne(pi: Board, places: Places, { name, rebind }: { name: string; rebind: boolean }): Finding | undefined {
  const found = (pi.mac && places.get(pi.mac)) ?? [];
  const alone = found.filter(({ isAlone }) => isAlone);
  const isOfThis = pi.port?.switch === name || found.some((place) => place.switch === name);
  const rest = { pi: pi.id, binds: false };
  const bound = pi.port ? { boundTo: pi.port } : {};
  if (!isOfThis && (pi.port || found.length > 0)) return undefined;
  if (found.length === 0) {
    const why = pi.mac ? 'its MAC is learned on no port; is it on?' : 'its MAC is not known yet; let it boot once';
    return { ...rest, outcome: 'notFound', ...bound, why };
  }
  const [place] = alone;
  if (!place) return { ...rest, outcome: 'ambiguous', ...bound, why: 'it is not alone on any port' };
  if (alone.length > 1) return { ...rest, outcome: 'ambiguous', ...bound, why: 'it is alone on more than one port' };
  if (isAt(place, pi.port)) return { ...rest, outcome: 'already', port: bare(place) };
  const outcome = pi.port ? 'moved' : 'bound';
  const isHere = place.switch === name;
  // Alone on a port of another switch and unbound: that one's discovery binds it.
  if (!isHere && !pi.port) return undefined;
  const binds = isHere && (outcome === 'bound' || rebind);
  return { ...rest, outcome, port: bare(place), ...bound, binds };
}

/**
 * Which Pis hang on which ports of the switch `name`, by the tables in `places`. A port belongs to one Pi: one that is another's is taken only when that one is
 * bound elsewhere by the same discovery. Without `rebind` none that is bound is bound anew. Those in quarantine are left out.
 */
export function planDiscovery(
  pis: readonly Board[],
  places: Places,
  options: { name: string; rebind: boolean },
): readonly Finding[] {
  const owners = new Map(pis.flatMap(({ id, port }) => (port ? [[keyOf(port), id] as const] : [])));
  let findings = pis.filter(({ quarantine }) => !quarantine).flatMap((pi) => findOne(pi, places, options) ?? []);
  for (;;) {
    const leaving = new Set(findings.filter(({ binds, boundTo }) => binds && boundTo).map(({ pi }) => pi));
    const next = findings.map((finding) => {
      const owner = finding.binds && finding.port ? owners.get(keyOf(finding.port)) : undefined;
      if (owner === undefined || leaving.has(owner)) return finding;
      const why = `that port belongs to Pi ${owner}`;
      const outcome = finding.outcome === 'bound' ? ('ambiguous' as const) : finding.outcome;
      return { ...finding, outcome, why, binds: false };
    });
    // One that stays where it is may keep another from its port.
    if (next.every((finding, i) => finding.binds === findings[i]?.binds)) return next;
    findings = next;
  }
}

/** Says with a finding that the switch that was asked, `name`, does not list the port that the Pi is bound to. */
export function withUnlisted(
  finding: Finding,
  { name, listed }: { name: string; listed: ReadonlySet<string> | undefined },
): Finding {
  const { boundTo, binds, why } = finding;
  if (!listed || binds || boundTo?.switch !== name || listed.has(boundTo.port)) return finding;
  return { ...finding, why: [why, `the switch lists no port ${boundTo.port}`].filter(Boolean).join('; ') };
}

const keyOf = ({ switch: name, port }: PiPort) => JSON.stringify([name, port]);
