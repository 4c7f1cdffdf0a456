import type { Clock } from '../core/host/clock.ts';
import type { PiId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { PiPort } from '../core/pi.ts';
import { addFeedEvent } from '../db/events.ts';
import type { Db } from '../db/open.ts';
import { findByPort } from '../db/pi-remarks.ts';
import { findPi } from '../db/pis.ts';
import { DEFAULT_CALL_LIMITS } from './power/bounded.ts';
import type { PowerDriver } from './power/driver.ts';
import type { PowerSettings } from './power/service.ts';
import { createSwitchDriver, type TightPower } from './power/switches/driver.ts';
import type { OpenSwitch } from './power/switches/kind.ts';
import { createSwitchSurveys, type SwitchSurveys } from './power/switches/surveys.ts';
import { createSwitchWriter, type SwitchWriter } from './power/switches/writer.ts';

/** The switches that there are, and the ports that Pis are bound to; from memory. */
export interface BoundSwitches {
  find(name: string): OpenSwitch | undefined;
  boundPort(pi: PiId): PiPort | undefined;
}

/** All that calls switches. */
export interface Switching {
  readonly driver: PowerDriver;
  /** For whatever else is asked of a switch. */
  readonly turn: SwitchWriter['turn'];
  readonly surveys: SwitchSurveys;
}

/** Builds it around the driver that the environment names. `bound` is asked at each call: who makes the switches may need `turn` for them. */
export function createSwitching(options: {
  readonly db: Db;
  readonly bound: () => BoundSwitches;
  readonly fallback: PowerDriver;
  readonly settings?: Partial<PowerSettings> | undefined;
  readonly clock: Clock;
  readonly log: Log;
}): Switching {
  const { db, bound, fallback, settings, clock, log } = options;
  const limits = { ...DEFAULT_CALL_LIMITS, ...settings };
  const find = (name: string) => bound().find(name);
  const writer = createSwitchWriter({ find, limits, clock });
  const surveys = createSwitchSurveys({ find, turn: writer.turn, limits, clock });

  async function onTight({ pi, port, leftMilliwatts, needsMilliwatts }: TightPower): Promise<void> {
    const data = { ...port, leftMilliwatts, needsMilliwatts };
    log.warn({ pi, ...data }, 'a switch may have too little power left for a Pi that is switched on');
    await addFeedEvent(db, { type: 'pi.power-tight', pi, data }, clock.now());
  }

  const driver = createSwitchDriver({
    boundPort: (pi) => bound().boundPort(pi),
    switches: { find },
    async owner(port) {
      const id = await findByPort(db, port);
      return id && findPi(db, id);
    },
    writer,
    surveys,
    fallback,
    onTight,
    clock,
  });
  return { driver, turn: writer.turn, surveys };
}
