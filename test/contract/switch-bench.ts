import type { TestContext } from 'node:test';
import type { PowerSwitch, SwitchKind } from '../../server/power/switches/kind.ts';

/**
 * What the far end does from now on:
 * - `silent`: takes connections or datagrams and never answers; `half-dead`: begins an answer and never ends it (UDP: as silent);
 * - `refusing`: nothing listens; `busy`: too many requests; `broken`: an answer that is none;
 * - `forgets`: it has restarted, and knows no session, cookie or engine boots of before;
 * - `lags`: changes are taken and the read-back stays as it was; `ignores`: a change is answered as done and is not.
 */
export type FarEnd = 'works' | 'silent' | 'half-dead' | 'refusing' | 'busy' | 'broken' | 'forgets' | 'lags' | 'ignores';

/** A kind of switch with something real at its far end. */
export interface SwitchBench {
  readonly kind: SwitchKind;
  /** Right settings, and the same with a wrong credential (undefined where there is none). */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly wrong: Readonly<Record<string, unknown>> | undefined;
  /** Two ports that are there, off at first, and one that is not. */
  readonly ports: readonly [string, string];
  readonly missing: string;
  /** Made of `settings`; closed with the test. */
  readonly device: PowerSwitch;
  /** Behaviours that this far end can have; the suite leaves out the others and tells which. */
  readonly behaviours: readonly FarEnd[];
  farEnd(behaviour: FarEnd): Promise<void>;
  /** What the device itself says that a port gives: read beside the driver. */
  gives(port: string): Promise<'on' | 'off'>;
  /** Every change that came in, as `on 3`, in the order it came. */
  changes(): Promise<readonly string[]>;
}

/** Builds one with the test. */
export type MakeSwitchBench = (t: Pick<TestContext, 'after'>) => Promise<SwitchBench>;
