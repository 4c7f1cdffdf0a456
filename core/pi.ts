import type { BakeformName, DiskId, Ipv4, Mac, PiId, PiName } from './ids.ts';

/** Where a Pi stands in its life. See the transition table below. */
export const PI_STATES = ['fridge', 'baking', 'baked', 'unbaking', 'held'] as const;
export type PiState = (typeof PI_STATES)[number];

/** What moves a Pi from one state to another. */
export const PI_EVENTS = [
  'bake',
  'baked',
  'undone',
  'rebake',
  'kept',
  'unbake',
  'cleaned',
  'stuck',
  'retry-bake',
  'retry-unbake',
  'release',
] as const;
export type PiEvent = (typeof PI_EVENTS)[number];

/**
 * The one transition table. What is not in it is refused.
 * `undone`: a bake was unwound. `kept`: a rebake was, and the Pi is baked as before. `cleaned`: an unbake ended. `release`:
 * a person gives a held Pi back once its clean-up left nothing.
 */
const TRANSITIONS: { readonly [S in PiState]: { readonly [E in PiEvent]?: PiState } } = {
  fridge: { bake: 'baking' },
  baking: { baked: 'baked', undone: 'fridge', kept: 'baked', stuck: 'held' },
  baked: { rebake: 'baking', unbake: 'unbaking' },
  unbaking: { cleaned: 'fridge', stuck: 'held' },
  held: { 'retry-bake': 'baking', 'retry-unbake': 'unbaking', release: 'fridge' },
};

/** The state that `event` leads to from `state`, or undefined where that is not allowed. */
export function nextPiState(state: PiState, event: PiEvent): PiState | undefined {
  return TRANSITIONS[state][event];
}

/** The status of the original API: 1 not in use, 2 in use, 3 being worked on. Clients take only 2 for "has a VM". */
export function legacyStatus(state: PiState): 1 | 2 | 3 {
  if (state === 'fridge') return 1;
  return state === 'baked' ? 2 : 3;
}

/** Raspberry Pi Foundation, boards up to the Pi 3: their MAC ends in the last 24 bits of their serial. */
const OUI_OF_PI_1_TO_3 = 'b8:27:eb';

/** False when a board with that MAC cannot have a serial that ends in that id. Of boards since the Pi 4 nothing is known. */
export function mayHaveMac(id: PiId, mac: Mac): boolean {
  return !mac.startsWith(OUI_OF_PI_1_TO_3) || mac.slice(9).replaceAll(':', '') === id.slice(2);
}

/** Where a Pi's power comes from: one port of one switch belongs to one Pi. */
export interface PiPort {
  readonly switch: string;
  readonly port: string;
}

/** One board of the pool, as the inventory knows it. */
export interface Pi {
  readonly id: PiId;
  readonly state: PiState;
  /** The bakeform its root was cloned from; kept also when that bakeform is deleted. */
  readonly bakeform: BakeformName | undefined;
  /** The golden volume of that bakeform. */
  readonly bakeformVolume: string | undefined;
  /** Its disks in attach order; the first is the root. */
  readonly disks: readonly DiskId[];
  /** Its ethernet address, bound at first sight. */
  readonly mac: Mac | undefined;
  /** The one address that may use its exports and boot files. */
  readonly address: Ipv4 | undefined;
  /** The address that it had before, which may use its exports until the new one has mounted; only beside an address. */
  readonly previousAddress: Ipv4 | undefined;
  /** When its address was last seen in use, in ms since the epoch. */
  readonly addressSeenAt: number | undefined;
  /** Until when a boot is expected of it (it was just powered on), in ms since the epoch. */
  readonly bootExpectedUntil: number | undefined;
  /** What its power should be. Committed before the power driver is called. */
  readonly desiredPower: 'on' | 'off' | undefined;
  /** Set by a person; such a Pi is never picked. */
  readonly maintenance: boolean;
  /** Bakery writes the list of its disks, /piConfig/disks.json, onto its root; else somebody else may. */
  readonly manageDisks: boolean;
  /** Not admitted yet: in no legacy list, never picked, never powered. */
  readonly quarantine: boolean;
  /** The `manual` driver could not switch it off: not picked before a new boot or a person's word is seen. */
  readonly awaitOff: boolean;
  /** What the machine found wrong with it, in plain words; cleared by itself. */
  readonly fault: string | undefined;
  readonly name: PiName | undefined;
  /** In their order, each once. */
  readonly tags: readonly string[];
  readonly notes: string;
  readonly port: PiPort | undefined;
  /** The port that its MAC was found on while it is bound to another: that binding is stale. */
  readonly movedTo: PiPort | undefined;
  /** Its revision code: what board it is (revision.ts). */
  readonly revision: number | undefined;
}
