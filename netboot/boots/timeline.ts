import { BOOT_STAGES, type Boot, type BootFacts, type BootStage, isUp, MAX_MISSED, stageOf } from '../../core/boot.ts';
import type { Ipv4, PiId } from '../../core/ids.ts';
import { type FileRole, roleOf } from './files.ts';

/** Something that was seen of a Pi, at a time in ms since the epoch. */
export type Sign = { readonly at: number } /** Its power was switched on; `failed` tells how that failed. */ & (
  | { readonly kind: 'power-on'; readonly failed?: string }
  | { readonly kind: 'power-off' }
  /** A DHCP packet; `sender` as in netboot/dhcp/client.ts, `os` for its kernel. */
  | { readonly kind: 'dhcp'; readonly sender: string; readonly isDiscover: boolean }
  /** It asks for a file below its folder. */
  | { readonly kind: 'asked'; readonly path: string; readonly isUnbaked: boolean }
  /** How that ended: `sent` whole, `missing`, `broken` off; `probed` is firmware looking whether it is there. */
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly outcome: 'sent' | 'probed' | 'missing' | 'broken';
      readonly bytes: number;
    }
  /** The NFS server heard of it; `from` an address that is not the Pi's. */
  | { readonly kind: 'nfs-asked'; readonly from?: Ipv4 }
  | { readonly kind: 'root-mounted' }
  | { readonly kind: 'ready'; readonly clockAheadMs?: number }
);

/** What a sign makes of the boots of its Pi. */
export interface Advance {
  /** The attempt before, which this sign ended. */
  readonly ended?: Boot;
  /** The Pi's boot from now on; undefined when there is none. */
  readonly boot: Boot | undefined;
  /** Stages that this sign showed. */
  readonly reached: readonly BootStage[];
}

/** A Pi that was silent for so long and begins with first files again has begun anew: ROMs give up and start over. */
const ANEW_MS = 60_000;
/** So long after its last sign a boot is not what a DISCOVER goes on with. */
const FORGOTTEN_MS = 10 * 60_000;

/** Bytes; overlays and stubs are far smaller. */
const MIN_KERNEL = 1 << 20;

const BEGINNINGS: readonly FileRole[] = ['first-stage', 'firmware', 'config'];

const NO_FACTS: BootFacts = {
  discovers: 0,
  files: 0,
  bytes: 0,
  misses: 0,
  missed: [],
  got: [],
  isPastRom: false,
  isUnbaked: false,
};

/**
 * Takes a sign in. `boot` is the Pi's newest, `mint` gives a new one its id. Signs that say nothing of a boot (a kernel's DHCP
 * when none is known) begin none.
 */
export function advanceBoot(boot: Boot | undefined, sign: Sign, { pi, mint }: { pi: PiId; mint(): string }): Advance {
  if (sign.kind === 'power-off') {
    if (!boot || boot.ended) return { boot, reached: [] };
    const ended: Boot = { ...boot, ended: { at: sign.at, by: 'off' } };
    return { ended, boot: ended, reached: [] };
  }
  const open = boot && !boot.ended ? boot : undefined;
  if (!open || begins(open, sign)) {
    if (!mayBegin(sign)) return { boot, reached: [] };
    const fresh: Boot = {
      id: mint(),
      pi,
      startedAt: sign.at,
      heardAt: sign.at,
      stages: {},
      ended: undefined,
      isStopTold: false,
      facts: NO_FACTS,
    };
    const next = take(fresh, sign);
    const ended = open && { ...open, ended: { at: sign.at, by: 'next' as const } };
    return { ...(ended ? { ended } : {}), boot: next, reached: newStages(fresh, next) };
  }
  // Switching on what is on boots nothing.
  if (sign.kind === 'power-on' && !isEmpty(open) && stageOf(open) !== 'dhcp') return { boot, reached: [] };
  const next = take(open, sign);
  return { boot: next, reached: newStages(open, next) };
}

/** True of an attempt of which nothing was seen but that its power was to come. */
function isEmpty({ stages }: Boot): boolean {
  return BOOT_STAGES.every((stage) => stage === 'power-on' || stages[stage] === undefined);
}

function mayBegin(sign: Sign): boolean {
  if (sign.kind === 'dhcp') return sign.sender !== 'os';
  return ['power-on', 'asked', 'file', 'ready'].includes(sign.kind);
}

/** True when `sign` belongs to no boot that is under way as `open` is. */
function begins(open: Boot, sign: Sign): boolean {
  const silentMs = sign.at - open.heardAt;
  switch (sign.kind) {
    case 'dhcp':
      // A Pi 2 or 3 asks twice: its ROM does, and then bootcode.bin.
      return sign.sender !== 'os' && sign.isDiscover && (open.facts.isPastRom || isUp(open) || silentMs > FORGOTTEN_MS);
    case 'asked': {
      const role = roleOf(sign.path);
      if (!BEGINNINGS.includes(role)) return false;
      if (role === 'first-stage' && open.facts.isPastRom) return true;
      return open.stages.kernel !== undefined || isUp(open) || (open.facts.isPastRom && silentMs > ANEW_MS);
    }
    default:
      return false;
  }
}

