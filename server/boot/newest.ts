import type { Boot } from '../../core/boot.ts';
import { type BootState, bootState } from '../../netboot/boots/diagnosis.ts';

/** A boot whose power is on. */
export interface PoweredBoot {
  readonly id: string;
  readonly state: BootState;
  readonly hasFirmware: boolean;
  readonly signAt: number | undefined;
}

/**
 * The newest boot of a Pi as those see it who decide about its power; undefined where none is known, or its power was taken since.
 * `hasFirmware`: its firmware runs. `signAt`: when it last gave a sign beside its power-on, ms since the epoch.
 */
export function newestBoot(boot: Boot | undefined, now: number): PoweredBoot | undefined {
  if (!boot || boot.ended) return undefined;
  const { id, stages, heardAt } = boot;
  const isSilent = Object.keys(stages).every((stage) => stage === 'power-on');
  return {
    id,
    state: bootState(boot, now),
    hasFirmware: stages.firmware !== undefined,
    signAt: isSilent ? undefined : heardAt,
  };
}
