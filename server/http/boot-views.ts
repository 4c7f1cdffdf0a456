import { BOOT_STAGES, type Boot, stageOf } from '../../core/boot.ts';
import { bootState, type DiagnosisFacts, diagnose } from '../../netboot/boots/diagnosis.ts';
import type { BootInfo } from '../schema/boot.ts';
import { iso } from './operation-views.ts';

/** A boot as the API shows it at `now`, ms since the epoch, with what is to be said of it. */
export function bootInfo(boot: Boot, facts: DiagnosisFacts & { readonly now: number }): BootInfo {
  const { ended, facts: known } = boot;
  const stage = stageOf(boot);
  const { code, text, causes, next } = diagnose(boot, facts);
  const stages = BOOT_STAGES.flatMap((name) => {
    const at = boot.stages[name];
    return at === undefined ? [] : [{ stage: name, at: iso(at) }];
  });
  return {
    id: boot.id,
    pi: boot.pi,
    state: bootState(boot, facts.now),
    ...(stage ? { stage } : {}),
    startedAt: iso(boot.startedAt),
    heardAt: iso(boot.heardAt),
    ...(ended ? { endedAt: iso(ended.at), endedBy: ended.by } : {}),
    stages,
    files: known.files,
    bytes: known.bytes,
    misses: known.misses,
    missed: [...known.missed],
    ...(known.lastFile === undefined ? {} : { lastFile: known.lastFile }),
    diagnosis: { code, text, causes: [...causes], ...(next === undefined ? {} : { next }) },
  };
}
