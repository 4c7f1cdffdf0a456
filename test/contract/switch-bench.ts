import type { TestContext } from 'node:test';
import type { PowerSwitch, SwitchKind } from '../../server/power/switches/kind.ts';
import { partsFor } from './switch-parts.ts';

/**
 * What the far end does from now on:
 * - `silent`: takes connections or datagrams and never answers; `half-dead`: begins an answer and never ends it (UDP: as silent);
 * - `refusing`: nothing listens; `busy`: too many requests; `broken`: an answer that is none;
 * - `forgets`: it has restarted, and knows no session, cookie or engine boots of before;
 * - `lags`: changes are taken and the read-back stays as it was; `ignores`: a change is answered as done and is not.
 */
export type FarEnd = 'works' | 'silent' | 'half-dead' | 'refusing' | 'busy' | 'broken' | 'forgets' | 'lags' | 'ignores';

/** Something that switches power, with something real at its far end. */
export interface PowerBench {
  /** Ports that are there, off at first, and one that is not; undefined where there can be none that is not. */
  readonly ports: readonly [string, string];
  readonly missing: string | undefined;
  /** Opened with the right credential, and closed with the test. */
  readonly device: PowerSwitch;
  /** Several ports go in one call. */
  readonly batches: boolean;
  /** Opens another; it is closed by who opens it. `logged` is all that it says. */
  open(credential: 'right' | 'wrong', logged: string[]): PowerSwitch;
  /** Right and wrong ones: they stand in no message. Empty: it is switched without any. */
  readonly secrets: readonly string[];
  /** What a fault says of a credential that is wrong, where the far end does not tell it from other failures. */
  readonly wrongSays?: RegExp;
  /** Behaviours that this far end can have; the suite compares them with the row of what is left out. */
  readonly behaviours: readonly FarEnd[];
  farEnd(behaviour: FarEnd): Promise<void>;
  /** What the device itself says that a port gives: read beside the driver. */
  gives(port: string): Promise<'on' | 'off'>;
  /** Every change that came in, as `on 3`, in the order it came. */
  changes(): Promise<readonly string[]>;
}

/** A kind of switch with something real at its far end. */
export interface SwitchBench extends PowerBench {
  readonly kind: SwitchKind;
  /** Right settings. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Builds one with the test. */
export type Make<Bench extends PowerBench = PowerBench> = (t: Pick<TestContext, 'after'>) => Promise<Bench>;
export type MakeSwitchBench = Make<SwitchBench>;

/** What is the device's and the test's; all else of a bench follows from its settings. */
type Given = Omit<SwitchBench, 'open' | 'device' | 'secrets' | 'batches'> & {
  /** The settings with a wrong credential. */
  readonly wrong: Readonly<Record<string, unknown>>;
};

/** The bench of a kind: `device` is made of `settings`, and closed with the test. */
export function benchOf<More extends Given>(t: Pick<TestContext, 'after'>, { wrong, ...given }: More) {
  const { kind, settings } = given;
  const secrets = [settings, wrong].flatMap((all) => kind.secrets.map((name) => all[name]));
  const open: PowerBench['open'] = (credential, logged) =>
    kind.open(credential === 'right' ? settings : wrong, partsFor(logged));
  const device = open('right', []);
  t.after(() => device.close?.());
  return {
    ...given,
    open,
    device,
    batches: kind.batches,
    secrets: secrets.filter((secret) => typeof secret === 'string'),
  };
}
