import { setImmediate as nextTick } from 'node:timers/promises';
import type { OpenSwitch, PortPower, PowerSwitch, SwitchSurvey } from '../../server/power/switches/kind.ts';

/** A switch in memory. A test changes what it does; what it is asked is noted, and how much at once at most. */
export interface ToySwitch {
  readonly open: OpenSwitch;
  readonly ports: Map<string, PortPower>;
  /** `set 1=on 2=off`, `query 1 2`, `survey`. */
  readonly calls: string[];
  /** Calls under way, at most. */
  readonly most: () => number;
  /** What `set` does instead of switching. */
  onSet: ((changes: ReadonlyMap<string, 'on' | 'off'>, signal: AbortSignal) => Promise<void>) | undefined;
  /** What `query` says of a port instead of the truth. */
  says: ((port: string) => PortPower) | undefined;
  /** What `survey` says. */
  survey: SwitchSurvey;
  /** Switches, as `set` does without `onSet`. */
  apply(changes: ReadonlyMap<string, 'on' | 'off'>): void;
}

/** Makes one that batches, unless a test wants it otherwise. */
export function toySwitch(
  name: string,
  kind: Partial<OpenSwitch['kind']> = {},
  { canTell = true }: { readonly canTell?: boolean } = {},
): ToySwitch {
  let underWay = 0;
  let most = 0;
  async function alone<T>(what: string, act: () => Promise<T>): Promise<T> {
    toy.calls.push(what);
    underWay += 1;
    most = Math.max(most, underWay);
    await nextTick();
    try {
      return await act();
    } finally {
      underWay -= 1;
    }
  }
  const device: PowerSwitch = {
    set(changes, signal) {
      const { onSet = toy.apply } = toy;
      const what = [...changes].map(([port, to]) => `${port}=${to}`).join(' ');
      return alone(`set ${what}`, async () => onSet(changes, signal));
    },
    survey: () => alone('survey', async () => toy.survey),
    ...(canTell
      ? {
          query: (ports) =>
            alone(
              `query ${ports.join(' ')}`,
              async () => new Map(ports.map((port) => [port, toy.says?.(port) ?? toy.ports.get(port) ?? 'unknown'])),
            ),
        }
      : {}),
  };
  const toy: ToySwitch = {
    open: { name, kind: { name: 'toy', batches: true, readBackMs: 0, ...kind }, device },
    ports: new Map(),
    calls: [],
    most: () => most,
    onSet: undefined,
    says: undefined,
    survey: { description: 'toy', ports: [] },
    apply(changes) {
      for (const [port, to] of changes) toy.ports.set(port, to);
    },
  };
  return toy;
}
