import { BakeryError, describeError, type ErrorKind } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import type { Log } from '../../core/log.ts';
import {
  addEvent,
  type EventRecord,
  findOperation,
  listEvents,
  type OperationFault,
  type OperationRecord,
  releaseClaims,
  type StepEvent,
  setOperationState,
} from '../../db/journal.ts';
import type { Db, Executor } from '../../db/open.ts';
import { holdOperation } from './hold.ts';
import type { OperationKind, Progress, Step, StepContext } from './kind.ts';

/** How long an aborted step may take to end by itself before it is taken for lost. */
const ABORT_GRACE_MS = 3_000;

/** Pauses before a step that has no way back is tried again. */
const FORWARD_RETRY_MS = [500, 2_000];

function toFault(error: unknown): OperationFault {
  if (error instanceof BakeryError) {
    return { kind: error.kind, code: error.code, message: error.message, detail: error.detail };
  }
  return { kind: 'internal', code: 'internal', message: 'an internal error occurred', detail: describeError(error) };
}

/** The error that a kept fault was. */
export function fromFault(fault: OperationFault | undefined): BakeryError {
  const { kind = 'internal', code = 'internal', message = 'the operation failed', detail } = fault ?? {};
  return new BakeryError(kind as ErrorKind, code, message, detail === undefined ? {} : { detail });
}

/** What the history says of a step: `succeeded` with its output, `started` (it may have acted), or `undone`. */
export function stepStates(events: readonly EventRecord[]): Map<string, { started: boolean; output?: unknown }> {
  const states = new Map<string, { started: boolean; output?: unknown }>();
  for (const event of events) {
    if (event.event === 'started') states.set(event.step, { started: true });
    if (event.event === 'succeeded') states.set(event.step, { started: true, output: event.output ?? null });
    if (event.event === 'undone') states.delete(event.step);
  }
  return states;
}

/** A running operation's surroundings that the journal does not keep. */
export interface Run {
  /** Aborted by a cancel. */
  readonly signal: AbortSignal;
  readonly attachment: unknown;
  onProgress(progress: Progress | undefined): void;
}

/** Drives one admitted operation to its end: its steps, or their undoing. */
export interface Runner {
  /** Resolves when it is done; rejects with its fault when it failed (everything undone) or got stuck. */
  drive(operation: OperationRecord, run: Run): Promise<void>;
  /** What the journal knows of it. */
  contextOf(operation: OperationRecord, run: Run): Promise<StepContext<unknown>>;
}

/**
 * Called before and after every commit to the journal with the point's name, `<kind>/<step>/<event>:before` or `:after`. A test
 * holds the process there to kill it from outside; nothing else uses it.
 */
export type JournalGate = (point: string) => void;

/** Every point of one kind's life without mishap at which the gate is called, in their order. */
export function journalPoints(kind: OperationKind<never>): string[] {
  const events = ['admit', ...kind.steps.flatMap(({ name }) => [`${name}/started`, `${name}/succeeded`]), 'commit'];
  return events.flatMap((event) => [`${kind.kind}/${event}:before`, `${kind.kind}/${event}:after`]);
}

/** The same of its undoing, after its last step has failed. */
export function undoPoints(kind: OperationKind<never>): string[] {
  if (kind.afterCrash === 'forward') return [];
  const events = kind.steps.toReversed().flatMap(({ name }) => [`${name}/undo-started`, `${name}/undone`]);
  return ['unwinding', ...events, 'unwound'].flatMap((event) => [
    `${kind.kind}/${event}:before`,
    `${kind.kind}/${event}:after`,
  ]);
}

