import type { PowerSwitch } from './kind.ts';

/** What is asked of a switch. */
export const SWITCH_ACTIONS = ['set', 'query', 'survey'] as const;
export type SwitchAction = (typeof SWITCH_ACTIONS)[number];

/** The same device, with `around` about each of its calls. */
export function eachCall(
  device: PowerSwitch,
  around: <T>(action: SwitchAction, call: () => Promise<T>, signal: AbortSignal) => Promise<T>,
): PowerSwitch {
  const { query, survey, close } = device;
  return {
    set: (changes, signal) => around('set', () => device.set(changes, signal), signal),
    ...(query ? { query: (ports, signal) => around('query', () => query.call(device, ports, signal), signal) } : {}),
    ...(survey ? { survey: (signal) => around('survey', () => survey.call(device, signal), signal) } : {}),
    ...(close ? { close: () => close.call(device) } : {}),
  };
}
