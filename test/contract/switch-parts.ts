import { inspect } from 'node:util';
import { systemClock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import type { SwitchParts } from '../../server/power/switches/kind.ts';

/** What a switch is opened with; `logged` is all that it says. */
export function partsFor(logged: string[]): SwitchParts {
  const add = (fields: object, message: string) => void logged.push(`${message} ${inspect(fields, { depth: 6 })}`);
  const log: Log = { debug: add, info: add, warn: add, error: add };
  return { clock: systemClock, log };
}
