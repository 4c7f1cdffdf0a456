import { type Boot, type BootStage, isUp, stageOf } from '../../core/boot.ts';
import { CAUSES, type CauseCode } from './causes.ts';
import { type FileRole, roleOf } from './files.ts';

/** What is said of a boot that comes no further than it is, and what makes it so, the likeliest first. */
export const DIAGNOSES = {
  booted: { text: 'It is up and said so', causes: [] },
  'clock-wrong': { text: 'It is up, and its clock is wrong', causes: ['clock'] },
  'not-ready': { text: 'Its root is mounted; it has not said that it is ready', causes: ['not-told', 'clock'] },
  'power-failed': { text: 'Its power could not be switched on', causes: ['switch-refused'] },
  'no-sign': { text: 'Nothing was heard of it since its power came', causes: ['boot-order', 'stp', 'cable'] },
  'no-offer': {
    text: 'It asks by DHCP and takes no offer',
    causes: ['option-43', 'no-address', 'firewall-boot', 'other-server'],
  },
  'no-address': { text: 'It is offered boot files and gets no address', causes: ['no-address'] },
  'no-file': { text: 'It has an address and asks for no file', causes: ['firewall-boot', 'other-server'] },
  'first-stage-only': { text: 'It got its first stage and came no further', causes: ['old-bootcode', 'option-43'] },
  'not-baked': { text: 'It asked for its files while it was not baked', causes: ['not-baked'] },
  'transfer-broke': { text: 'A file broke off', causes: ['packet-loss', 'firewall-boot'] },
  'firmware-missing': { text: 'The files that a boot begins with are not there', causes: ['no-firmware'] },
  'firmware-stuck': { text: 'Its firmware came no further', causes: ['wrong-firmware', 'packet-loss'] },
  'kernel-missing': { text: 'There is no kernel for it', causes: ['no-kernel'] },
  'device-tree-missing': { text: 'There is no device tree for it', causes: ['no-device-tree'] },
  'cmdline-missing': { text: 'There is no command line for its kernel', causes: ['no-cmdline'] },
  'initramfs-missing': { text: 'It has its kernel and no initramfs', causes: ['no-initramfs'] },
  'kernel-silent': { text: 'It has its kernel, which is not heard of', causes: ['no-network-driver', 'nfs-version'] },
  'root-not-asked': {
    text: 'Its kernel has an address and asks for no root',
    causes: ['nfs-version', 'firewall-nfs'],
  },
  'export-refused': { text: 'It asked for its root and did not get it', causes: ['no-export', 'address-changed'] },
} as const satisfies { readonly [code: string]: { readonly text: string; readonly causes: readonly CauseCode[] } };

export type DiagnosisCode = keyof typeof DIAGNOSES;

/** What is to be said of a boot. */
export interface Diagnosis {
  readonly code: DiagnosisCode;
  /** One sentence: where it is, or where it stopped. */
  readonly text: string;
  /** The likeliest first. */
  readonly causes: readonly { readonly code: CauseCode; readonly text: string }[];
  /** The next thing to check, or undefined where all is well. */
  readonly next: string | undefined;
}

/** How this server takes part in DHCP: what it does not hear says nothing, and what it offers needs no other. */
export interface DiagnosisFacts {
  readonly dhcp: 'off' | 'listen' | 'proxy';
}

/** A clock that is further off than that makes certificates fail that were just issued. */
const CLOCK_OFF_MS = 5 * 60_000;

/** Boards whose ROM gives up after 25 s of DHCP, within what STP takes (firmware#825). */
const HASTY: readonly (string | undefined)[] = ['rom-3b', 'bootcode'];

/**
 * Says of a boot what is to be said if no more is heard of it. Whether more is to be expected is `bootState`'s business.
 */
export function diagnose(boot: Boot, facts: DiagnosisFacts): Diagnosis {
  const code = codeOf(boot, facts);
  const { text } = DIAGNOSES[code];
  const causes = causesOf(code, boot, facts).map((cause) => ({ code: cause, text: CAUSES[cause].text }));
  const [first] = causes;
  return { code, text: `${text}${detail(code, boot)}.`, causes, next: first && `${CAUSES[first.code].check}.` };
}

function detail(code: DiagnosisCode, { facts }: Boot): string {
  if (code === 'transfer-broke') return `: ${facts.brokenFile}`;
  if (code === 'export-refused' && facts.nfsAskedFrom) return `: it asked from ${facts.nfsAskedFrom}`;
  const roles = MISSING[code];
  const names = facts.missed.filter((path) => roles?.includes(roleOf(path)));
  return names.length > 0 ? `: ${names.join(', ')}` : '';
}

