import type { CallCounts } from './counted.ts';
import type { OpenSwitches } from './open.ts';
import type { SwitchQuestions } from './questions.ts';

/** One switch as it is seen from outside. */
export interface SwitchFigures {
  readonly name: string;
  readonly kind: string;
  /** Whether the last survey succeeded; false, too, when it cannot be used. Undefined while nobody has asked it. */
  readonly works: boolean | undefined;
  /** When it last told what is on its ports, ms since the epoch. */
  readonly surveyedAt: number | undefined;
  readonly calls: CallCounts;
}

/** All switches, from memory: nobody is asked. */
export function switchFigures(
  switches: Pick<OpenSwitches, 'list' | 'state'>,
  questions: Pick<SwitchQuestions, 'surveyedAt' | 'failure'>,
): SwitchFigures[] {
  return switches.list().map(({ name, kind, calls }) => {
    const isBroken = switches.state(name)?.fault !== undefined || questions.failure(name) !== undefined;
    const surveyedAt = questions.surveyedAt(name);
    const works = isBroken ? false : surveyedAt === undefined ? undefined : true;
    return { name, kind, works, surveyedAt, calls };
  });
}