/** Builds a runner; it keeps nothing in memory that the journal does not have. */
export function createRunner(options: {
  db: Db;
  kindOf: (name: string) => OperationKind<unknown>;
  clock: Clock;
  log: Log;
  gate?: JournalGate | undefined;
}): Runner {
  const { db, kindOf, clock, log, gate = () => undefined } = options;

  async function gated(point: string, commit: () => Promise<unknown>): Promise<void> {
    gate(`${point}:before`);
    await commit();
    gate(`${point}:after`);
  }

  /** Appends to the operation's history. */
  async function record(operation: OperationRecord, step: string, event: StepEvent, output?: unknown): Promise<void> {
    await gated(`${operation.kind}/${step}/${event}`, () =>
      addEvent(db, { operation: operation.id, step, event, output, now: clock.now() }),
    );
  }

  async function contextOf(operation: OperationRecord, run: Run): Promise<StepContext<unknown>> {
    const outputs: Record<string, unknown> = {};
    for (const [step, state] of stepStates(await listEvents(db, operation.id))) {
      if (state.output !== undefined) outputs[step] = state.output;
    }
    return {
      operation: operation.id,
      params: kindOf(operation.kind).parse(operation.params),
      outputs,
      signal: run.signal,
      attachment: run.attachment,
      report: (progress) => run.onProgress(progress),
    };
  }

  async function withTimeout<T>(
    step: Step<unknown>,
    context: StepContext<unknown>,
    run: (c: StepContext<unknown>) => Promise<T>,
  ) {
    const timeout = AbortSignal.timeout(step.timeoutMs);
    const signal = AbortSignal.any([context.signal, timeout]);
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => {
      // The step gets a moment to end by the signal itself, so that its effects are over when it is undone.
      setTimeout(() => aborted.reject(signal.reason), ABORT_GRACE_MS);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([run({ ...context, signal }), aborted.promise]);
    } catch (error) {
      if (timeout.aborted) {
        throw new BakeryError('timeout', 'step-timeout', `the step ${step.name} took too long`, {
          detail: describeError(error),
          cause: error,
        });
      }
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async function doSteps(
    kind: OperationKind<unknown>,
    operation: OperationRecord,
    context: StepContext<unknown>,
    run: Run,
  ) {
    const outputs = context.outputs as Record<string, unknown>;
    for (const step of kind.steps) {
      if (step.name in outputs) continue;
      context.signal.throwIfAborted();
      run.onProgress(undefined);
      await record(operation, step.name, 'started');
      for (let tries = 0; ; tries++) {
        try {
          const output = (await withTimeout(step, context, (c) => step.do(c))) ?? null;
          await record(operation, step.name, 'succeeded', output);
          outputs[step.name] = output;
          break;
        } catch (error) {
          await record(operation, step.name, 'failed', toFault(error));
          const delay = FORWARD_RETRY_MS[tries];
          if (kind.afterCrash !== 'forward' || delay === undefined) throw error;
          await clock.sleep(delay);
        }
      }
    }
  }

  async function commit(kind: OperationKind<unknown>, operation: OperationRecord, context: StepContext<unknown>) {
    const inventory = async (trx: Executor) => {
      const ended = await setOperationState(trx, operation.id, { from: ['running'], to: 'done', now: clock.now() });
      // A cancel that came first has won: what was done is undone.
      if (!ended) throw new BakeryError('conflict', 'cancelled', 'the operation was cancelled');
      await kind.commit(trx, context);
      await releaseClaims(trx, operation.id);
    };
    await gated(`${kind.kind}/commit`, () => db.transaction().execute(inventory));
  }

  async function getStuck(operation: OperationRecord, error: unknown) {
    const fault = toFault(error);
    log.error({ operation: operation.id, kind: operation.kind, fault }, 'an operation is stuck and needs a person');
    await gated(`${operation.kind}/stuck`, () =>
      db.transaction().execute((trx) => holdOperation(trx, operation.id, fault, clock.now())),
    );
  }

  async function unwind(kind: OperationKind<unknown>, operation: OperationRecord, context: StepContext<unknown>) {
    const states = stepStates(await listEvents(db, operation.id));
    const quiet: StepContext<unknown> = { ...context, signal: new AbortController().signal };
    for (const step of kind.steps.toReversed()) {
      if (!states.has(step.name)) continue;
      await record(operation, step.name, 'undo-started');
      try {
        if (step.undo) await withTimeout(step, quiet, (c) => step.undo?.(c) ?? Promise.resolve());
      } catch (error) {
        await record(operation, step.name, 'undo-failed', toFault(error));
        await getStuck(operation, error);
        return;
      }
      await record(operation, step.name, 'undone');
    }
    const inventory = async (trx: Executor) => {
      await setOperationState(trx, operation.id, { from: ['unwinding'], to: 'failed', now: clock.now() });
      await kind.unwound?.(trx, quiet);
      await releaseClaims(trx, operation.id);
    };
    await gated(`${kind.kind}/unwound`, () => db.transaction().execute(inventory));
  }

  async function drive(operation: OperationRecord, run: Run): Promise<void> {
    const kind = kindOf(operation.kind);
    const context = await contextOf(operation, run);
    if (operation.state === 'running') {
      try {
        await doSteps(kind, operation, context, run);
        await commit(kind, operation, context);
        log.info({ operation: operation.id, kind: kind.kind }, 'operation done');
        return;
      } catch (error) {
        if (kind.afterCrash === 'forward') {
          await getStuck(operation, error);
          throw error;
        }
        const fault = toFault(error);
        log.warn({ operation: operation.id, kind: kind.kind, fault }, 'operation failed; undoing it');
        await gated(`${kind.kind}/unwinding`, () =>
          setOperationState(db, operation.id, { from: ['running'], to: 'unwinding', error: fault, now: clock.now() }),
        );
      }
    }
    await unwind(kind, operation, context);
    throw fromFault((await findOperation(db, operation.id))?.error);
  }

  return { drive, contextOf };
}
