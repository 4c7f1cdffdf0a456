import type { Ipv4, Mac, PiId } from '../core/ids.ts';

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
/** Raspberry Pi Foundation, boards up to the Pi 3: their MAC ends in the last 24 bits of their serial. */
const OUI_OF_PI_1_TO_3 = 'b8:27:eb';

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
  if (neighbour.startsWith(OUI_OF_PI_1_TO_3) && neighbour.slice(9).replaceAll(':', '') !== claimed.slice(2)) {
    return stranger('the serial does not belong to the MAC of the board at that address');
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

function stranger(reason: string): AddressDecision {
  return { kind: 'stranger', reason };
}