function newStages(before: Boot, after: Boot): BootStage[] {
  return BOOT_STAGES.filter((stage) => before.stages[stage] === undefined && after.stages[stage] !== undefined);
}

/** The boot with the sign in it. */
function take(boot: Boot, sign: Sign): Boot {
  const heardAt = Math.max(boot.heardAt, sign.at);
  const reach = (...stages: readonly BootStage[]): Boot['stages'] => {
    const fresh = stages.filter((stage) => boot.stages[stage] === undefined);
    return { ...boot.stages, ...Object.fromEntries(fresh.map((stage) => [stage, sign.at])) };
  };
  const with_ = (facts: Partial<BootFacts>, ...stages: readonly BootStage[]): Boot => ({
    ...boot,
    heardAt,
    isStopTold: false,
    stages: reach(...stages),
    facts: { ...boot.facts, ...facts },
  });
  switch (sign.kind) {
    case 'power-on': {
      if (sign.failed !== undefined) return with_({ powerFailure: sign.failed });
      const { powerFailure: _, ...facts } = boot.facts;
      return { ...with_({}, 'power-on'), startedAt: Math.min(boot.startedAt, sign.at), facts };
    }
    case 'power-off':
      return boot;
    case 'dhcp': {
      if (sign.sender === 'os') return with_({ kernelAskedAt: boot.facts.kernelAskedAt ?? sign.at });
      if (sign.isDiscover) return with_({ sender: sign.sender, discovers: boot.facts.discovers + 1 }, 'dhcp');
      return with_({ sender: sign.sender, requestedAt: boot.facts.requestedAt ?? sign.at }, 'dhcp');
    }
    case 'asked':
      return with_(askedFacts(boot, sign), 'first-file', ...runs(roleOf(sign.path)));
    case 'file':
      return with_(fileFacts(boot, sign), 'first-file', ...shows(boot, sign));
    case 'nfs-asked':
      return with_({ nfsAskedAt: sign.at, ...(sign.from ? { nfsAskedFrom: sign.from } : {}) });
    case 'root-mounted':
      return with_({}, 'root-mounted');
    case 'ready':
      // The first counts: a clock is set right some time.
      if (boot.stages.ready !== undefined || sign.clockAheadMs === undefined) return with_({}, 'ready');
      return with_({ clockAheadMs: sign.clockAheadMs }, 'ready');
  }
}

/** Who asks for such a file is firmware that runs already: a Pi 5 has all of it in its EEPROM. */
function runs(role: FileRole): BootStage[] {
  return ['cmdline', 'device-tree', 'initramfs', 'kernel'].includes(role) ? ['firmware'] : [];
}

function askedFacts({ facts }: Boot, { path, isUnbaked }: Extract<Sign, { kind: 'asked' }>): Partial<BootFacts> {
  return {
    lastFile: path,
    isPastRom: facts.isPastRom || roleOf(path) !== 'first-stage',
    isUnbaked: facts.isUnbaked || isUnbaked,
  };
}

function fileFacts({ facts }: Boot, sign: Extract<Sign, { kind: 'file' }>): Partial<BootFacts> {
  const { path, outcome } = sign;
  const isNews = outcome === 'missing' && !facts.missed.includes(path) && facts.missed.length < MAX_MISSED;
  return {
    lastFile: path,
    isPastRom: facts.isPastRom || roleOf(path) !== 'first-stage',
    bytes: facts.bytes + sign.bytes,
    files: facts.files + (outcome === 'sent' ? 1 : 0),
    misses: facts.misses + (outcome === 'missing' ? 1 : 0),
    missed: isNews ? [...facts.missed, path] : facts.missed,
    got: outcome === 'sent' ? [...new Set([...facts.got, roleOf(path)])] : facts.got,
    ...(outcome === 'broken' ? { brokenFile: path } : {}),
  };
}

/** Stages that the end of a transfer shows. */
function shows({ stages }: Boot, { path, outcome, bytes }: Extract<Sign, { kind: 'file' }>): BootStage[] {
  const role = roleOf(path);
  if (outcome !== 'sent') return runs(role);
  // config.txt may give the kernel any name. It is read last, and nothing else of its size comes after the command line.
  if (role === 'other' && bytes >= MIN_KERNEL && stages.cmdline !== undefined) return ['kernel'];
  if (role === 'firmware') return ['firmware'];
  if (role === 'cmdline') return ['firmware', 'cmdline'];
  if (role === 'kernel' || role === 'everything') return ['firmware', 'kernel'];
  return runs(role);
}
