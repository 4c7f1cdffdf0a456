import { startWebDevice, type WebAnswer, type WebDevice, type WebRequest } from './web-device.ts';

/** A device that switches, in words that are its own. */
export interface Relays {
  readonly ports: readonly string[];
  /** Answers as the device does: `states` are what it tells, `turn` switches, `credential` is what it was set up with. */
  answer(
    request: WebRequest,
    relays: {
      readonly states: ReadonlyMap<string, boolean>;
      readonly credential: string;
      turn(port: string, on: boolean): void;
    },
  ): WebAnswer;
}

/** One in use. */
export interface RunningRelays extends WebDevice {
  gives(port: string): 'on' | 'off';
  /** Every change that came in, as `on 3`. */
  readonly changes: readonly string[];
}

/** Starts it, with all ports off. */
export async function startRelays(relays: Relays, credential = ''): Promise<RunningRelays> {
  const gives = new Map(relays.ports.map((port) => [port, false]));
  const told = new Map(gives);
  const changes: string[] = [];
  const device = await startWebDevice((request, behaviour) =>
    relays.answer(request, {
      states: told,
      credential,
      turn(port, on) {
        changes.push(`${on ? 'on' : 'off'} ${port}`);
        if (behaviour !== 'ignores') gives.set(port, on);
        if (behaviour !== 'ignores' && behaviour !== 'lags') told.set(port, on);
      },
    }),
  );
  return { ...device, changes, gives: (port) => (gives.get(port) ? 'on' : 'off') };
}
