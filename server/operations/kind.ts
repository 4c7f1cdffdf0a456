import type { OperationId } from '../../core/ids.ts';
import type { Claim, OperationRecord, Requester } from '../../db/journal.ts';
import type { Executor } from '../../db/open.ts';

/** Operations that another one begins and waits for. They live and end by themselves, whatever becomes of that one. */
export interface Others {
  /**
   * Admits one under an id that was minted before, as `Engine.start` does.
   * @throws BakeryError what its admission throws; `stopping` (unavailable) when the server stops: begin it after the next start.
   */
  start<P>(
    kind: string,
    params: (trx: Executor) => Promise<P>,
    options: { id: OperationId; by: Requester | undefined },
  ): Promise<unknown>;
  /** Resolves when it has ended or is stuck, also after a restart; undefined when there is none. */
  ended(id: OperationId): Promise<OperationRecord | undefined>;
}

/** What a step, and the transactions at an operation's two ends, may read. */
export interface StepContext<P> {
  readonly operation: OperationId;
  readonly params: P;
  /** What the steps before it have answered, by step name, as kept in the journal. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Aborted when the operation is cancelled or the step's time is over. */
  readonly signal: AbortSignal;
  /** What the caller handed over and a crash cannot bring back (an upload's body). Absent after a restart. */
  readonly attachment: unknown;
  readonly others: Others;
  /** Tells how far the step is. Cheap: kept in memory, until the next. */
  report(progress: Progress): void;
}

/** How far a step is. */
export interface Progress {
  readonly done: number;
  /** Absent where nobody knows (an upload without a length). */
  readonly total?: number | undefined;
  readonly unit: 'bytes' | 'pis';
}

/**
 * A unit of effect. `do` and `undo` are idempotent: done twice is done once; `undo` accepts that `do` never happened, or
 * only half.
 */
export interface Step<P> {
  readonly name: string;
  /** The step is aborted and fails after this many ms. */
  readonly timeoutMs: number;
  /**
   * The point of no return: once this step has begun, nothing is undone any more. It and the steps behind it are tried again, after a
   * crash too, until the operation is done or stuck.
   */
  readonly noWayBack?: true;
  do(context: StepContext<P>): Promise<unknown>;
  undo?(context: StepContext<P>): Promise<void>;
}

/** What happens to an operation that a crash interrupted: go on, undo, or go on with no way back. */
export type AfterCrash = 'resume' | 'rollback' | 'forward';

/** One kind of durable job. Everything it does to the world is in its steps, everything it does to the inventory beside. */
export interface OperationKind<P> {
  readonly kind: string;
  /** Raised when steps or params change so that an operation of the old version cannot be continued by the new code. */
  readonly version: number;
  readonly afterCrash: AfterCrash;
  readonly steps: readonly Step<P>[];
  /** It does nothing but begin others and wait for them: a server that stops does not wait for it. */
  readonly onlyWaits?: true;
  /** Reads the params back from the journal. */
  parse(params: unknown): P;
  /** What it must hold. Taken in the transaction of `admit`, before it. */
  claims(params: P, operation: OperationId): readonly Claim[];
  /** Checks that it may begin and moves what it moves at once. One transaction with the operation's row. */
  admit(trx: Executor, params: P, operation: OperationId): Promise<void>;
  /** The last step: database only, one transaction with the end and the release of the claims. */
  commit(trx: Executor, context: StepContext<P>): Promise<void>;
  /** After everything was undone: takes back what `admit` did. One transaction with the end. Not for `forward`. */
  unwound?(trx: Executor, context: StepContext<P>): Promise<void>;
  /** When a person retries it: its Pi, held since it got stuck, goes back to the state it was in. */
  retried?(trx: Executor, context: StepContext<P>): Promise<void>;
}
