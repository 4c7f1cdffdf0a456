import type { Pi, PiState } from './pi.ts';
import { decodeRevision } from './revision.ts';

/** Which Pis are meant. What is absent does not matter; what is there must all be so. */
export interface PiFilter {
  readonly state?: PiState | undefined;
  readonly model?: string | undefined;
  /** At least so much; a Pi whose memory nobody knows is not meant. */
  readonly minMemoryMiB?: number | undefined;
  /** It has every one of them. */
  readonly tags?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly bakeform?: string | undefined;
  readonly maintenance?: boolean | undefined;
  readonly quarantine?: boolean | undefined;
  readonly awaitOff?: boolean | undefined;
  /** Whether it has one. */
  readonly fault?: boolean | undefined;
  /** A text in its id, name, tags, notes, MAC, address or port, in any case. */
  readonly q?: string | undefined;
}

function texts(pi: Pi): string[] {
  const port = pi.port ? [`${pi.port.switch} ${pi.port.port}`] : [];
  const { id, name, mac, address, tags, notes } = pi;
  return [id, name, mac, address, ...tags, notes, ...port].flatMap((text) => text?.toLowerCase() ?? []);
}

/** True when the filter means this Pi. */
export function isMeant(pi: Pi, filter: PiFilter): boolean {
  const board = pi.revision === undefined ? undefined : decodeRevision(pi.revision);
  const same = <T>(wanted: T | undefined, is: T | undefined) => wanted === undefined || wanted === is;
  const { minMemoryMiB, tags = [], q } = filter;
  return (
    same(filter.state, pi.state) &&
    same(filter.model?.toLowerCase(), board?.model?.toLowerCase()) &&
    (minMemoryMiB === undefined || (board?.memoryMiB ?? -1) >= minMemoryMiB) &&
    tags.every((tag) => pi.tags.includes(tag)) &&
    same(filter.name, pi.name) &&
    same(filter.bakeform, pi.bakeform) &&
    same(filter.maintenance, pi.maintenance) &&
    same(filter.quarantine, pi.quarantine) &&
    same(filter.awaitOff, pi.awaitOff) &&
    same(filter.fault, pi.fault !== undefined) &&
    (q === undefined || texts(pi).some((text) => text.includes(q.toLowerCase())))
  );
}
