import type { Clock } from '../core/host/clock.ts';
import type { Exec } from '../core/host/exec.ts';
import type { CallBus } from '../exports/nfs/ganesha/bus.ts';
import type { JournalGate } from './operations/runner.ts';
import type { PowerSettings } from './power/service.ts';
import type { SwitchKind } from './power/switches/kind.ts';
import type { Loop } from './reconcile/loops.ts';
import type { BoundSwitches, Switching } from './switching.ts';

/** Where a test holds the process to kill it from outside; nothing else uses it. */
export interface Seams {
  readonly gate?: JournalGate;
  /** Around every child process. */
  readonly exec?: (exec: Exec) => Exec;
  /** Around every call of the NFS server over its bus. */
  readonly bus?: (call: CallBus) => CallBus;
  /** Whether it takes itself to be able to grow what is mounted. */
  readonly growsMounted?: boolean;
  /** What is run in the place of a loop. */
  readonly loop?: (loop: Loop) => Loop;
  /** What the server takes for the time. */
  readonly clock?: Clock;
  /** Pauses of the power service. */
  readonly power?: Partial<PowerSettings>;
  /** The switches that Pis are bound to. */
  readonly switches?: (switching: Switching) => BoundSwitches;
  /** Kinds of switches beside those that are built in. */
  readonly switchKinds?: readonly SwitchKind[];
}
