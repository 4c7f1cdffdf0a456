import type { Mac } from '../../core/ids.ts';
import { decodeRevision } from '../../core/revision.ts';
import { OUI_OF_PI_1_TO_3 } from '../dhcp/client.ts';

/**
 * What boards do when many boot at once:
 *
 * - `first-rom` the boot ROM of a Pi 2B v1.2, 3B and CM3. It asks five times, 5 s apart, and then stops until its power is cut
 *   (raspberry-pi/boot-net.adoc, raspberrypi/firmware#825). It locks up where answers come in a crowd: of 22 that were switched on
 *   together 3 booted (firmware#764), of 48 one to three (firmware#1120). So few of these may boot at a time.
 * - `other` everything else asks for longer, and again.
 */
export const BOOT_CLASSES = ['first-rom', 'other'] as const;
export type BootClass = (typeof BOOT_CLASSES)[number];

/** BCM2837, of which the B0 of the models with a plus has a newer ROM. The 2B is one of these since its revision 1.2. */
const FIRST_ROM_MODELS = ['2B', '3B', 'CM3'];

/**
 * The class of a board. A Pi up to the 3 does not tell its revision code by DHCP: where nobody has said it, its MAC says that it may
 * be a 3B, and it is taken for one. That costs others a wait; the other mistake costs a power-cycle.
 */
export function bootClass(pi: { readonly revision: number | undefined; readonly mac: Mac | undefined }): BootClass {
  const board = pi.revision === undefined ? undefined : decodeRevision(pi.revision);
  if (board?.model === undefined) return pi.mac?.startsWith(OUI_OF_PI_1_TO_3) ? 'first-rom' : 'other';
  return board.processor === 'BCM2837' && FIRST_ROM_MODELS.includes(board.model) ? 'first-rom' : 'other';
}

/** How many Pis may boot at a time. 0 stands for as many as there are. */
export interface BootLimits {
  /** All of them together. */
  readonly atOnce: number;
  /** Those of the class `first-rom`, which count as all others do too. */
  readonly firstRomAtOnce: number;
  /** From one power-on to the next, in ms: inrush currents and link negotiations come one after the other. */
  readonly staggerMs: number;
}

/** A boot from its power-on. Times are of a clock that nobody sets, in ms. */
export interface BootUnderWay {
  readonly class: BootClass;
  readonly startedAt: number;
  /** The last sign of it: a DHCP packet, a request for a file. */
  readonly heardAt: number | undefined;
}

/** Until the first sign: 8 s of firmware, 25 s of asking, or half a minute of a switch that is learning its tree (STP). */
const FIRST_SIGN_MS = 60_000;
/** Between two signs: a file may take 30 s (TFTP_FILE_TIMEOUT). */
const QUIET_MS = 40_000;
/** A board that asks for ever keeps nobody waiting for ever. */
const LONGEST_MS = 5 * 60_000;

/** When a boot of which nothing more is heard counts as over. */
export function endsAt({ startedAt, heardAt }: BootUnderWay): number {
  const quiet = heardAt === undefined ? startedAt + FIRST_SIGN_MS : heardAt + QUIET_MS;
  return Math.min(quiet, startedAt + LONGEST_MS);
}

/** False once so much time has passed without a sign that the boot is over, well or not. */
export function stillUnderWay(boot: BootUnderWay, now: number): boolean {
  return now < endsAt(boot);
}

/** Who boots, and who waits for its turn, in the order they came. */
export interface StormState<W extends { readonly class: BootClass }> {
  readonly underWay: readonly BootUnderWay[];
  readonly waiting: readonly W[];
  /** When the last one was switched on. */
  readonly lastStartAt: number | undefined;
}

/** Who is switched on now; or nobody before `until`, where time alone can change that. */
export type NextStart<W> =
  | { readonly kind: 'start'; readonly who: W }
  | { readonly kind: 'wait'; readonly until: number | undefined };

/** Decides who is next: the first that there is room for, so that none of its class keeps the others from booting. */
export function nextStart<W extends { readonly class: BootClass }>(
  state: StormState<W>,
  limits: BootLimits,
  now: number,
): NextStart<W> {
  if (state.waiting.length === 0) return { kind: 'wait', until: undefined };
  const underWay = state.underWay.filter((boot) => stillUnderWay(boot, now));
  const room = {
    all: roomIn(limits.atOnce, underWay.length),
    'first-rom': roomIn(limits.firstRomAtOnce, underWay.filter((boot) => boot.class === 'first-rom').length),
    other: Number.POSITIVE_INFINITY,
  };
  const who = room.all > 0 ? state.waiting.find((waiting) => room[waiting.class] > 0) : undefined;
  // A boot that ends makes room.
  if (!who) return { kind: 'wait', until: Math.min(...underWay.map(endsAt)) };
  const from = state.lastStartAt === undefined ? now : state.lastStartAt + limits.staggerMs;
  return now < from ? { kind: 'wait', until: from } : { kind: 'start', who };
}

function roomIn(limit: number, used: number): number {
  return limit === 0 ? Number.POSITIVE_INFINITY : limit - used;
}
