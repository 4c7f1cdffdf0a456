import type { Clock } from '../../../core/host/clock.ts';
import { bounded, type CallLimits } from '../bounded.ts';
import type { OpenSwitch, PowerSwitch, SwitchSurvey } from './kind.ts';
import type { SwitchWriter } from './writer.ts';

/** What a switch told of itself, and when it was asked, in ms of `Clock.monotonic`. */
export interface DatedSurvey {
  readonly survey: SwitchSurvey;
  readonly at: number;
}

/** Surveys of switches, the last of each kept in memory. */
export interface SwitchSurveys {
  /**
   * Asks a switch for everything, in its turn and within the limit of a call; undefined where it has no such question, or
   * is not there.
   * @throws PowerFault, and the signal's reason
   */
  take(switchName: string, signal?: AbortSignal): Promise<SwitchSurvey | undefined>;
  /** The last that was taken of the device that has this name now. */
  last(switchName: string): DatedSurvey | undefined;
}

/** Makes it. */
export function createSwitchSurveys(options: {
  readonly find: (switchName: string) => OpenSwitch | undefined;
  readonly turn: SwitchWriter['turn'];
  readonly limits: CallLimits;
  readonly clock: Clock;
}): SwitchSurveys {
  const { find, turn, limits, clock } = options;
  const surveys = new WeakMap<PowerSwitch, DatedSurvey>();
  return {
    async take(name, signal) {
      return turn(
        name,
        async () => {
          const at = clock.monotonic();
          const device = find(name)?.device;
          const survey = await bounded(async (limit) => device?.survey?.(limit), { ...limits, clock, signal });
          if (device && survey) surveys.set(device, { survey, at });
          return survey;
        },
        signal,
      );
    },
    last(name) {
      const device = find(name)?.device;
      return device && surveys.get(device);
    },
  };
}