/** Files whose absence a diagnosis tells. */
const MISSING: { readonly [code in DiagnosisCode]?: readonly FileRole[] } = {
  'firmware-missing': ['firmware', 'config'],
  'kernel-missing': ['kernel', 'everything'],
  'device-tree-missing': ['device-tree'],
  'cmdline-missing': ['cmdline'],
  'initramfs-missing': ['initramfs'],
};

/** Where more is known of a boot than its diagnosis says, other causes are likelier. */
const VARIANTS: readonly {
  readonly of: DiagnosisCode;
  readonly when: (boot: Boot, facts: DiagnosisFacts) => boolean;
  readonly causes: readonly CauseCode[];
}[] = [
  {
    of: 'no-sign',
    when: (_boot, { dhcp }) => dhcp === 'off',
    causes: ['boot-order', 'stp', 'cable', 'option-43', 'firewall-boot'],
  },
  {
    of: 'no-offer',
    when: ({ facts }) => HASTY.includes(facts.sender),
    causes: ['option-43', 'stp', 'no-address', 'firewall-boot'],
  },
  {
    of: 'export-refused',
    when: ({ facts }) => facts.nfsAskedFrom !== undefined,
    causes: ['address-changed', 'no-export'],
  },
];

function causesOf(code: DiagnosisCode, boot: Boot, facts: DiagnosisFacts): readonly CauseCode[] {
  const variant = VARIANTS.find((one) => one.of === code && one.when(boot, facts));
  return variant?.causes ?? DIAGNOSES[code].causes;
}

/** All causes that a diagnosis may name. */
export function possibleCauses(code: DiagnosisCode): ReadonlySet<CauseCode> {
  const variants = VARIANTS.filter((one) => one.of === code).flatMap(({ causes }) => causes);
  return new Set([...DIAGNOSES[code].causes, ...variants]);
}

function codeOf(boot: Boot, { dhcp }: DiagnosisFacts): DiagnosisCode {
  const { facts } = boot;
  const stage = stageOf(boot);
  const lacks = (code: DiagnosisCode) => {
    const missed = facts.missed.map(roleOf).filter((role) => MISSING[code]?.includes(role));
    return missed.some((role) => !facts.got.includes(role));
  };
  if (stage === undefined) return facts.powerFailure === undefined ? 'no-sign' : 'power-failed';
  if (stage === 'ready') return Math.abs(facts.clockAheadMs ?? 0) > CLOCK_OFF_MS ? 'clock-wrong' : 'booted';
  if (stage === 'root-mounted') return 'not-ready';
  if (stage === 'power-on') return facts.powerFailure === undefined ? 'no-sign' : 'power-failed';
  if (stage === 'dhcp') {
    if (facts.requestedAt !== undefined) return 'no-file';
    // The ROM of a Pi 2 or 3 sends no REQUEST: what it lacks cannot be told.
    if (dhcp !== 'proxy') return 'no-offer';
    return HASTY.includes(facts.sender) ? 'no-file' : 'no-address';
  }
  // What a ROM asks for first it gets in the fridge too.
  if (stage === 'first-file' && !facts.isPastRom) return 'first-stage-only';
  if (facts.isUnbaked) return 'not-baked';
  if (facts.brokenFile !== undefined && facts.brokenFile === facts.lastFile) return 'transfer-broke';
  if (stage === 'kernel') {
    if (facts.nfsAskedAt !== undefined) return 'export-refused';
    if (facts.kernelAskedAt !== undefined) return 'root-not-asked';
    return (['device-tree-missing', 'initramfs-missing'] as const).find(lacks) ?? 'kernel-silent';
  }
  if (stage === 'first-file') return lacks('firmware-missing') ? 'firmware-missing' : 'firmware-stuck';
  const stops = ['kernel-missing', 'device-tree-missing', 'cmdline-missing', 'initramfs-missing'] as const;
  return stops.find(lacks) ?? 'firmware-stuck';
}

/** How a boot is: `stopped` when it ended before it was up, or nothing was heard of it for longer than that stage takes. */
export type BootState = 'under-way' | 'up' | 'stopped';

/**
 * How long the next sign may take after a stage, in ms: STP and the 45 s of an EEPROM's DHCP before the first; 30 s for a file
 * and the pause of a retry; a kernel with an initramfs that looks for its network.
 */
const PATIENCE_MS: { readonly [S in BootStage]?: number } = { 'power-on': 120_000, kernel: 180_000 };
const USUAL_PATIENCE_MS = 90_000;

/** How a boot is at `now`, ms since the epoch. */
export function bootState(boot: Boot, now: number): BootState {
  if (isUp(boot)) return 'up';
  if (boot.ended) return 'stopped';
  const patience = PATIENCE_MS[stageOf(boot) ?? 'power-on'] ?? USUAL_PATIENCE_MS;
  // Further ahead than that is a clock that was set back since.
  const silent = Math.abs(now - boot.heardAt);
  return silent > patience ? 'stopped' : 'under-way';
}
