import type { Ipv4, Mac, PiId } from '../core/ids.ts';
import { mayHaveMac } from '../core/pi.ts';

/** What is known when somebody asks for a Pi's boot files. */
export interface AddressFacts {
  /** ms since the epoch. */
  readonly now: number;
  /** The Pi whose files are asked for. */
  readonly claimed: PiId;
  readonly client: Ipv4;
  /** A trusted relay: asks for any Pi, and its address is nobody's. */
  readonly relay: boolean;
  /** The MAC that the neighbour table shows at `client`. */
  readonly neighbour: Mac | undefined;
  /** The serial that the board with that MAC told of itself lately, by DHCP. */
  readonly toldSerial: PiId | undefined;
  /** That Pi's record; undefined when its serial is unknown. */
  readonly pi:
    | {
        readonly mac: Mac | undefined;
        readonly address: Ipv4 | undefined;
        readonly addressSeenAt: number | undefined;
        readonly bootExpectedUntil: number | undefined;
      }
    | undefined;
  /** The Pi that is bound to `neighbour`. */
  readonly macOwner: PiId | undefined;
  /** The Pi that has `client` as its address. */
  readonly addressOwner: PiId | undefined;
}

/** What follows of them. */
export type AddressDecision =
  | { readonly kind: 'relay' }
  /** The Pi asks from its own address. */
  | { readonly kind: 'same' }
  /** The Pi's address moves; `previousOwner` loses it. */
  | { readonly kind: 'bind'; readonly mac: Mac; readonly address: Ipv4; readonly previousOwner: PiId | undefined }
  /** An unknown Pi; by a relay without MAC and address. */
  | {
      readonly kind: 'register';
      readonly mac: Mac | undefined;
      readonly address: Ipv4 | undefined;
      readonly previousOwner: PiId | undefined;
    }
  | { readonly kind: 'stranger'; readonly reason: string };

/** An address that nobody has used for this long may move without a boot being expected. */
const SILENT_MS = 60_000;

/**
 * Decides whether an address may be bound to the Pi that it asks for (design §6). A request names a serial and proves
 * nothing; the neighbour table shows which board is really there.
 */
export function decideAddress(facts: AddressFacts): AddressDecision {
  const { pi, neighbour, claimed, client, addressOwner } = facts;
  if (facts.relay) {
    return pi ? { kind: 'relay' } : { kind: 'register', mac: undefined, address: undefined, previousOwner: undefined };
  }
  if (!neighbour) return stranger('the neighbour table shows no board at that address');
  if (facts.macOwner !== undefined && facts.macOwner !== claimed) {
    return stranger(`the board at that address is Pi ${facts.macOwner}`);
  }
  if (!mayHaveMac(claimed, neighbour)) {
    return stranger('the serial does not belong to the MAC of the board at that address');
  }
  // Once bound it is not asked again: whoever is on the wire could tell anything in another's name.
  if (pi?.mac !== neighbour && facts.toldSerial !== undefined && facts.toldSerial !== claimed) {
    return stranger(`the board at that address says by DHCP that it is Pi ${facts.toldSerial}`);
  }
  const previousOwner = addressOwner === claimed ? undefined : addressOwner;
  if (!pi) return { kind: 'register', mac: neighbour, address: client, previousOwner };
  if (pi.mac !== undefined && pi.mac !== neighbour) return stranger('another board is bound to that serial');
  if (pi.address === client && pi.mac === neighbour) return { kind: 'same' };
  const expected = pi.bootExpectedUntil !== undefined && pi.bootExpectedUntil > facts.now;
  // Seen in the future: the clock was set back since, and the time says nothing.
  const isKnown = pi.addressSeenAt !== undefined && pi.addressSeenAt <= facts.now;
  const silent = !isKnown || facts.now - (pi.addressSeenAt ?? 0) >= SILENT_MS;
  if (pi.address !== undefined && pi.address !== client && !expected && !silent) {
    return stranger('the Pi is in use at another address, and no boot of it is expected');
  }
  // Whoever had the address has it no more: the neighbour table shows this board there.
  return { kind: 'bind', mac: neighbour, address: client, previousOwner };
}

/**
 * The address that keeps its access when a Pi's moves to `to`: the one that is in use until the new one has mounted. A Pi that moves
 * again before it has mounted was never in use at the one between; one that moves back may be at either.
 */
export function keptAddress(
  pi: { readonly address: Ipv4 | undefined; readonly previousAddress: Ipv4 | undefined },
  to: Ipv4,
): Ipv4 | undefined {
  const inUse = pi.previousAddress ?? pi.address;
  if (inUse !== to) return inUse;
  return pi.address === to ? undefined : pi.address;
}

/** How long an address that a Pi has left keeps its access when the new one never mounts. */
const LEAVING_MS = 10 * 60_000;

/** What is known of a Pi that has moved. */
export interface LeavingFacts {
  /** Since it moved, in ms; counted anew when the server is started again. */
  readonly leftMs: number;
  /** Whether the new address has a connection to the NFS server. */
  readonly isNewMounted: boolean;
  /** Who answers at the old address, and at the new one: its own board, another, or nobody. */
  readonly atOld: 'itself' | 'another' | 'nobody';
  readonly atNew: 'itself' | 'another' | 'nobody';
}

/**
 * Whether the old address ends, or the Pi goes `back` to it: it has been there all the time, and nobody ever came at the new one. A
 * program on a running Pi that asks for boot files from a second address moves it so, and must not cost it its root.
 */
export function decideLeaving({ leftMs, isNewMounted, atOld, atNew }: LeavingFacts): 'wait' | 'end' | 'back' {
  if (isNewMounted || atOld === 'another') return 'end';
  if (leftMs < LEAVING_MS) return 'wait';
  return atOld === 'itself' && atNew !== 'itself' ? 'back' : 'end';
}

function stranger(reason: string): AddressDecision {
  return { kind: 'stranger', reason };
}
